//! The settings of a verifier.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Cache, VerdictCache};
use crate::clock::{Clock, SystemClock};
#[cfg(feature = "introspection")]
use crate::introspection::Introspection;
#[cfg(feature = "jwks")]
use crate::jwks::JwksSource;
use crate::keys::Keys;
use crate::policy::{NoPolicy, Policy};
use crate::verifier::{Inner, Issuer, Verifier};

impl Verifier {
    /// Starts the settings of a verifier for tokens whose `iss` is exactly `issuer`. Nothing else is
    /// derived from it: where the keys come from is a setting of its own.
    pub fn builder(issuer: impl Into<String>) -> Builder {
        Self::builder_of(Issuer::from(issuer.into()))
    }

    pub(crate) fn builder_of(issuer: Issuer) -> Builder {
        Builder {
            audience: None,
            cache: VerdictCache::by_token(),
            clock: Arc::new(SystemClock),
            #[cfg(feature = "introspection")]
            introspection: None,
            issuer,
            keys: None,
            leeway: Duration::from_secs(5),
            max_bytes: 8 * 1024,
            policy: Arc::new(NoPolicy),
            #[cfg(feature = "jwks")]
            source: None,
        }
    }
}

/// Settings of a [`Verifier`].
#[must_use]
pub struct Builder {
    audience: Option<String>,
    cache: VerdictCache,
    clock: Arc<dyn Clock>,
    #[cfg(feature = "introspection")]
    introspection: Option<Introspection>,
    issuer: Issuer,
    keys: Option<Keys>,
    leeway: Duration,
    max_bytes: usize,
    policy: Arc<dyn Policy>,
    #[cfg(feature = "jwks")]
    source: Option<JwksSource>,
}

/// The settings do not make a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// An empty audience would be an audience that no token has.
    #[error("the audience is empty")]
    EmptyAudience,
    /// No token has an empty issuer.
    #[error("the issuer is empty")]
    EmptyIssuer,
    /// More than a minute of leeway is a clock to repair, not to allow for.
    #[error("the leeway is more than 60 seconds")]
    LeewayTooLong,
    /// Where the keys come from is not derived from the issuer.
    #[error("no keys are set")]
    NoKeys,
}

impl Builder {
    /// An audience that the token must name in `aud`, as its value or as one of an array. Cognito's
    /// own tokens have no `aud` and would be refused, so this is for issuers that write one. Unless
    /// told, a token with any `aud` but its own client id is refused, because it is for somebody
    /// else.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// How verdicts are remembered; [`VerdictCache::by_token`] unless told.
    pub fn cache(mut self, cache: VerdictCache) -> Self {
        self.cache = cache;
        self
    }

    /// Another clock than the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Who is asked about each token that passes every check that can be made here. Then
    /// [`verify_async`](Verifier::verify_async) and the layers accept only what is still good there,
    /// with the scopes that are; [`verify`](Verifier::verify), which does not wait, accepts nothing.
    #[cfg(feature = "introspection")]
    pub fn introspection(mut self, introspection: Introspection) -> Self {
        self.introspection = Some(introspection);
        self
    }

    /// The keys of the issuer, supplied and replaced by the caller.
    pub fn keys(mut self, keys: Keys) -> Self {
        self.keys = Some(keys);
        #[cfg(feature = "jwks")]
        {
            self.source = None;
        }
        self
    }

    /// The keys of the issuer, fetched by `source` and kept fresh.
    #[cfg(feature = "jwks")]
    pub fn jwks(mut self, source: JwksSource) -> Self {
        self.keys = Some(source.keys().clone());
        self.source = Some(source);
        self
    }

    /// How far this machine's clock and the issuer's may be apart; 5 seconds unless told, 60 at
    /// most. Counted in whole seconds, rounded down. A token lives that much longer.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Bytes of the longest token that is looked at; 8 KiB unless told.
    pub fn max_token_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Who knows what was revoked; [`NoPolicy`] unless told.
    pub fn policy(mut self, policy: Arc<dyn Policy>) -> Self {
        self.policy = policy;
        self
    }

    /// The verifier.
    ///
    /// # Errors
    ///
    /// When a setting is missing or out of bounds.
    pub fn build(self) -> Result<Verifier, BuildError> {
        let Self {
            audience,
            cache,
            clock,
            #[cfg(feature = "introspection")]
            introspection,
            issuer,
            keys,
            leeway,
            max_bytes,
            policy,
            #[cfg(feature = "jwks")]
            source,
        } = self;
        if issuer.get().is_some_and(|issuer| issuer.is_empty()) {
            return Err(BuildError::EmptyIssuer);
        }
        if audience.as_ref().is_some_and(String::is_empty) {
            return Err(BuildError::EmptyAudience);
        }
        if leeway > Duration::from_secs(60) {
            return Err(BuildError::LeewayTooLong);
        }
        let leeway = i64::try_from(leeway.as_secs()).map_err(|_| BuildError::LeewayTooLong)?;
        let inner = Inner {
            audience: audience.map(Into::into),
            cache: Cache::new(cache),
            clock,
            #[cfg(feature = "introspection")]
            introspection,
            issuer,
            keys: keys.ok_or(BuildError::NoKeys)?,
            leeway,
            max_bytes,
            policy,
            #[cfg(feature = "jwks")]
            source,
        };
        Ok(Verifier::new(inner))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
