//! `POST /oauth2/token`: RFC 6749 section 4.4.

use std::time::Duration;

use serde::Serialize;
use turnpike_domain::authorization_server::{AccessToken, AuthorizationServer, TokenRequest};
use turnpike_domain::{Actor, Client, Error, Scope, Timestamp};
use turnpike_rpc::oauth::{Answer, Asked, Refusal};

use crate::authenticate::{self, Authenticated};
use crate::broker::failure::Failure;
use crate::scopes::Wanted;
use crate::{Inner, IssuedBy, brokered};

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

/// A token that is given to the client that calls.
pub(crate) struct Given {
    pub(crate) client: Client,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) token: AccessToken,
    /// Seconds until it ends.
    pub(crate) expires_in: i64,
    /// What it came to, for metrics.
    pub(crate) outcome: &'static str,
}

/// Gives a token to the client that calls.
pub(crate) async fn handle(inner: &Inner, asked: Asked) -> Result<Answer, Refusal> {
    match asked.form.get("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(Refusal::UnsupportedGrantType),
        None => return Err(Refusal::Request("grant_type is missing")),
    }
    let given = match &inner.issued_by {
        IssuedBy::Broker(broker) => brokered::give(inner, broker, &asked).await?,
        IssuedBy::Server(server) => issue(inner, server.as_ref(), &asked).await?,
    };
    answer(&given)
}

/// Has a new token issued.
async fn issue(
    inner: &Inner,
    server: &dyn AuthorizationServer,
    asked: &Asked,
) -> Result<Given, Refusal> {
    let mut caller = authenticate::client(inner, asked).await?;
    check_rate(inner, &caller.client)?;
    let wanted = Wanted::parse(asked.form.get("scope"))?;
    let mut second = SecondOfRevocation::default();
    loop {
        let scopes = wanted.of(caller.client.scopes_at(Some(caller.read_time)))?;
        if second.wait(&caller, &scopes).await? {
            caller = caller.again(inner).await?;
            continue;
        }
        let Authenticated { client, secret, read_time: now, by_header, .. } = caller;
        let request = TokenRequest { client: &client, scopes: &scopes, secret: &secret, now };
        let issued = server.issue(&request).await.map_err(|error| refused(error, by_header))?;
        let (token, expires_in) = (issued.access_token, issued.expires_in);
        return Ok(Given { client, scopes, token, expires_in, outcome: "issued" });
    }
}

/// A refusal of the authorization server as the RFC has it.
fn refused(error: Error, by_header: bool) -> Refusal {
    match Failure::of(&error) {
        failure if failure.contradicts() => failure.into_refusal(by_header),
        _ => error.into(),
    }
}

/// Counts a token that a client asks for.
pub(crate) fn check_rate(inner: &Inner, client: &Client) -> Result<(), Refusal> {
    inner.rate.take(client.client_id.as_str(), inner.registry.now()).map_err(|retry_after_ms| {
        let why = "too many tokens: keep each one until it ends";
        Refusal::TooMany { retry_after_ms, why }
    })
}

/// A token issued in the second of a revocation would be caught by it, so a request waits for the second to
/// end, and is then decided on what is there.
#[derive(Default)]
pub(crate) struct SecondOfRevocation {
    waited: i64,
}

impl SecondOfRevocation {
    /// Waits if there is need, and says whether there was: then the client is to be read again.
    pub(crate) async fn wait(
        &mut self,
        caller: &Authenticated,
        scopes: &[Scope],
    ) -> Result<bool, Refusal> {
        let begin = Timestamp::from_seconds(caller.client.earliest_issue(scopes));
        let wait = begin.millis() - caller.read_time.millis();
        if wait <= 0 {
            return Ok(false);
        }
        self.waited += wait;
        if wait > WAIT_MAX_MILLIS || self.waited > WAITS_MAX_MILLIS {
            // Revoked again and again, or by a process whose clock is ahead of ours.
            return Err(Error::Unavailable("the second of a revocation does not end".into()).into());
        }
        tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await;
        Ok(true)
    }
}

fn answer(given: &Given) -> Result<Answer, Refusal> {
    let Given { client, scopes, token, expires_in, outcome } = given;
    if token.expose().len() > TOKEN_MAX {
        return Err(Refusal::Scope(
            "the token would be longer than 8 KiB: ask for fewer scopes".into(),
        ));
    }
    let response = TokenResponse {
        access_token: token.expose(),
        token_type: "Bearer",
        expires_in: *expires_in,
        scope: scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" "),
    };
    let body = serde_json::to_vec(&response).map_err(Error::internal)?.into();
    Ok(Answer { body, caller: Actor::Client(client.client_id.clone()), outcome })
}
