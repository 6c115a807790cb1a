//! What a token says of itself. It came from the authorization server over its own connection, so nothing
//! is verified here: whoever takes a token does that.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use turnpike_domain::authorization_server::{AccessToken, TokenRequest};
use turnpike_domain::{Error, Scope};

/// The claims by which a token is kept and dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// `iat`: what revocations are compared with.
    pub(crate) issued_at: i64,
    /// `exp`.
    pub(crate) expires_at: i64,
    /// `jti`.
    pub(crate) token_id: String,
}

#[derive(Deserialize)]
struct Payload {
    client_id: String,
    exp: i64,
    iat: i64,
    jti: String,
    #[serde(default)]
    scope: String,
}

/// How a token differs from what was asked for.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It lacks a scope: the authorization server left out in silence what it does not give.
    LacksScope,
    /// It is no token for this request.
    Wrong(Error),
}

impl Claims {
    /// Reads a token that was issued for `request`.
    pub(crate) fn read(token: &AccessToken, request: &TokenRequest<'_>) -> Result<Self, Unfit> {
        let wrong = |what: &'static str| Unfit::Wrong(Error::internal(what));
        let part = token.expose().split('.').nth(1).unwrap_or_default();
        let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| wrong("the token is no JWT"))?;
        let payload: Payload = serde_json::from_slice(&bytes)
            .map_err(|_| wrong("the token lacks a claim that tokens have"))?;
        if payload.client_id != request.client.client_id.as_str() {
            return Err(wrong("the token is another client's"));
        }
        if payload.exp <= payload.iat {
            return Err(wrong("the token ends before it begins"));
        }
        let given: BTreeSet<&str> = payload.scope.split(' ').collect();
        let wanted: BTreeSet<&str> = request.scopes.iter().map(Scope::as_str).collect();
        if !wanted.is_subset(&given) {
            return Err(Unfit::LacksScope);
        }
        if given != wanted {
            return Err(wrong("the token has scopes that were not asked for"));
        }
        Ok(Self { issued_at: payload.iat, expires_at: payload.exp, token_id: payload.jti })
    }

    /// Seconds left at that second.
    pub(crate) const fn left(&self, now: i64) -> i64 {
        self.expires_at - now
    }

    /// Whether more than a quarter of its life is left.
    pub(crate) const fn is_fresh(&self, now: i64) -> bool {
        self.left(now).saturating_mul(4) > self.expires_at - self.issued_at
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use turnpike_domain::Timestamp;
    use turnpike_testkit::authorization_server::{asked, client};

    use super::*;

    fn read(payload: &Value, wanted: &[&str]) -> Result<Claims, Unfit> {
        let part = URL_SAFE_NO_PAD.encode(payload.to_string());
        let token = AccessToken::new(format!("e30.{part}.c2ln"));
        let scopes: Vec<Scope> = wanted.iter().map(|s| Scope::parse(s).unwrap()).collect();
        Claims::read(&token, &asked(&client("c1", 3600), &scopes, Timestamp::from_seconds(0)))
    }

    fn payload(scope: &str) -> Value {
        json!({ "client_id": "c1", "iat": 1000, "exp": 1400, "jti": "j", "scope": scope, "x": [] })
    }

    #[test]
    fn scopes_are_a_set() {
        assert!(read(&payload("a/2 a/1"), &["a/1", "a/2"]).is_ok());
        assert!(read(&payload("a/2 a/1 a/2"), &["a/1", "a/2"]).is_ok());
        for lacks in ["a/1", "", "a/2", "a/1 a/20"] {
            let read = read(&payload(lacks), &["a/1", "a/2"]);
            assert!(matches!(read, Err(Unfit::LacksScope)), "{lacks}: {read:?}");
        }
        let more = read(&payload("a/1 a/2"), &["a/1"]);
        assert!(matches!(more, Err(Unfit::Wrong(_))), "{more:?}");
    }

    #[test]
    fn what_is_no_token_for_the_request_is_wrong() {
        let change = |name: &str, value: Value| {
            let mut payload = payload("a/1");
            payload[name] = value;
            payload
        };
        for bad in [
            json!({}),
            json!([]),
            change("client_id", json!("c2")),
            change("exp", json!(1000)),
            change("exp", json!("1400")),
            change("iat", json!(null)),
            change("jti", json!(7)),
        ] {
            assert!(matches!(read(&bad, &["a/1"]), Err(Unfit::Wrong(_))), "{bad}");
        }
        for text in ["", "a", "a.b", "a.!.c", "opaque"] {
            let token = AccessToken::new(text.to_owned());
            let client = client("c1", 3600);
            let request = asked(&client, &[], Timestamp::from_seconds(0));
            assert!(matches!(Claims::read(&token, &request), Err(Unfit::Wrong(_))), "{text}");
        }
    }

    #[test]
    fn it_is_fresh_while_more_than_a_quarter_is_left() {
        let claims = read(&payload("a/1"), &["a/1"]).unwrap();
        assert_eq!((claims.left(1000), claims.left(1400), claims.left(1500)), (400, 0, -100));
        assert!(claims.is_fresh(1000) && claims.is_fresh(1299));
        assert!(!claims.is_fresh(1300) && !claims.is_fresh(1400) && !claims.is_fresh(9999));
    }
}
