//! The two verifiers of a process that decides about tokens.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use turnpike_domain::Error;
use turnpike_domain::ports::Clock;
use turnpike_registry::Policy;
use turnpike_sdk::{KeySet, Keys, VerdictCache, Verifier};

use crate::oauth::token_policy::{TokenPolicy, VerifierClock};

/// The two verifiers of a process that decides about tokens. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TokenVerifiers {
    decides: Verifier,
    reads: Verifier,
}

impl TokenVerifiers {
    /// For the tokens of `issuer`, whose keys are kept in `keys` by the caller; see
    /// [`follow_keys`].
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] for an empty issuer.
    pub fn new(
        issuer: &str,
        keys: &Keys,
        policy: Arc<Policy>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let clock = Arc::new(VerifierClock::new(clock));
        let builder = || Verifier::builder(issuer).keys(keys.clone()).clock(clock.clone());
        let decides = builder().policy(Arc::new(TokenPolicy::new(policy)));
        // As lenient as any verifier may be: what one of them still takes can be revoked.
        let reads = builder().leeway(Duration::from_secs(60)).cache(VerdictCache::off());
        Ok(Self {
            decides: decides.build().map_err(Error::internal)?,
            reads: reads.build().map_err(Error::internal)?,
        })
    }

    /// Decides whether a token is good now: with the policy.
    pub const fn decides(&self) -> &Verifier {
        &self.decides
    }

    /// Tells whether a token is ours and not over, whatever the policy says of it: what can be
    /// revoked. A token of a client that is disabled must be, or it would come back with the
    /// client.
    pub const fn reads(&self) -> &Verifier {
        &self.reads
    }
}

/// Keeps `keys` at what the issuer publishes, until the issuer is gone. A set that is none is
/// logged, and the last good one stays.
pub async fn follow_keys(mut published: watch::Receiver<Arc<str>>, keys: Keys) {
    loop {
        let jwks = published.borrow_and_update().clone();
        take_keys(&jwks, &keys);
        if published.changed().await.is_err() {
            return;
        }
    }
}

/// Makes a published JWK set the one that verifiers use; says whether it is one.
pub fn take_keys(jwks: &str, keys: &Keys) -> bool {
    match KeySet::from_jwks(jwks) {
        Ok(set) => {
            keys.replace(set);
            true
        }
        Err(error) => {
            tracing::error!(error = %error, "keys.unreadable");
            false
        }
    }
}
