//! Keys of things.

use std::fmt;

use crate::error::Problem;
use crate::ports::{Entropy, draw};
use crate::text::{at_most, required, text_type};

const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

text_type! {
    /// Key of a client, and its `client_id` at the token endpoint: 1 to 128 characters of `[A-Za-z0-9_+]`
    /// (Cognito `ClientIdType`). Ours have 26 lower-case letters and digits, as Cognito's do.
    ClientId
}

text_type! {
    /// Key of a grant: `gr_` and 26 lower-case letters and digits.
    GrantId
}

text_type! {
    /// Key of a secret within its owner: `sec_` and 16 lower-case letters and digits.
    SecretId
}

text_type! {
    /// Key of a team: 1 to 64 lower-case letters, digits and `-`.
    TeamId
}

text_type! {
    /// What makes a create idempotent: a UUID in its 36-character form (AIP-155).
    RequestId
}

text_type! {
    /// A token's own id (`jti`, RFC 7519 section 4.1.7): 1 to 256 visible ASCII characters.
    TokenId
}

impl ClientId {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        required(text)?;
        at_most(text, 128)?;
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'+') {
            return Err(Problem::Characters("letters, digits, `_` and `+`"));
        }
        Ok(Self(text.to_owned()))
    }

    /// A new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(draw(entropy, LOWER, 26))
    }
}

impl GrantId {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        prefixed(text, "gr_", 26, "`gr_` and 26 lower-case letters and digits").map(Self)
    }

    /// A new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(format!("gr_{}", draw(entropy, LOWER, 26)))
    }
}

impl SecretId {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        prefixed(text, "sec_", 16, "`sec_` and 16 lower-case letters and digits").map(Self)
    }

    /// A new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(format!("sec_{}", draw(entropy, LOWER, 16)))
    }
}

impl TeamId {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        required(text)?;
        at_most(text, 64)?;
        if !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err(Problem::Characters("lower-case letters, digits and `-`"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl RequestId {
    /// Upper and lower case are the same id (RFC 9562 section 4).
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`].
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let form = |(at, b): (usize, u8)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        };
        if text.len() == 36 && text.bytes().enumerate().all(form) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(Problem::Malformed("a UUID of 36 characters"))
        }
    }
}

impl TokenId {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        required(text)?;
        at_most(text, 256)?;
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Problem::Characters("visible ASCII characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

fn prefixed(
    text: &str,
    prefix: &str,
    length: usize,
    form: &'static str,
) -> Result<String, Problem> {
    required(text)?;
    let right = text.strip_prefix(prefix).is_some_and(|rest| {
        rest.len() == length && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    });
    if right { Ok(text.to_owned()) } else { Err(Problem::Malformed(form)) }
}
