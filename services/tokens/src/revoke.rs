//! `POST /oauth2/revoke`: RFC 7009.

use turnpike_domain::authz::{Action, Resource, decide};
use turnpike_domain::{Actor, Error};
use turnpike_rpc::oauth::{Answer, Asked, Refusal, revoke};
use turnpike_sdk::Require;

use crate::Inner;
use crate::authenticate;

/// Ends a token of the client that calls. A token that is none, not ours, another client's or over
/// is answered like one that was ended (RFC 7009 section 2.2): a stranger's token is nobody else's
/// to ask about. `token_type_hint` changes nothing.
pub(crate) async fn handle(inner: &Inner, asked: Asked) -> Result<Answer, Refusal> {
    let caller = authenticate::client(inner, &asked).await?.client;
    let token = asked.form.get("token").ok_or(Refusal::Request("token is missing"))?;
    let own = inner.verifiers.reads().verify(token, &Require::any_token());
    let own = own.ok().filter(|token| token.client_id() == caller.client_id.as_str());
    if let Some(token) = &own {
        let actor = Actor::Client(caller.client_id.clone());
        let resource = Resource::Token { client_id: &caller.client_id, team: &caller.team };
        let permit = decide(&actor, Action::RevokeToken, &resource)
            .map_err(|_| Error::internal("a client may not end its own token"))?;
        revoke(&inner.registry, &permit, &asked.origin, &caller, token, "").await?;
    }
    Ok(Answer {
        body: "{}".into(),
        caller: Actor::Client(caller.client_id),
        outcome: if own.is_some() { "revoked" } else { "nothing_to_revoke" },
    })
}
