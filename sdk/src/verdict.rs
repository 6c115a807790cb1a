//! What a verifier comes to: a token that is accepted, and how it got there.

use std::fmt;
use std::sync::Arc;

use crate::claims::Claims;
use crate::policy::PolicyRefusal;
use crate::refusal::Refusal;
use crate::require::Require;
use crate::scope::Subset;

/// A token that was accepted. Only a [`Verifier`](crate::Verifier) makes one, so a function that
/// takes one cannot be called without the checks.
///
/// It says what was true at that moment; keep it for the request, not for longer.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified {
    claims: Arc<Claims>,
    granted: Subset,
}

impl Verified {
    /// All that the token says, scopes that are no longer granted included.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The client that calls.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.claims.client_id()
    }

    /// The second from which on the token is dead (`exp`), since the Unix epoch.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.claims.expires_at()
    }

    /// Whether the token holds `scope`, and it is still granted.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|held| held == scope)
    }

    /// When the token was issued (`iat`), in seconds since the Unix epoch.
    #[must_use]
    pub fn issued_at(&self) -> i64 {
        self.claims.issued_at()
    }

    /// The token's own id.
    #[must_use]
    pub fn jti(&self) -> &str {
        self.claims.jti()
    }

    /// The scopes that the token holds and that are still granted; at least one.
    pub fn scopes(&self) -> impl Iterator<Item = &str> + Clone {
        self.claims.scopes_within(self.granted)
    }

    /// Whether the token is enough for a request that needs `require`: for code that learns only
    /// after verification what it needs.
    ///
    /// # Errors
    ///
    /// [`Refusal::ScopeNotGranted`] when it would be enough if all of its scopes were still
    /// granted, else [`Refusal::InsufficientScope`].
    pub fn satisfies(&self, require: &Require) -> Result<(), Refusal> {
        if require.is_met(|scope| self.has_scope(scope)) {
            Ok(())
        } else if require.is_met(|scope| self.claims.scopes().any(|carried| carried == scope)) {
            Err(Refusal::ScopeNotGranted)
        } else {
            Err(Refusal::InsufficientScope)
        }
    }

    /// What of it introspection lets through, if that is enough for `require`.
    #[cfg(feature = "introspection")]
    pub(crate) fn narrowed(self, granted: Subset, require: &Require) -> Result<Self, Refusal> {
        let granted = self.granted.and(granted);
        if granted.is_empty() {
            return Err(Refusal::ScopeNotGranted);
        }
        let narrowed = Self { granted, ..self };
        narrowed.satisfies(require)?;
        Ok(narrowed)
    }

    #[cfg(feature = "introspection")]
    pub(crate) fn shared_claims(&self) -> &Arc<Claims> {
        &self.claims
    }

    pub(crate) fn new(claims: Arc<Claims>, granted: Subset) -> Self {
        Self { claims, granted }
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("client_id", &self.client_id())
            .field("scopes", &self.scopes().collect::<Vec<_>>())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

/// What the policy said of a token, and for how long that holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    /// The policy's, read before it was asked.
    pub(crate) epoch: u64,
    /// The first second at which it must be asked again.
    pub(crate) until: i64,
    pub(crate) outcome: Result<Subset, PolicyRefusal>,
}

impl Decision {
    pub(crate) fn holds(&self, epoch: u64, now: i64) -> bool {
        // A policy that is too old may be heard of again at any moment, with nothing new to say.
        self.epoch == epoch && now < self.until && self.outcome != Err(PolicyRefusal::Stale)
    }
}
