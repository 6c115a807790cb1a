//! The token endpoint (developer guide, "The token issuer endpoint"): client credentials.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use turnpike_domain::Scope;
use turnpike_domain::authorization_server::{AccessToken, IssuedToken};
use turnpike_domain::id::ClientId;
use zeroize::Zeroizing;

use crate::fetch::{self, Answer, Fetcher};
use crate::settings::{OpenError, Settings};

/// Far more than a token with fifty scopes of 256 characters.
const MAX_BYTES: usize = 64 * 1024;
/// The longest lifetime that Cognito gives: a day.
const MAX_LIFETIME: i64 = 86_400;

/// Where tokens are had.
pub(crate) struct TokenEndpoint {
    fetcher: Fetcher,
    issuer: String,
}

/// Why there is no token. Its words hold neither secret nor token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// Nothing was answered.
    #[error("the token endpoint: {0}")]
    NoAnswer(#[from] fetch::Error),
    /// Something is wrong there, or it is asked too much.
    #[error("the token endpoint answered with HTTP {0}")]
    Failing(u16),
    /// An OAuth error (RFC 6749 section 5.2).
    #[error("the token endpoint refused: {0}")]
    OAuth(String),
    /// An answer, or a token in it, that is not what was asked for.
    #[error("the token endpoint: {0}")]
    Unusable(&'static str),
    /// The token has not the scopes that were asked for: some are not offered there at the moment.
    #[error("the token lacks scopes that were asked for")]
    LacksScopes,
}

#[derive(Deserialize)]
struct Success {
    access_token: String,
    token_type: String,
    expires_in: i64,
}

#[derive(Deserialize)]
struct OAuthError {
    error: String,
}

/// A token, and the key that signed it.
pub(crate) struct Had {
    pub(crate) token: IssuedToken,
    pub(crate) key_id: String,
}

#[derive(Deserialize)]
struct Header {
    kid: String,
}

/// What is read of a token. Who uses it verifies it: it comes from the authorization server itself.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    client_id: String,
    sub: String,
    token_use: String,
    scope: String,
}

impl TokenEndpoint {
    pub(crate) fn new(settings: &Settings) -> Result<Self, OpenError> {
        let fetcher = Fetcher::new(
            "token_endpoint",
            &settings.token_endpoint,
            settings.insecure_http,
            settings.timeouts.token,
            MAX_BYTES,
        )?;
        Ok(Self { fetcher, issuer: settings.issuer.to_string() })
    }

    /// A token for the client with exactly these scopes.
    pub(crate) async fn ask(
        &self,
        client_id: &ClientId,
        secret: &str,
        scopes: &[Scope],
    ) -> Result<Had, Refused> {
        let answer = self.fetcher.send(request(client_id, secret, scopes)?).await?;
        let success = read(&answer)?;
        if !success.token_type.eq_ignore_ascii_case("bearer") {
            return Err(Refused::Unusable("a token of another type"));
        }
        if !(1..=MAX_LIFETIME).contains(&success.expires_in) {
            return Err(Refused::Unusable("a token with another lifetime than any has"));
        }
        let token = AccessToken::new(success.access_token);
        let (header, claims) = read_token(&token)?;
        self.check(&claims, client_id, scopes)?;
        let token = IssuedToken { access_token: token, expires_in: success.expires_in };
        Ok(Had { token, key_id: header.kid })
    }

    fn check(
        &self,
        claims: &Claims,
        client_id: &ClientId,
        scopes: &[Scope],
    ) -> Result<(), Refused> {
        let Claims { iss, client_id: of, sub, token_use, scope } = claims;
        if *iss != self.issuer {
            return Err(Refused::Unusable("a token of another issuer than is set"));
        }
        if of != client_id.as_str() || sub != client_id.as_str() {
            return Err(Refused::Unusable("a token of another client"));
        }
        if token_use != "access" {
            return Err(Refused::Unusable("a token that is no access token"));
        }
        let has: BTreeSet<&str> = scope.split(' ').collect();
        let asked: BTreeSet<&str> = scopes.iter().map(Scope::as_str).collect();
        if !has.is_subset(&asked) {
            return Err(Refused::Unusable("a token with more scopes than were asked for"));
        }
        if has == asked { Ok(()) } else { Err(Refused::LacksScopes) }
    }
}

