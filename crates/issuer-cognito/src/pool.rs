//! The seam of the pool, a line for each verb.

use async_trait::async_trait;
use turnpike_domain::Identifier;
use turnpike_domain::authorization_server::pool::{
    CreatedClient, Error, FoundClient, FoundResourceServer, ListedClient, Page, Pool, PoolClient,
    PoolResourceServer, SecretName,
};
use turnpike_domain::id::ClientId;
use turnpike_domain::secret::SecretValue;

use crate::Cognito;
use crate::settings::SecretsFrom;

#[async_trait]
impl Pool for Cognito {
    async fn create_client(
        &self,
        client: &PoolClient,
        secret: &SecretValue,
    ) -> Result<CreatedClient, Error> {
        self.create(client, secret).await
    }

    async fn put_client(&self, id: &ClientId, client: &PoolClient) -> Result<(), Error> {
        self.put(id, client).await
    }

    async fn delete_client(&self, id: &ClientId) -> Result<(), Error> {
        self.delete(id).await
    }

    async fn add_secret(&self, id: &ClientId, secret: &SecretValue) -> Result<SecretName, Error> {
        self.add(id, secret).await
    }

    async fn remove_secret(&self, id: &ClientId, name: &SecretName) -> Result<bool, Error> {
        self.remove(id, name).await
    }

    async fn secrets(&self, id: &ClientId) -> Result<Vec<SecretName>, Error> {
        self.list_secrets(id, self.deadline()).await
    }

    fn takes_secrets(&self) -> bool {
        self.inner.settings.secrets == SecretsFrom::Turnpike
    }

    async fn put_resource_server(&self, server: &PoolResourceServer) -> Result<(), Error> {
        self.put_server(server).await
    }

    async fn delete_resource_server(&self, identifier: &Identifier) -> Result<(), Error> {
        self.delete_server(identifier).await
    }

    async fn clients(&self, after: Option<&str>) -> Result<Page<ListedClient>, Error> {
        self.list(after).await
    }

    async fn client(&self, id: &ClientId) -> Result<Option<FoundClient>, Error> {
        self.find(id).await
    }

    async fn resource_servers(
        &self,
        after: Option<&str>,
    ) -> Result<Page<FoundResourceServer>, Error> {
        self.list_servers(after).await
    }

    async fn resource_server(
        &self,
        identifier: &Identifier,
    ) -> Result<Option<FoundResourceServer>, Error> {
        self.find_server(identifier).await
    }
}
