//! `POST /oauth2/token`: RFC 6749 section 4.4.

use std::time::Duration;

use serde::Serialize;
use turnpike_domain::authorization_server::{IssuedToken, TokenRequest};
use turnpike_domain::{Client, Error, Scope, Timestamp};
use turnpike_rpc::oauth::{Answer, Asked, Credentials, Refusal};
use zeroize::Zeroizing;

use crate::Inner;
use crate::authenticate::{self, Authenticated, disabled};
use crate::scopes::Wanted;

/// The longest token that verifiers look at (`turnpike_sdk::Builder::max_token_bytes`,
/// `IntrospectRequest.token`).
const TOKEN_MAX: usize = 8 * 1024;

/// How long a request waits for the second of a revocation to end, in milliseconds.
const WAIT_MAX_MILLIS: i64 = 2000;
/// How long in all, should there be another revocation meanwhile.
const WAITS_MAX_MILLIS: i64 = 4000;

/// The answer: RFC 6749 section 5.1. `scope` always stands in it, asked for or not.
#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: i64,
    scope: String,
}

/// Issues a token to the client that calls.
pub(crate) async fn handle(inner: &Inner, asked: Asked) -> Result<Answer, Refusal> {
    match asked.form.get("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(Refusal::UnsupportedGrantType),
        None => return Err(Refusal::Request("grant_type is missing")),
    }
    let caller = authenticate::client(inner, &asked).await?;
    check_rate(inner, &caller.client)?;
    let wanted = Wanted::parse(asked.form.get("scope"))?;
    let Decided { client, scopes, secret, now } = decide(inner, caller, &wanted).await?;
    let request = TokenRequest { client: &client, scopes: &scopes, secret: &secret, now };
    let token = inner.server.issue(&request).await?;
    answer(&client, &scopes, &token)
}

fn check_rate(inner: &Inner, client: &Client) -> Result<(), Refusal> {
    inner.rate.take(client.client_id.as_str(), inner.registry.now()).map_err(|retry_after_ms| {
        let why = "too many tokens: keep each one until it ends";
        Refusal::TooMany { retry_after_ms, why }
    })
}

struct Decided {
    client: Client,
    scopes: Vec<Scope>,
    secret: Zeroizing<String>,
    now: Timestamp,
}

/// Decides on the scopes. A token issued in the second of a revocation would be caught by it, so
/// such a request waits for the second to end, and then decides on what is there.
async fn decide(inner: &Inner, caller: Authenticated, wanted: &Wanted) -> Result<Decided, Refusal> {
    let Authenticated { mut client, secret, secret_id, read_time, by_header } = caller;
    let mut now = read_time;
    let mut waited = 0;
    loop {
        let scopes = wanted.of(client.scopes_at(Some(now)))?;
        let begin = Timestamp::from_seconds(client.earliest_issue(&scopes));
        let wait = begin.millis() - now.millis();
        if wait <= 0 {
            return Ok(Decided { client, scopes, secret, now });
        }
        waited += wait;
        if wait > WAIT_MAX_MILLIS || waited > WAITS_MAX_MILLIS {
            // Revoked again and again, or by a process whose clock is ahead of ours.
            return Err(Error::Unavailable("the second of a revocation does not end".into()).into());
        }
        tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await;
        // The time first: what is revoked after the record was read counts from a later second.
        now = inner.registry.now();
        let again = inner.registry.client(&client.client_id).await?.map(|again| again.value);
        client = again.filter(|again| again.enabled).ok_or(disabled(by_header))?;
        if !client.secrets.list().iter().any(|secret| secret.secret_id == secret_id) {
            return Err(Credentials::refused(by_header));
        }
    }
}

fn answer(client: &Client, scopes: &[Scope], token: &IssuedToken) -> Result<Answer, Refusal> {
    let IssuedToken { access_token, expires_in } = token;
    if access_token.expose().len() > TOKEN_MAX {
        return Err(Refusal::Scope("the token would be longer than 8 KiB: ask for fewer scopes"));
    }
    let response = TokenResponse {
        access_token: access_token.expose(),
        token_type: "Bearer",
        expires_in: *expires_in,
        scope: scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" "),
    };
    let body = serde_json::to_vec(&response).map_err(Error::internal)?.into();
    Ok(Answer { body, caller: format!("client:{}", client.client_id), outcome: "issued" })
}
