//! Spans of what an authorization server elsewhere is asked.

use std::sync::Arc;

use async_trait::async_trait;
use tracing::Instrument;
use tracing::field::Empty;
use turnpike_domain::Error;
use turnpike_domain::authorization_server::{
    AuthorizationServer, IssuedToken, PublishedKeys, TokenRequest,
};

use super::{TARGET, noted};

/// An authorization server whose issuing is spans. Who asked, and what came of it, is not in them.
#[derive(Debug)]
pub struct TracedIssuer(Arc<dyn AuthorizationServer>);

impl TracedIssuer {
    /// `inner`; as it is while nobody wants spans.
    pub fn around(inner: Arc<dyn AuthorizationServer>) -> Arc<dyn AuthorizationServer> {
        if super::wanted() { Arc::new(Self(inner)) } else { inner }
    }
}

#[async_trait]
impl AuthorizationServer for TracedIssuer {
    fn issuer(&self) -> &str {
        self.0.issuer()
    }

    async fn issue(&self, request: &TokenRequest<'_>) -> Result<IssuedToken, Error> {
        let span = tracing::info_span!(
            target: TARGET,
            "token",
            otel.name = "issue token",
            otel.kind = "client",
            otel.status_code = Empty,
            error.type = Empty,
        );
        let done = self.0.issue(request).instrument(span.clone()).await;
        noted(&span, &done, |_| "not_issued");
        done
    }

    async fn keys(&self) -> Result<PublishedKeys, Error> {
        self.0.keys().await
    }

    fn proves_secrets(&self) -> bool {
        self.0.proves_secrets()
    }
}
