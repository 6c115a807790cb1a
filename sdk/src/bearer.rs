//! Bearer tokens in HTTP (RFC 6750): how one is sent, and what is answered when it is refused. For
//! whoever speaks HTTP without one of the layers of this crate.

use std::sync::Arc;

use crate::refusal::{Answer, Refusal};
use crate::require::Require;

/// The token in the `Authorization` header of a request, given every value of that header.
///
/// Tokens in the query or in a form are not looked for: the one ends in logs, the other needs the
/// body. Another scheme than `Bearer`, whose name has no case, is no attempt to use one.
///
/// # Errors
///
/// [`Refusal::CredentialsMissing`] when there is no header, or another scheme;
/// [`Refusal::CredentialsMalformed`] when there are two headers, or one that is not `Bearer`, spaces
/// and a `b64token` (RFC 6750 section 2.1).
pub fn credentials<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Result<&'v str, Refusal> {
    let mut values = values.into_iter();
    let value = values.next().ok_or(Refusal::CredentialsMissing)?;
    if values.next().is_some() {
        return Err(Refusal::CredentialsMalformed);
    }
    let value = std::str::from_utf8(value).map_err(|_| Refusal::CredentialsMalformed)?;
    let (scheme, rest) = match value.split_once(' ') {
        Some((scheme, rest)) => (scheme, rest.trim_matches(' ')),
        None => (value, ""),
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::CredentialsMissing);
    }
    if is_b64token(rest) { Ok(rest) } else { Err(Refusal::CredentialsMalformed) }
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
pub(crate) fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(allowed)
}

/// What an API calls the space that it protects, shown to clients in `WWW-Authenticate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm(Arc<str>);

/// Not the name of a realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a realm is 1 to 128 visible ASCII characters and spaces, without quote and backslash")]
pub struct NotARealm;

impl Realm {
    /// A realm of that name.
    ///
    /// # Errors
    ///
    /// When it is empty, longer than 128 bytes, or would have to be escaped in a header.
    pub fn new(name: &str) -> Result<Self, NotARealm> {
        let allowed = |byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        if (1..=128).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name.into()))
        } else {
            Err(NotARealm)
        }
    }
}

impl Default for Realm {
    fn default() -> Self {
        Self("turnpike".into())
    }
}

/// The value of `WWW-Authenticate` that goes with `refusal`, for a request that needed `require`.
/// `None` when the refusal is not about the credentials (503).
///
/// The scopes that are named are those of `require`, also when one of them would do: the header has
/// no way to say so.
#[must_use]
pub fn challenge(realm: &Realm, refusal: Refusal, require: &Require) -> Option<String> {
    let answer = refusal.answer();
    let mut value = format!("Bearer realm=\"{}\"", realm.0);
    match answer {
        Answer::Unavailable => return None,
        Answer::Authenticate => {}
        Answer::InsufficientScope | Answer::InvalidRequest | Answer::InvalidToken => {
            // The words of a refusal are fixed and have no character that needs an escape.
            let error = answer.error().unwrap_or_default();
            value.push_str(&format!(", error=\"{error}\", error_description=\"{refusal}\""));
        }
    }
    if answer == Answer::InsufficientScope {
        let scopes: Vec<_> = require.scopes().collect();
        if !scopes.is_empty() {
            value.push_str(&format!(", scope=\"{}\"", scopes.join(" ")));
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<String, Refusal> {
        credentials(values.iter().map(|value| value.as_bytes())).map(Into::into)
    }

    #[test]
    fn one_header_with_one_token() {
        for value in
            ["Bearer a.b-c_d~e+f/0==", "bearer a.b-c_d~e+f/0==", "BEARER   a.b-c_d~e+f/0=="]
        {
            assert_eq!(read(&[value]).as_deref(), Ok("a.b-c_d~e+f/0=="), "{value}");
        }
    }

    #[test]
    fn no_attempt_is_not_a_bad_attempt() {
        for values in
            [&[][..], &["Basic YTpi"], &["DPoP abc"], &["Bearerx abc"], &[""], &["abc"], &["Basic"]]
        {
            assert_eq!(read(values), Err(Refusal::CredentialsMissing), "{values:?}");
        }
        for values in [
            &["Bearer abc", "Bearer abc"][..],
            &["Bearer abc", "Basic YTpi"],
            &["Basic YTpi", "Bearer abc"],
            &["Bearer"],
            &["Bearer "],
            &["Bearer   "],
            &["Bearer =="],
            &["Bearer a b"],
            &["Bearer a,b"],
            &["Bearer a, Bearer b"],
            &["Bearer \"a\""],
            &["Bearer\ta"],
            &["Bearer a\tb"],
            &["Bearer a=b"],
            &["Bearer é"],
            &["Bearer a\0"],
        ] {
            let malformed = read(values);
            // A tab is no space, so this one has another scheme.
            let expected = if values == ["Bearer\ta"] {
                Refusal::CredentialsMissing
            } else {
                Refusal::CredentialsMalformed
            };
            assert_eq!(malformed, Err(expected), "{values:?}");
        }
        let bytes: &[u8] = b"Bearer \xff";
        assert_eq!(credentials([bytes]), Err(Refusal::CredentialsMalformed));
    }

    #[test]
    fn challenges_are_spelled_as_the_rfc_wants() {
        let realm = Realm::new("orders").expect("a realm");
        let require = Require::all_of(["api/read", "api/write"]).expect("scopes");
        let challenge = |refusal| challenge(&realm, refusal, &require);
        assert_eq!(
            challenge(Refusal::CredentialsMissing).as_deref(),
            Some("Bearer realm=\"orders\"")
        );
        assert_eq!(
            challenge(Refusal::Expired).as_deref(),
            Some(
                "Bearer realm=\"orders\", error=\"invalid_token\", \
                 error_description=\"the token has expired\""
            )
        );
        assert_eq!(
            challenge(Refusal::InsufficientScope).as_deref(),
            Some(
                "Bearer realm=\"orders\", error=\"insufficient_scope\", \
                 error_description=\"the token does not hold the scopes that are needed\", \
                 scope=\"api/read api/write\""
            )
        );
        assert_eq!(challenge(Refusal::StalePolicy), None);
    }

    #[test]
    fn realms_need_no_escapes() {
        for name in ["", "a\"b", "a\\b", "a\nb", "é", &"r".repeat(129)] {
            assert_eq!(Realm::new(name), Err(NotARealm), "{name}");
        }
        assert!(Realm::new("Order API (test)").is_ok());
    }
}
