//! Spans of what the pool of an authorization server is asked.

use std::sync::Arc;

use async_trait::async_trait;
use tracing::Instrument;
use tracing::field::Empty;
use turnpike_domain::authorization_server::pool::{
    CreatedClient, Error, FoundClient, FoundResourceServer, ListedClient, Page, Pool, PoolClient,
    PoolResourceServer, SecretName,
};
use turnpike_domain::id::ClientId;
use turnpike_domain::scope::Identifier;
use turnpike_domain::secret::SecretValue;

use super::{TARGET, noted};

/// A pool whose operations are spans. What was asked is not in them.
#[derive(Debug)]
pub struct TracedPool(Arc<dyn Pool>);

impl TracedPool {
    /// `inner`; as it is while nobody wants spans.
    pub fn around(inner: Arc<dyn Pool>) -> Arc<dyn Pool> {
        if super::wanted() { Arc::new(Self(inner)) } else { inner }
    }
}

async fn told<T>(
    method: &'static str,
    asked: impl Future<Output = Result<T, Error>> + Send,
) -> Result<T, Error> {
    let span = tracing::info_span!(
        target: TARGET,
        "pool",
        otel.name = method,
        otel.kind = "client",
        otel.status_code = Empty,
        rpc.method = method,
        error.type = Empty,
    );
    let done = asked.instrument(span.clone()).await;
    noted(&span, &done, kind);
    done
}

#[async_trait]
impl Pool for TracedPool {
    async fn create_client(
        &self,
        client: &PoolClient,
        secret: &SecretValue,
    ) -> Result<CreatedClient, Error> {
        told("create_client", self.0.create_client(client, secret)).await
    }

    async fn put_client(&self, id: &ClientId, client: &PoolClient) -> Result<(), Error> {
        told("put_client", self.0.put_client(id, client)).await
    }

    async fn delete_client(&self, id: &ClientId) -> Result<(), Error> {
        told("delete_client", self.0.delete_client(id)).await
    }

    async fn add_secret(&self, id: &ClientId, secret: &SecretValue) -> Result<SecretName, Error> {
        told("add_secret", self.0.add_secret(id, secret)).await
    }

    async fn remove_secret(&self, id: &ClientId, name: &SecretName) -> Result<bool, Error> {
        told("remove_secret", self.0.remove_secret(id, name)).await
    }

    async fn secrets(&self, id: &ClientId) -> Result<Vec<SecretName>, Error> {
        told("secrets", self.0.secrets(id)).await
    }

    fn takes_secrets(&self) -> bool {
        self.0.takes_secrets()
    }

    async fn put_resource_server(&self, server: &PoolResourceServer) -> Result<(), Error> {
        told("put_resource_server", self.0.put_resource_server(server)).await
    }

    async fn delete_resource_server(&self, identifier: &Identifier) -> Result<(), Error> {
        told("delete_resource_server", self.0.delete_resource_server(identifier)).await
    }

    async fn clients(&self, after: Option<&str>) -> Result<Page<ListedClient>, Error> {
        told("clients", self.0.clients(after)).await
    }

    async fn client(&self, id: &ClientId) -> Result<Option<FoundClient>, Error> {
        told("client", self.0.client(id)).await
    }

    async fn resource_servers(
        &self,
        after: Option<&str>,
    ) -> Result<Page<FoundResourceServer>, Error> {
        told("resource_servers", self.0.resource_servers(after)).await
    }

    async fn resource_server(
        &self,
        identifier: &Identifier,
    ) -> Result<Option<FoundResourceServer>, Error> {
        told("resource_server", self.0.resource_server(identifier)).await
    }
}

const fn kind(error: &Error) -> &'static str {
    match error {
        Error::Busy { .. } => "busy",
        Error::Full(_) => "full",
        Error::Missing => "missing",
        Error::MissingScope(_) => "missing_scope",
        Error::Refused(_) => "refused",
        Error::Unknown(_) => "unknown",
    }
}
