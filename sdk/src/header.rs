//! The JOSE header (RFC 7515 section 4): which key, and nothing else that it may decide.

use std::borrow::Cow;

use crate::json::{self, Limits, Value};
use crate::keys::MAX_KEY_ID;
use crate::refusal::Refusal;

/// Bytes of the header, encoded. It is read before the signature is checked, so it is small; the
/// largest honest one holds a key id of [`MAX_KEY_ID`] bytes.
pub(crate) const MAX_ENCODED: usize = 1024;
const LIMITS: Limits = Limits { depth: 4, members: 24 };

/// What is left of a header that passed.
pub(crate) struct Header<'a> {
    /// As the token says it; the key decides whether it is right.
    pub(crate) algorithm: Cow<'a, str>,
    pub(crate) key_id: Cow<'a, str>,
}

impl<'a> Header<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Refusal> {
        let members = json::object(text, LIMITS)?;
        let (mut algorithm, mut key_id, mut kind) = (None, None, None);
        let (mut critical, mut key, mut content) = (false, false, false);
        for (name, value) in members {
            match name.as_ref() {
                "alg" => algorithm = Some(value),
                "kid" => key_id = Some(value),
                "typ" => kind = Some(value),
                "crit" | "b64" => critical = true,
                "jku" | "jwk" | "x5c" | "x5u" => key = true,
                "cty" => content = true,
                // RFC 7515 section 4: what is not understood is ignored. That goes for the
                // thumbprints `x5t` and `x5t#S256` too, which only repeat what `kid` says.
                _ => {}
            }
        }
        // In this order, so that one token always has one reason.
        if critical {
            return Err(Refusal::CriticalExtension);
        }
        if key {
            return Err(Refusal::KeyInHeader);
        }
        match kind {
            None => {}
            // Cognito sends none. RFC 9068 section 2.1 gives the second.
            Some(Value::String(kind)) if kind == "JWT" || kind == "at+jwt" => {}
            Some(_) => return Err(Refusal::WrongType),
        }
        // The payload is claims. `cty` is for a payload that is something else (RFC 7519 5.2).
        if content {
            return Err(Refusal::WrongType);
        }
        let algorithm = string("alg", algorithm)?;
        let key_id = string("kid", key_id)?;
        if key_id.is_empty() || key_id.len() > MAX_KEY_ID {
            return Err(Refusal::InvalidHeader("kid"));
        }
        Ok(Self { algorithm, key_id })
    }
}

fn string<'a>(name: &'static str, value: Option<Value<'a>>) -> Result<Cow<'a, str>, Refusal> {
    match value {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Refusal::InvalidHeader(name)),
        None => Err(Refusal::MissingHeader(name)),
    }
}

impl From<json::Error> for Refusal {
    fn from(error: json::Error) -> Self {
        match error {
            json::Error::Duplicate => Self::DuplicateMember,
            json::Error::Malformed => Self::Malformed,
        }
    }
}
