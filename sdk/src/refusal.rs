//! Why a token was refused, and what to answer.

/// Why a token was not accepted.
///
/// Its text and [`reason`](Refusal::reason) are fixed words: nothing of the token or of the caller
/// is in them, so both may go to logs, metrics and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// `alg` of the header is not the algorithm of the key: the key decides (RFC 8725 section 3.1).
    #[error("the token names another algorithm than its key is for")]
    AlgorithmMismatch,
    /// A part of the token is not strict base64url (RFC 7515 section 2), or not UTF-8.
    #[error("a part of the token is not strict base64url")]
    BadEncoding,
    /// The key that the token names did not make this signature.
    #[error("the signature does not match")]
    BadSignature,
    /// The client is switched off.
    #[error("the client is disabled")]
    ClientDisabled,
    /// The policy knows no such client; it may have been deleted.
    #[error("the client is unknown")]
    ClientUnknown,
    /// The `Authorization` header is sent twice or is no well-formed bearer credential.
    #[error("the bearer credentials are malformed")]
    CredentialsMalformed,
    /// The request carries no bearer token.
    #[error("a bearer token is needed")]
    CredentialsMissing,
    /// The header has `crit` or `b64` (RFC 7515 section 4.1.11, RFC 7797). We know no extension, so
    /// a token that makes one critical must be refused; `b64` would change what is signed.
    #[error("the token uses an extension that is not supported")]
    CriticalExtension,
    /// Two members of one JSON object have the same name (RFC 8725 section 2.4).
    #[error("a member is given twice")]
    DuplicateMember,
    /// `exp` has passed, leeway included.
    #[error("the token has expired")]
    Expired,
    /// The token lacks a scope that the request needs.
    #[error("the token does not hold the scopes that are needed")]
    InsufficientScope,
    /// The named claim has another type, form or range than this kind of token has.
    #[error("the claim {0} has a value that is not accepted")]
    InvalidClaim(&'static str),
    /// The named header member is not what this kind of token has.
    #[error("the header member {0} has a value that is not accepted")]
    InvalidHeader(&'static str),
    /// Introspection is set, and gave no answer, or was not asked because the call does not wait.
    #[error("introspection has not answered")]
    IntrospectionUnavailable,
    /// `iat` lies in the future, beyond leeway.
    #[error("the token is issued in the future")]
    IssuedInFuture,
    /// The header brings a key or says where to get one (`jwk`, `jku`, `x5c`, `x5u`). Such a key is
    /// never used, and no issuer of ours sends one: ignoring it would hide an attack.
    #[error("the token brings its own key")]
    KeyInHeader,
    /// The issuer's keys were never fetched. Nothing is known about the token.
    #[error("the keys of the issuer are not available")]
    KeysUnavailable,
    /// Not three parts, not JSON objects, or too much structure.
    #[error("the token is malformed")]
    Malformed,
    /// The named claim is absent.
    #[error("the claim {0} is missing")]
    MissingClaim(&'static str),
    /// The named header member is absent.
    #[error("the header member {0} is missing")]
    MissingHeader(&'static str),
    /// Introspection says that the token is no longer good: it is revoked, its client is disabled or
    /// gone, or no grant behind it is active. It does not say which.
    #[error("the token is not active")]
    NotActive,
    /// `nbf` has not come, leeway included.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The token carries the scope, or scopes, but no grant behind them is active any more.
    #[error("the grant behind the scope has ended")]
    ScopeNotGranted,
    /// The policy was not heard of for too long, so it cannot say who is still allowed.
    #[error("the policy is too old to decide")]
    StalePolicy,
    /// The token, or all of its client's tokens up to a moment, were revoked.
    #[error("the token is revoked")]
    TokenRevoked,
    /// Longer than any token that is accepted.
    #[error("the token is too large")]
    TooLarge,
    /// No key of the issuer has the token's `kid`.
    #[error("the key of the token is unknown")]
    UnknownKey,
    /// The token is for somebody else (`aud`).
    #[error("the token is for another audience")]
    WrongAudience,
    /// The token is of another issuer.
    #[error("the token is of another issuer")]
    WrongIssuer,
    /// Another kind of token, such as an ID token.
    #[error("the token is no access token")]
    WrongTokenUse,
    /// `typ` says another kind of token, or `cty` says that there is a token inside.
    #[error("the token is of another type")]
    WrongType,
}

/// What an HTTP API answers to a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// 401 without an error code: the request did not try (RFC 6750 section 3.1).
    Authenticate,
    /// 403 `insufficient_scope`.
    InsufficientScope,
    /// 400 `invalid_request`.
    InvalidRequest,
    /// 401 `invalid_token`: a client may get a new token and try again.
    InvalidToken,
    /// 503: the verifier cannot decide. It is not the client's doing, and a new token of the client
    /// would not help, so 401 would only make it fetch tokens in a loop.
    Unavailable,
}

impl Refusal {
    /// The stable code: a metric label, a key of documentation, what `Explain` shows.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AlgorithmMismatch => "algorithm_mismatch",
            Self::BadEncoding => "bad_encoding",
            Self::BadSignature => "bad_signature",
            Self::ClientDisabled => "client_disabled",
            Self::ClientUnknown => "client_unknown",
            Self::CredentialsMalformed => "credentials_malformed",
            Self::CredentialsMissing => "credentials_missing",
            Self::CriticalExtension => "critical_extension",
            Self::DuplicateMember => "duplicate_member",
            Self::Expired => "expired",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidClaim(_) => "invalid_claim",
            Self::InvalidHeader(_) => "invalid_header",
            Self::IntrospectionUnavailable => "introspection_unavailable",
            Self::IssuedInFuture => "issued_in_future",
            Self::KeyInHeader => "key_in_header",
            Self::KeysUnavailable => "keys_unavailable",
            Self::Malformed => "malformed",
            Self::MissingClaim(_) => "missing_claim",
            Self::MissingHeader(_) => "missing_header",
            Self::NotActive => "not_active",
            Self::NotYetValid => "not_yet_valid",
            Self::ScopeNotGranted => "scope_not_granted",
            Self::StalePolicy => "stale_policy",
            Self::TokenRevoked => "token_revoked",
            Self::TooLarge => "too_large",
            Self::UnknownKey => "unknown_key",
            Self::WrongAudience => "wrong_audience",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongTokenUse => "wrong_token_use",
            Self::WrongType => "wrong_type",
        }
    }

    /// What RFC 6750 section 3.1 has for it.
    ///
    /// A scope whose grant has ended is 403 like a scope that was never there: a new token would
    /// not hold it either.
    #[must_use]
    pub const fn answer(&self) -> Answer {
        match self {
            Self::CredentialsMalformed => Answer::InvalidRequest,
            Self::CredentialsMissing => Answer::Authenticate,
            Self::InsufficientScope | Self::ScopeNotGranted => Answer::InsufficientScope,
            Self::IntrospectionUnavailable | Self::KeysUnavailable | Self::StalePolicy => {
                Answer::Unavailable
            }
            _ => Answer::InvalidToken,
        }
    }

    /// Whether the same token may be accepted a moment later, with nothing changed by the caller.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::IntrospectionUnavailable
                | Self::IssuedInFuture
                | Self::KeysUnavailable
                | Self::NotYetValid
                | Self::StalePolicy
                | Self::UnknownKey
        )
    }
}

