//! The claims of an access token of Cognito's shape, which the embedded issuer writes too.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::json::{self, Limits, Members, Value};
use crate::refusal::Refusal;
use crate::scope::{ScopeList, Subset};

/// A pre-token trigger may add nested claims; this is more than it is allowed to.
const LIMITS: Limits = Limits { depth: 16, members: 128 };
/// Bytes of a client id (Cognito's `ClientIdType`).
const MAX_CLIENT_ID: usize = 128;
/// Bytes of a token id. Cognito's are UUIDs; a revocation list stores what it is given here.
const MAX_JTI: usize = 128;

/// What a token says. The issuer signed it; that alone does not make the token acceptable: only
/// [`Verified`](crate::Verified) means that.
#[derive(PartialEq, Eq)]
pub struct Claims {
    pub(crate) auth_time: Option<i64>,
    pub(crate) client_id: Box<str>,
    pub(crate) expires_at: i64,
    pub(crate) issued_at: i64,
    pub(crate) issuer: Arc<str>,
    pub(crate) key_id: Arc<str>,
    pub(crate) not_before: Option<i64>,
    pub(crate) scopes: ScopeList,
    pub(crate) jti: Box<str>,
}

impl Claims {
    /// When the client authenticated (`auth_time`), in seconds since the Unix epoch.
    #[must_use]
    pub fn auth_time(&self) -> Option<i64> {
        self.auth_time
    }

    /// The client that the token was issued to (`client_id`, which `sub` repeats).
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The second from which on the token is dead (`exp`), since the Unix epoch.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// When it was issued (`iat`), in seconds since the Unix epoch.
    #[must_use]
    pub fn issued_at(&self) -> i64 {
        self.issued_at
    }

    /// Who issued it (`iss`).
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The `kid` of the key that signed it.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The second before which it is not valid (`nbf`), since the Unix epoch.
    #[must_use]
    pub fn not_before(&self) -> Option<i64> {
        self.not_before
    }

    /// Every scope the issuer put in, each once, whether or not its grant is still active.
    pub fn scopes(&self) -> impl Iterator<Item = &str> + Clone {
        self.scopes.iter()
    }

    /// The token's own id (`jti`), by which it can be revoked.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    pub(crate) fn scopes_within(&self, subset: Subset) -> impl Iterator<Item = &str> + Clone {
        self.scopes.within(subset)
    }

    /// Bytes on the heap, for the account of a cache.
    pub(crate) fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.client_id.len() + self.jti.len() + self.scopes.heap_bytes()
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("client_id", &self.client_id)
            .field("scopes", &self.scopes)
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Claims whose types and forms are right; what they say is not compared with anything yet.
pub(crate) struct ClaimSet<'a> {
    audience: Option<Vec<Cow<'a, str>>>,
    auth_time: Option<i64>,
    client_id: Cow<'a, str>,
    expires_at: i64,
    issued_at: i64,
    issuer: Cow<'a, str>,
    not_before: Option<i64>,
    scopes: ScopeList,
    subject: Option<Cow<'a, str>>,
    jti: Cow<'a, str>,
    token_use: Cow<'a, str>,
}

/// The claims that matter here, as they were found. Others are ignored: AWS says that the token may
/// grow.
#[derive(Default)]
struct Found<'a> {
    audience: Option<Value<'a>>,
    auth_time: Option<Value<'a>>,
    client_id: Option<Value<'a>>,
    expires_at: Option<Value<'a>>,
    issued_at: Option<Value<'a>>,
    issuer: Option<Value<'a>>,
    not_before: Option<Value<'a>>,
    scope: Option<Value<'a>>,
    subject: Option<Value<'a>>,
    jti: Option<Value<'a>>,
    token_use: Option<Value<'a>>,
}

impl<'a> Found<'a> {
    fn sort(members: Members<'a>) -> Self {
        let mut found = Self::default();
        for (name, value) in members {
            let place = match name.as_ref() {
                "aud" => &mut found.audience,
                "auth_time" => &mut found.auth_time,
                "client_id" => &mut found.client_id,
                "exp" => &mut found.expires_at,
                "iat" => &mut found.issued_at,
                "iss" => &mut found.issuer,
                "jti" => &mut found.jti,
                "nbf" => &mut found.not_before,
                "scope" => &mut found.scope,
                "sub" => &mut found.subject,
                "token_use" => &mut found.token_use,
                _ => continue,
            };
            *place = Some(value);
        }
        found
    }
}

