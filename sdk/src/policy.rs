//! The seam to whoever knows what has happened since a token was signed.

use crate::refusal::Refusal;

/// Decides on a token whose signature and claims are good: may its client still use it, and which
/// of its scopes are still granted?
///
/// A verifier asks on every call, also when it remembers the token, so an implementation answers
/// from memory and never waits. To make that cheap, [`epoch`](Policy::epoch) lets the verifier keep
/// the other answers for as long as nothing changes.
pub trait Policy: Send + Sync {
    /// A number that is different after any answer of [`admits`](Policy::admits) and [`grants`](Policy::grants)
    /// may have become different. Asked on every call; `now` is the verifier's time in seconds since the Unix
    /// epoch, for a policy that stops deciding when it has not been heard of for too long.
    ///
    /// A change must be visible in the answers before it is visible here.
    fn epoch(&self, now: i64) -> u64;

    /// Whether it has not been heard of for too long to decide by it. Then a token is refused, unless the
    /// request's [`Require`](crate::Require) [accepts that](crate::Require::even_if_stale). Asked on every call; `now` as for
    /// [`epoch`](Policy::epoch).
    fn is_stale(&self, _now: i64) -> bool {
        false
    }

    /// Whether the token may be used at all: its client is known and enabled, and neither the token
    /// nor all of the client's tokens of its time are revoked.
    ///
    /// # Errors
    ///
    /// What speaks against it.
    fn admits(&self, token: &TokenFacts<'_>) -> Result<(), PolicyRefusal>;

    /// Whether the client holds `scope`, by a grant that covers this token. Asked for each scope of
    /// an admitted token; those that are not granted are left out of
    /// [`Verified::scopes`](crate::Verified::scopes).
    fn grants(&self, token: &TokenFacts<'_>, scope: &str) -> GrantState;
}

/// What a policy may know of a token.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TokenFacts<'a> {
    /// `client_id`.
    pub client_id: &'a str,
    /// `exp`, in seconds since the Unix epoch.
    pub expires_at: i64,
    /// `iat`, in seconds since the Unix epoch.
    pub issued_at: i64,
    /// The verifier's time, in seconds since the Unix epoch.
    pub now: i64,
    /// `jti`.
    pub jti: &'a str,
}

impl<'a> TokenFacts<'a> {
    /// Facts by hand, for tests of a policy. Times are seconds since the Unix epoch.
    #[must_use]
    pub const fn new(
        client_id: &'a str,
        jti: &'a str,
        issued_at: i64,
        expires_at: i64,
        now: i64,
    ) -> Self {
        Self { client_id, expires_at, issued_at, now, jti }
    }
}

/// Whether a scope is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantState {
    /// It is, until the [epoch](Policy::epoch) changes.
    Active,
    /// It is, until this second of the Unix epoch comes, or the [epoch](Policy::epoch) changes.
    ActiveUntil(i64),
    /// It is not, until the [epoch](Policy::epoch) changes.
    Ended,
}

/// Why a policy does not admit a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyRefusal {
    /// The client is switched off.
    ClientDisabled,
    /// There is no such client, or no longer.
    ClientUnknown,
    /// The policy has not been heard of for too long, and was told to refuse then. The one answer that a
    /// verifier does not remember.
    Stale,
    /// The token, or all of the client's tokens up to a moment, are revoked.
    TokenRevoked,
}

impl From<PolicyRefusal> for Refusal {
    fn from(refusal: PolicyRefusal) -> Self {
        match refusal {
            PolicyRefusal::ClientDisabled => Self::ClientDisabled,
            PolicyRefusal::ClientUnknown => Self::ClientUnknown,
            PolicyRefusal::Stale => Self::StalePolicy,
            PolicyRefusal::TokenRevoked => Self::TokenRevoked,
        }
    }
}

/// Admits every token with all of its scopes until it expires. That is all that a verifier of
/// Cognito's tokens can do alone: what is revoked stays good until `exp`.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPolicy;

impl Policy for NoPolicy {
    fn epoch(&self, _now: i64) -> u64 {
        0
    }

    fn admits(&self, _token: &TokenFacts<'_>) -> Result<(), PolicyRefusal> {
        Ok(())
    }

    fn grants(&self, _token: &TokenFacts<'_>, _scope: &str) -> GrantState {
        GrantState::Active
    }
}
