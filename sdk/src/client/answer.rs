//! Answers of a token endpoint (RFC 6749 sections 5.1 and 5.2).

use std::sync::Arc;

use http::StatusCode;

use super::{AccessToken, Error};
use crate::bearer;
use crate::fetch;
use crate::json::{self, Limits, Members, Value};

const LIMITS: Limits = Limits { depth: 8, members: 64 };

/// The codes of RFC 6749 section 5.2. Others are not repeated, as programs branch on them.
const CODES: [&str; 6] = [
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
];

/// The token in `answer` to a request for `scopes`, or why there is none.
pub(super) fn read(
    answer: &fetch::Answer,
    scopes: &str,
    asked_at: i64,
) -> Result<AccessToken, Error> {
    let text = std::str::from_utf8(&answer.body).unwrap_or_default();
    match answer.status {
        StatusCode::OK => token(text, scopes, asked_at),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Err(Error::Throttled { retry_after: answer.retry_after })
        }
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err(refused(text))
        }
        status => Err(Error::Status(status.as_u16())),
    }
}

fn token(text: &str, scopes: &str, asked_at: i64) -> Result<AccessToken, Error> {
    let members = json::object(text, LIMITS).map_err(|_| Error::BadAnswer)?;
    let value = string(&members, "access_token").ok_or(Error::BadAnswer)?;
    if !bearer::is_b64token(value) {
        return Err(Error::BadAnswer);
    }
    // Section 5.1: without regard to case.
    let kind = string(&members, "token_type").ok_or(Error::BadAnswer)?;
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(Error::BadAnswer);
    }
    let life = match find(&members, "expires_in") {
        Some(Value::Integer(life)) if *life > 0 => *life,
        _ => return Err(Error::BadAnswer),
    };
    let scope = string(&members, "scope");
    if let Some(scope) = scope {
        let held = |wanted| scope.split(' ').any(|scope| scope == wanted);
        if !scopes.is_empty() && !scopes.split(' ').all(held) {
            return Err(Error::ScopeMissing);
        }
    }
    Ok(AccessToken::new(value, scope, asked_at, life))
}

fn refused(text: &str) -> Error {
    let members = json::object(text, LIMITS).unwrap_or_default();
    let named = string(&members, "error").unwrap_or_default();
    let error = CODES.into_iter().find(|code| *code == named).unwrap_or("unknown");
    let description = string(&members, "error_description").filter(|text| is_description(text));
    Error::Refused { error, description: description.map(Arc::from) }
}

/// Whether a text is of the characters of RFC 6749 section 5.2, in a reasonable number: it is the
/// server's, and ends in a log.
fn is_description(text: &str) -> bool {
    (1..=300).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

fn find<'m, 'a>(members: &'m Members<'a>, name: &str) -> Option<&'m Value<'a>> {
    members.iter().find(|(member, _)| member == name).map(|(_, value)| value)
}

fn string<'m>(members: &'m Members<'_>, name: &str) -> Option<&'m str> {
    match find(members, name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