impl<'a> ClaimSet<'a> {
    /// Reads claims, in a fixed order, so that one token always has one reason.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Refusal> {
        let found = Found::sort(json::object(text, LIMITS)?);
        let issuer = required("iss", optional_string("iss", found.issuer)?)?;
        let token_use = required("token_use", optional_string("token_use", found.token_use)?)?;
        let expires_at = required("exp", optional_time("exp", found.expires_at)?)?;
        let issued_at = required("iat", optional_time("iat", found.issued_at)?)?;
        let not_before = optional_time("nbf", found.not_before)?;
        let auth_time = optional_time("auth_time", found.auth_time)?;
        // Such a token was never valid, not for a second.
        if expires_at <= issued_at {
            return Err(Refusal::InvalidClaim("exp"));
        }
        let client_id = required("client_id", optional_string("client_id", found.client_id)?)?;
        if !is_client_id(&client_id) {
            return Err(Refusal::InvalidClaim("client_id"));
        }
        let subject = optional_string("sub", found.subject)?;
        let jti = required("jti", optional_string("jti", found.jti)?)?;
        if !is_jti(&jti) {
            return Err(Refusal::InvalidClaim("jti"));
        }
        let scope = required("scope", optional_string("scope", found.scope)?)?;
        let scopes = ScopeList::parse(&scope).ok_or(Refusal::InvalidClaim("scope"))?;
        let audience = found.audience.map(audience).transpose()?;
        Ok(Self {
            audience,
            auth_time,
            client_id,
            expires_at,
            issued_at,
            issuer,
            not_before,
            scopes,
            subject,
            jti,
            token_use,
        })
    }

    /// Byte for byte: no case folding, no slash more or less (RFC 8725 section 3.8).
    pub(crate) fn check_issuer(&self, expected: &str) -> Result<(), Refusal> {
        if self.issuer == expected { Ok(()) } else { Err(Refusal::WrongIssuer) }
    }

    /// Cognito signs ID tokens and access tokens of one shape; this tells them apart.
    pub(crate) fn check_token_use(&self) -> Result<(), Refusal> {
        if self.token_use == "access" { Ok(()) } else { Err(Refusal::WrongTokenUse) }
    }

    /// With client credentials the client is the subject. Another subject would be a user's token,
    /// and a machine must not be taken for a user, or a user for a machine (RFC 9700 section 4.15).
    pub(crate) fn check_subject(&self) -> Result<(), Refusal> {
        match &self.subject {
            Some(subject) if *subject != self.client_id => Err(Refusal::InvalidClaim("sub")),
            _ => Ok(()),
        }
    }

    /// With an audience of our own, the token must name it. Without one, a token that names an
    /// audience is for somebody else (RFC 7519 section 4.1.3), but for the one value that Cognito
    /// lets a trigger add: the client id.
    pub(crate) fn check_audience(&self, expected: Option<&str>) -> Result<(), Refusal> {
        match (&self.audience, expected) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(Refusal::MissingClaim("aud")),
            (Some(named), Some(own)) if named.iter().any(|value| value == own) => Ok(()),
            (Some(named), None) if matches!(&named[..], [only] if *only == self.client_id) => {
                Ok(())
            }
            (Some(_), _) => Err(Refusal::WrongAudience),
        }
    }

    /// `issuer` is the configured one, which the token's was found to be equal to.
    pub(crate) fn into_claims(self, issuer: Arc<str>, key_id: Arc<str>) -> Claims {
        Claims {
            auth_time: self.auth_time,
            client_id: self.client_id.into(),
            expires_at: self.expires_at,
            issued_at: self.issued_at,
            issuer,
            key_id,
            not_before: self.not_before,
            scopes: self.scopes,
            jti: self.jti.into(),
        }
    }
}

fn required<T>(name: &'static str, value: Option<T>) -> Result<T, Refusal> {
    value.ok_or(Refusal::MissingClaim(name))
}

fn optional_string<'a>(
    name: &'static str,
    value: Option<Value<'a>>,
) -> Result<Option<Cow<'a, str>>, Refusal> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::InvalidClaim(name)),
    }
}

/// Whole seconds since the epoch. RFC 7519 would allow fractions; Cognito writes none, and what two
/// readers round differently is not a time.
fn optional_time(name: &'static str, value: Option<Value<'_>>) -> Result<Option<i64>, Refusal> {
    match value {
        None => Ok(None),
        Some(Value::Integer(seconds)) if seconds >= 0 => Ok(Some(seconds)),
        Some(_) => Err(Refusal::InvalidClaim(name)),
    }
}

/// A string or an array of strings (RFC 7519 section 4.1.3).
fn audience(value: Value<'_>) -> Result<Vec<Cow<'_, str>>, Refusal> {
    let string = |value| match value {
        Value::String(text) => Ok(text),
        _ => Err(Refusal::InvalidClaim("aud")),
    };
    match value {
        Value::Array(list) => json::array(list, LIMITS)?.into_iter().map(string).collect(),
        value => Ok(vec![string(value)?]),
    }
}

/// Cognito's pattern `[\w+]+`, in ASCII.
fn is_client_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'+';
    (1..=MAX_CLIENT_ID).contains(&text.len()) && text.bytes().all(allowed)
}

/// Visible ASCII: what can be stored, logged and compared without a second spelling.
fn is_jti(text: &str) -> bool {
    (1..=MAX_JTI).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
