//! A token as a client has it: opaque, and secret.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::connect;

/// An access token. Opaque to a client (RFC 6749 section 1.4). Whoever has it can use it, so it is
/// never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    expires_at: i64,
    renew_at: i64,
    scope: Option<Arc<str>>,
    usable_until: i64,
    value: Arc<str>,
}

impl AccessToken {
    /// `life` is in seconds, and counts from `asked_at`.
    pub(super) fn new(value: &str, scope: Option<&str>, asked_at: i64, life: i64) -> Self {
        // Three quarters, as AWS advises for Cognito, give or take a tenth of that.
        let seconds = u64::try_from(life).unwrap_or_default();
        let early = connect::jittered(Duration::from_secs(seconds) / 4 * 3).as_secs();
        let expires_at = asked_at.saturating_add(life);
        Self {
            expires_at,
            renew_at: asked_at.saturating_add_unsigned(early),
            scope: scope.map(Into::into),
            // It still has to travel, and the clock at its goal may be ahead.
            usable_until: expires_at - (life / 10).min(30),
            value: value.into(),
        }
    }

    /// The value of an `Authorization` header that carries it. Mark it as sensitive where that can
    /// be done.
    #[must_use]
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.value)
    }

    /// When it ends, in seconds since the Unix epoch.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// The scopes that the server says it has, with spaces between. `None` when it says nothing:
    /// then they are the ones asked for (RFC 6749 section 5.1). Cognito never says.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The token itself. A secret: see [`authorization`](Self::authorization) for the usual way.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.value
    }

    pub(super) fn is_usable(&self, now: i64) -> bool {
        now < self.usable_until
    }

    pub(super) fn is_ageing(&self, now: i64) -> bool {
        now >= self.renew_at
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}