impl Answer {
    /// The HTTP status code.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Authenticate | Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
            Self::InvalidRequest => 400,
            Self::Unavailable => 503,
        }
    }

    /// The `error` of the challenge, where there is one.
    #[must_use]
    pub const fn error(self) -> Option<&'static str> {
        match self {
            Self::Authenticate | Self::Unavailable => None,
            Self::InsufficientScope => Some("insufficient_scope"),
            Self::InvalidRequest => Some("invalid_request"),
            Self::InvalidToken => Some("invalid_token"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Refusal; 31] = [
        Refusal::AlgorithmMismatch,
        Refusal::BadEncoding,
        Refusal::BadSignature,
        Refusal::ClientDisabled,
        Refusal::ClientUnknown,
        Refusal::CredentialsMalformed,
        Refusal::CredentialsMissing,
        Refusal::CriticalExtension,
        Refusal::DuplicateMember,
        Refusal::Expired,
        Refusal::InsufficientScope,
        Refusal::InvalidClaim("exp"),
        Refusal::InvalidHeader("alg"),
        Refusal::IntrospectionUnavailable,
        Refusal::IssuedInFuture,
        Refusal::KeyInHeader,
        Refusal::KeysUnavailable,
        Refusal::Malformed,
        Refusal::MissingClaim("exp"),
        Refusal::MissingHeader("alg"),
        Refusal::NotActive,
        Refusal::NotYetValid,
        Refusal::ScopeNotGranted,
        Refusal::StalePolicy,
        Refusal::TokenRevoked,
        Refusal::TooLarge,
        Refusal::UnknownKey,
        Refusal::WrongAudience,
        Refusal::WrongIssuer,
        Refusal::WrongTokenUse,
        Refusal::WrongType,
    ];

    /// Fails to compile when a kind is added, as the reminder to add it above.
    fn is_listed(refusal: Refusal) -> bool {
        use Refusal as R;
        match refusal {
            R::AlgorithmMismatch | R::BadEncoding | R::BadSignature | R::ClientDisabled => true,
            R::ClientUnknown | R::CredentialsMalformed | R::CredentialsMissing => true,
            R::CriticalExtension | R::DuplicateMember | R::Expired | R::InsufficientScope => true,
            R::InvalidClaim(_) | R::InvalidHeader(_) | R::IntrospectionUnavailable => true,
            R::IssuedInFuture | R::KeyInHeader | R::NotActive => true,
            R::KeysUnavailable | R::Malformed | R::MissingClaim(_) | R::MissingHeader(_) => true,
            R::NotYetValid | R::ScopeNotGranted | R::StalePolicy | R::TokenRevoked => true,
            R::TooLarge | R::UnknownKey | R::WrongAudience | R::WrongIssuer => true,
            R::WrongTokenUse | R::WrongType => true,
        }
    }

    #[test]
    fn words_fit_into_a_challenge_and_reasons_are_documented_and_unique() {
        let readme = include_str!("../README.md");
        let mut reasons = Vec::new();
        for refusal in ALL {
            assert!(is_listed(refusal));
            // RFC 6750 section 3: what `error_description` may hold.
            let allowed = |byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            assert!(refusal.to_string().bytes().all(allowed), "{refusal}");
            let reason = refusal.reason();
            let credentials = reason.starts_with("credentials_");
            assert!(credentials || readme.contains(&format!("`{reason}`")), "{reason}");
            reasons.push(reason);
        }
        reasons.sort_unstable();
        reasons.dedup();
        assert_eq!(reasons.len(), ALL.len());
    }
}