/// The client authenticates by Basic, both parts form-encoded first (RFC 6749 section 2.3.1): a secret
/// may hold `+`.
fn request(
    client_id: &ClientId,
    secret: &str,
    scopes: &[Scope],
) -> Result<Request<Full<Bytes>>, Refused> {
    let encode =
        |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let pair = Zeroizing::new(format!("{}:{}", encode(client_id.as_str()), encode(secret)));
    let basic = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut basic = HeaderValue::from_str(&basic).map_err(|_| Refused::Unusable("no header"))?;
    basic.set_sensitive(true);

    let scopes: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("scope", &scopes.join(" "))
        .finish();
    let mut request = Request::new(Full::new(Bytes::from(form)));
    *request.method_mut() = Method::POST;
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, form_type);
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    request.headers_mut().insert(AUTHORIZATION, basic);
    Ok(request)
}

fn read(answer: &Answer) -> Result<Success, Refused> {
    match answer.status {
        StatusCode::OK => serde_json::from_slice(&answer.body)
            .map_err(|_| Refused::Unusable("an answer that is no token response")),
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => {
            let Ok(OAuthError { error }) = serde_json::from_slice(&answer.body) else {
                return Err(Refused::Failing(answer.status.as_u16()));
            };
            // What the codes are made of (RFC 6749 section 5.2); any other text stays out of the log.
            let is_code = |b: u8| b.is_ascii_lowercase() || b == b'_';
            if error.is_empty() || error.len() > 40 || !error.bytes().all(is_code) {
                return Err(Refused::Failing(answer.status.as_u16()));
            }
            Err(Refused::OAuth(error))
        }
        status => Err(Refused::Failing(status.as_u16())),
    }
}

fn read_token(token: &AccessToken) -> Result<(Header, Claims), Refused> {
    let unusable = || Refused::Unusable("a token that is no JWT of its kind");
    let mut parts = token.expose().split('.');
    let (Some(header), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(unusable());
    };
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| unusable());
    let header = serde_json::from_slice(&decode(header)?).map_err(|_| unusable())?;
    let claims = serde_json::from_slice(&decode(claims)?).map_err(|_| unusable())?;
    Ok((header, claims))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status: StatusCode::from_u16(status).unwrap(), body: body.to_owned().into() }
    }

    #[test]
    fn answers_are_read_strictly() {
        let refused = |status, body| read(&answer(status, body)).err().unwrap().to_string();
        let good = r#"{"access_token":"t","token_type":"Bearer","expires_in":3600,"more":1}"#;
        assert!(read(&answer(200, good)).is_ok());
        for bad in [
            "",
            "<html>",
            r#"{"token_type":"Bearer","expires_in":3600}"#,
            r#"{"access_token":"t","token_type":"Bearer","expires_in":"3600"}"#,
            r#"{"access_token":"t","access_token":"u","token_type":"Bearer","expires_in":1}"#,
        ] {
            assert!(refused(200, bad).contains("no token response"), "{bad}");
        }
        assert!(refused(400, r#"{"error":"invalid_client"}"#).ends_with("invalid_client"));
        assert!(refused(400, r#"{"error":"<b>tp_secret</b>"}"#).ends_with("HTTP 400"));
        assert!(refused(302, good).ends_with("HTTP 302"), "redirects are not followed");
        assert!(refused(429, "{}").ends_with("HTTP 429"));
    }

    #[test]
    fn the_secret_is_form_encoded_and_marked() {
        let client = ClientId::parse("a+b").unwrap();
        let request = request(&client, "s+/=&", &[Scope::parse("o/r").unwrap()]).unwrap();
        let header = &request.headers()[AUTHORIZATION];
        let expected = format!("Basic {}", STANDARD.encode("a%2Bb:s%2B%2F%3D%26"));
        assert_eq!(header.to_str().unwrap(), expected);
        assert_eq!(format!("{header:?}"), "Sensitive");
    }
}
