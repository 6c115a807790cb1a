//! Ends one token before its time, for people and programs.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Subject;
use turnpike_domain::id::ClientId;
use turnpike_domain::text::Description;
use turnpike_domain::{Error, Problem, Violations};
use turnpike_proto::v1 as pb;
use turnpike_rpc::Op;
use turnpike_rpc::oauth::revoke;
use turnpike_sdk::Require;

use crate::Inner;

/// Needs `RevokeToken` on the token; answers with what it was. A token that was ended before is
/// ended.
///
/// What counts is that the token is ours and not over, not what the policy says of it: a token of a
/// disabled client must be revocable, or it would come back with the client.
pub(crate) async fn handle(
    inner: &Inner,
    op: &Op,
    message: &pb::RevokeTokenRequest,
) -> Result<pb::RevokeTokenResponse, Error> {
    let pb::RevokeTokenRequest { token, reason, validate_only } = message;
    let mut violations = Violations::new();
    if token.is_empty() {
        violations.add("token", Problem::Required);
    }
    let reason = violations.take("reason", Description::parse(reason));
    let reason = violations.finish(reason)?;

    let verified = inner.verifiers.reads().verify(token, &Require::any_token());
    let token = verified.map_err(|_| Error::NotFound(subject()))?;
    let id = ClientId::parse(token.client_id()).map_err(Error::internal)?;
    let client = inner.registry.client(&id).await?.ok_or(Error::NotFound(subject()))?.value;
    let resource = Resource::Token { client_id: &client.client_id, team: &client.team };
    let permit = op.authorize(Action::RevokeToken, &resource, subject())?;
    if !validate_only {
        revoke(&inner.registry, &permit, op.origin(), &client, &token, reason.as_str()).await?;
    }
    Ok(pb::RevokeTokenResponse {
        client_id: token.client_id().to_owned(),
        token_id: token.jti().to_owned(),
    })
}

/// What an error says the token is: the same whether it is none or hidden, and never the token
/// itself.
fn subject() -> Subject {
    Subject::new("tokens", "this")
}
