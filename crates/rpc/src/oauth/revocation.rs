//! Ends one token before its time: RFC 7009 over HTTP, `RevokeToken` over gRPC.

use turnpike_domain::authz::Permit;
use turnpike_domain::event::{EventAction, EventDraft};
use turnpike_domain::id::TokenId;
use turnpike_domain::{Client, Error, Timestamp};
use turnpike_registry::{Attempt, Change, Origin, Registry};
use turnpike_sdk::Verified;

/// Ends `token`, which was issued to `client`. A token that was ended before stays so, without
/// another event.
///
/// # Errors
///
/// [`Error::Unavailable`], [`Error::Internal`].
pub async fn revoke(
    registry: &Registry,
    permit: &Permit,
    origin: &Origin,
    client: &Client,
    token: &Verified,
    reason: &str,
) -> Result<(), Error> {
    let id = &TokenId::parse(token.jti()).map_err(Error::internal)?;
    registry
        .transact(|| async move {
            if registry.revoked_token(id).await?.is_some() {
                return Ok(Attempt::Nothing(()));
            }
            let mut change = Change::new(permit, origin);
            change.put_revoked_token(
                id,
                &client.client_id,
                Timestamp::from_seconds(token.expires_at()),
            );
            change.event(event(client, id, reason));
            Ok(Attempt::Change(Box::new(change), ()))
        })
        .await
}

fn event(client: &Client, id: &TokenId, reason: &str) -> EventDraft {
    EventDraft {
        action: EventAction::TokenRevoked,
        subject: format!("tokens/{id}"),
        team: Some(client.team.clone()),
        other_team: None,
        client_id: Some(client.client_id.clone()),
        resource_server: None,
        changes: Vec::new(),
        reason: reason.to_owned(),
        refusal: None,
    }
}
