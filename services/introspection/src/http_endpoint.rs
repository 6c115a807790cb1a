//! `POST /oauth2/introspect`: RFC 7662.

use serde::Serialize;
use turnpike_domain::{Actor, Error, Timestamp};
use turnpike_rpc::oauth::{Answer, Asked, Credentials, Refusal};

use crate::Inner;
use crate::introspect::Active;

/// The answer about a token that is not good for the caller: this and nothing else (RFC 7662
/// section 2.2).
const INACTIVE: &[u8] = br#"{"active":false}"#;

/// What an answer has room for before it must grow, in bytes.
const BODY_USUAL: usize = 512;

/// The answer about a token that is: RFC 7662 section 2.2.
#[derive(Serialize)]
struct ActiveResponse<'a> {
    active: bool,
    scope: String,
    client_id: &'a str,
    token_type: &'static str,
    exp: i64,
    iat: i64,
    sub: &'a str,
    iss: &'a str,
    jti: &'a str,
}

/// Answers a resource server or a client. `token_type_hint` changes nothing.
pub(crate) async fn handle(inner: &Inner, asked: Asked) -> Result<Answer, Refusal> {
    let now = inner.registry.now();
    let caller = authenticate(inner, &asked, now)?;
    let token = asked.form.get("token").ok_or(Refusal::Request("token is missing"))?;
    let (body, outcome) = match inner.introspect(&caller, token, now)? {
        Some(active) => (answer(&active)?.into(), "active"),
        None => (INACTIVE.into(), "inactive"),
    };
    Ok(Answer { body, caller, outcome })
}

/// Who asks. Whoever does not show who it is gets 401, whichever way it tried (RFC 7662 section
/// 2.3).
fn authenticate(inner: &Inner, asked: &Asked, now: Timestamp) -> Result<Actor, Refusal> {
    let Credentials { id, secret, .. } = Credentials::of(asked)?;
    if let Some(caller) = inner.secrets.find(&id, &secret, now)? {
        return Ok(caller);
    }
    inner.secrets.failed(&id, asked.peer, now)?;
    Err(Credentials::refused(true))
}

fn answer(active: &Active<'_>) -> Result<Vec<u8>, Error> {
    let token = &active.token;
    let mut scope = String::new();
    for each in active.scopes() {
        if !scope.is_empty() {
            scope.push(' ');
        }
        scope.push_str(each);
    }
    let response = ActiveResponse {
        active: true,
        scope,
        client_id: token.client_id(),
        token_type: "Bearer",
        exp: token.expires_at(),
        iat: token.issued_at(),
        sub: token.client_id(),
        iss: token.claims().issuer(),
        jti: token.jti(),
    };
    let mut body = Vec::with_capacity(BODY_USUAL);
    serde_json::to_writer(&mut body, &response).map_err(Error::internal)?;
    Ok(body)
}
