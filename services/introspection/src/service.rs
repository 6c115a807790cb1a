//! IntrospectionService.

use prost_types::Timestamp;
use tonic::{Request, Response, Status, Streaming, async_trait};
use turnpike_domain::{Error, Problem};
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::introspection_service_server::IntrospectionService;
use turnpike_rpc::oauth::Credentials;
use turnpike_rpc::{Gate, Op, methods};

use crate::watch::{self, Watched};
use crate::{Inner, Introspection, list_verifiers, revoke_token};

/// Implements IntrospectionService.
#[derive(Clone, Debug)]
pub struct Service {
    gate: Gate,
    introspection: Introspection,
}

impl Service {
    /// Served through this gate.
    pub const fn new(gate: Gate, introspection: Introspection) -> Self {
        Self { gate, introspection }
    }
}

#[async_trait]
impl IntrospectionService for Service {
    async fn introspect(
        &self,
        request: Request<pb::IntrospectRequest>,
    ) -> Result<Response<pb::IntrospectResponse>, Status> {
        let inner = &self.introspection.0;
        let handle = |op, message| async move { introspect(inner, &op, &message) };
        self.gate.read(&methods::INTROSPECT, request, handle).await
    }

    type WatchPolicyStream = Watched;

    async fn watch_policy(
        &self,
        request: Request<Streaming<pb::WatchPolicyRequest>>,
    ) -> Result<Response<Watched>, Status> {
        let inner = self.introspection.0.clone();
        let shown = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let credentials = shown.and_then(Credentials::from_basic);
        let handle = |op, asked| async move {
            // The gate has found the caller by them.
            let credentials = credentials.ok_or_else(|| Error::internal("no credentials"))?;
            watch::run(inner, op, credentials, asked)
        };
        self.gate.read(&methods::WATCH_POLICY, request, handle).await
    }

    async fn list_verifiers(
        &self,
        request: Request<pb::ListVerifiersRequest>,
    ) -> Result<Response<pb::ListVerifiersResponse>, Status> {
        let (inner, gate) = (&self.introspection.0, &self.gate);
        let handle =
            |op, message| async move { list_verifiers::handle(inner, gate, &op, message).await };
        self.gate.read(&methods::LIST_VERIFIERS, request, handle).await
    }

    async fn revoke_token(
        &self,
        request: Request<pb::RevokeTokenRequest>,
    ) -> Result<Response<pb::RevokeTokenResponse>, Status> {
        let inner = &self.introspection.0;
        let handle = |op, message| async move { revoke_token::handle(inner, &op, &message).await };
        self.gate.change(&methods::REVOKE_TOKEN, request, handle).await
    }
}

/// A token of any length is answered: one that is longer than tokens are is a bad token, and not a
/// bad question.
fn introspect(
    inner: &Inner,
    op: &Op,
    message: &pb::IntrospectRequest,
) -> Result<pb::IntrospectResponse, Error> {
    if message.token.is_empty() {
        return Err(Error::invalid("token", Problem::Required));
    }
    let inactive = pb::IntrospectResponse::default();
    let Some(active) = inner.introspect(op.actor(), &message.token, op.now())? else {
        return Ok(inactive);
    };
    let token = &active.token;
    // The policy has just admitted the client; gone since, it is as if it had been gone before.
    let Some(client) = inner.policy.client(token.client_id()) else { return Ok(inactive) };
    Ok(pb::IntrospectResponse {
        active: true,
        scopes: active.scopes().map(str::to_owned).collect(),
        client_id: token.client_id().to_owned(),
        client_display_name: client.display_name.as_str().to_owned(),
        client_team: client.team.as_str().to_owned(),
        token_type: "Bearer".to_owned(),
        expire_time: Some(second(token.expires_at())),
        issue_time: Some(second(token.issued_at())),
        subject: token.client_id().to_owned(),
        issuer: token.claims().issuer().to_owned(),
        token_id: token.jti().to_owned(),
    })
}

const fn second(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 0 }
}
