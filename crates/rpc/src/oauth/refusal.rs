//! Refusals of the OAuth endpoints, and how they look on the wire.

use std::borrow::Cow;

use axum::body::Body;
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use turnpike_domain::Error;

use crate::oauth::endpoint::json;

/// Why an OAuth endpoint refuses. The words are fixed: nothing of a request is in them but a scope, and they
/// keep to the characters that `error_description` may have (RFC 6749 section 5.2).
#[derive(Debug)]
pub enum Refusal {
    /// What the endpoint needs has no room or does not answer, whoever asks: 503 with the code that RFC
    /// 6749 has for an overloaded server.
    Busy {
        /// When to try again, in milliseconds from now.
        retry_after_ms: u64,
        /// In words.
        why: &'static str,
    },
    /// The caller is not who it says, or says nothing. With `challenge` the answer is 401 and names
    /// the scheme to use: a MUST where the caller used the `Authorization` header, and said too
    /// where it sent no credentials. Credentials in the body get 400, as Cognito gives.
    Client {
        /// Whether to answer 401.
        challenge: bool,
        /// In words.
        why: &'static str,
    },
    /// Something else than the request is in the way. Logged with its causes where it is answered.
    Failed(Error),
    /// Another method than POST.
    Method,
    /// The request is not what the endpoint takes.
    Request(&'static str),
    /// The scope is malformed, unknown or not held. In words of the characters that RFC 6749 section 5.2 allows, which are
    /// those of scopes too.
    Scope(Cow<'static, str>),
    /// The body is larger than the endpoint takes.
    TooLarge,
    /// Too many calls, or failed attempts. No RFC has a code for it: 429 (RFC 6585) with the code
    /// that RFC 6749 has for an overloaded server.
    TooMany {
        /// When to try again, in milliseconds from now.
        retry_after_ms: u64,
        /// In words.
        why: &'static str,
    },
    /// The body did not arrive in time.
    TooSlow,
    /// The authorization server gives the client no tokens by this grant.
    UnauthorizedClient,
    /// Another grant type than `client_credentials`.
    UnsupportedGrantType,
}

impl Refusal {
    /// The `error` of the answer.
    pub const fn error(&self) -> &'static str {
        match self {
            Self::Client { .. } => "invalid_client",
            Self::Busy { .. }
            | Self::Failed(Error::Unavailable(_) | Error::RateLimited { .. })
            | Self::TooMany { .. } => "temporarily_unavailable",
            Self::Failed(_) => "server_error",
            Self::Method | Self::Request(_) | Self::TooLarge | Self::TooSlow => "invalid_request",
            Self::Scope(_) => "invalid_scope",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
        }
    }

    fn description(&self) -> &str {
        match self {
            Self::Busy { why, .. }
            | Self::Client { why, .. }
            | Self::Request(why)
            | Self::TooMany { why, .. } => why,
            Self::Scope(why) => why,
            Self::Failed(Error::Unavailable(_) | Error::RateLimited { .. }) => "try again later",
            Self::Failed(_) => "internal error",
            Self::Method => "only POST is taken",
            Self::TooLarge => "the body is too large",
            Self::TooSlow => "the body did not arrive in time",
            Self::UnauthorizedClient => "the authorization server gives the client no tokens",
            Self::UnsupportedGrantType => "only client_credentials is supported",
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Client { challenge: true, .. } => StatusCode::UNAUTHORIZED,
            Self::Busy { .. } | Self::Failed(Error::Unavailable(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Failed(Error::RateLimited { .. }) | Self::TooMany { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Client { .. }
            | Self::Request(_)
            | Self::Scope(_)
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType => StatusCode::BAD_REQUEST,
        }
    }

    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let seconds = |millis: u64| HeaderValue::from(millis.div_ceil(1000).max(1));
        match self {
            Self::Client { challenge: true, .. } => {
                let basic = HeaderValue::from_static(r#"Basic realm="turnpike", charset="UTF-8""#);
                Some((WWW_AUTHENTICATE, basic))
            }
            Self::Busy { retry_after_ms, .. }
            | Self::Failed(Error::RateLimited { retry_after_ms })
            | Self::TooMany { retry_after_ms, .. } => Some((RETRY_AFTER, seconds(*retry_after_ms))),
            Self::Failed(Error::Unavailable(_)) => Some((RETRY_AFTER, seconds(1000))),
            Self::Method => Some((ALLOW, HeaderValue::from_static("POST"))),
            _ => None,
        }
    }

    /// The answer: RFC 6749 section 5.2.
    pub fn to_response(&self) -> Response<Body> {
        // Neither text holds anything that JSON escapes; a test walks them.
        let body = format!(
            r#"{{"error":"{}","error_description":"{}"}}"#,
            self.error(),
            self.description()
        );
        let mut response = json(self.status(), body.into());
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_looks_as_its_rfc_says() {
        let busy = || Error::Unavailable("the store said `secret`".into());
        let many = Refusal::TooMany { retry_after_ms: 1001, why: "later" };
        let overloaded = Refusal::Busy { retry_after_ms: 2500, why: "later" };
        let client = |challenge| Refusal::Client { challenge, why: "who" };
        for (refusal, status, error, header) in [
            (client(true), 401, "invalid_client", Some(("www-authenticate", "Basic realm="))),
            (client(false), 400, "invalid_client", None),
            (Refusal::Request("bad"), 400, "invalid_request", None),
            (Refusal::Scope("no".into()), 400, "invalid_scope", None),
            (Refusal::UnauthorizedClient, 400, "unauthorized_client", None),
            (Refusal::UnsupportedGrantType, 400, "unsupported_grant_type", None),
            (Refusal::TooLarge, 413, "invalid_request", None),
            (Refusal::TooSlow, 408, "invalid_request", None),
            (Refusal::Method, 405, "invalid_request", Some(("allow", "POST"))),
            (many, 429, "temporarily_unavailable", Some(("retry-after", "2"))),
            (overloaded, 503, "temporarily_unavailable", Some(("retry-after", "3"))),
            (busy().into(), 503, "temporarily_unavailable", Some(("retry-after", "1"))),
            (Error::internal("the cause").into(), 500, "server_error", None),
        ] {
            let response = refusal.to_response();
            assert_eq!((response.status().as_u16(), refusal.error()), (status, error));
            assert_eq!(response.headers()["cache-control"], "no-store");
            assert_eq!(response.headers()["pragma"], "no-cache");
            if let Some((name, begin)) = header {
                assert!(response.headers()[name].to_str().unwrap().starts_with(begin));
            }
            // RFC 6749 section 5.2: %x20-21 / %x23-5B / %x5D-7E.
            let allowed = |b: u8| matches!(b, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            assert!(refusal.description().bytes().all(allowed));
            assert!(!refusal.description().contains("secret"));
        }
    }
}
