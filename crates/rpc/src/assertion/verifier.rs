//! A service's half: verifies.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::signature::ParsedPublicKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::Mutex;
use tokio::time::Instant;

use turnpike_domain::Error;
use turnpike_domain::Timestamp;
use turnpike_domain::actor::Staff;
use turnpike_domain::ports::Clock;
use turnpike_registry::Registry;

use super::claims::Claims;
use super::key::PublicKey;

/// Far above any assertion (a person in 200 teams needs about 12 KiB), far below what would hurt.
pub(super) const LENGTH_MAX: usize = 32 * 1024;

/// How often published keys are read.
const READ_PAUSE: Duration = Duration::from_secs(10);
/// How often at most they are read because of a key that is not known: anybody can name one.
const LEARN_PAUSE: Duration = Duration::from_secs(1);

/// Verifies assertions: what a service holds. Clones share what they know.
#[derive(Clone)]
pub struct AssertionVerifier {
    keys: Arc<RwLock<Vec<Known>>>,
    /// Where keys are read, if they are not given once and for all.
    published: Option<Arc<Published>>,
    clock: Arc<dyn Clock>,
}

/// A key that is known.
struct Known {
    /// The one header segment that may stand before its signatures.
    header: String,
    key: ParsedPublicKey,
    /// Until when it is good.
    end: Option<Timestamp>,
}

struct Published {
    registry: Registry,
    /// Held by the one that reads them.
    last: Mutex<LastRead>,
}

/// When keys were last read, and whether they could be.
#[derive(Clone, Copy)]
struct LastRead {
    began: Instant,
    worked: bool,
}

impl AssertionVerifier {
    /// A verifier that accepts assertions of these keys and no others.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>, clock: Arc<dyn Clock>) -> Self {
        let keys = keys.into_iter().map(|key| Known::new(key, None)).collect();
        Self { keys: Arc::new(RwLock::new(keys)), published: None, clock }
    }

    /// A verifier that accepts assertions of the keys that gateways publish in the registry's store. It
    /// reads them now, every few seconds, and when an assertion names one that it does not know. Needs a
    /// tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`] if they cannot be read now.
    pub async fn follow(registry: Registry, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let last = Mutex::new(LastRead { began: Instant::now(), worked: false });
        let published = Arc::new(Published { registry, last });
        let verifier = Self { published: Some(published), ..Self::new([], clock) };
        verifier.read().await?;
        let follower = verifier.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(READ_PAUSE).await;
                if let Err(error) = follower.read().await {
                    let error = crate::status::causes(&error);
                    tracing::warn!(error, "assertion_keys.not_read");
                }
            }
        });
        Ok(verifier)
    }

    /// The person `assertion` speaks of, if it is good for `method` now. A key that is not known may be that of a
    /// gateway that has just started: then those published are read first, after a second at most.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`]; [`Error::Unavailable`] if keys cannot be read.
    pub async fn verify_or_learn(&self, assertion: &str, method: &str) -> Result<Staff, Error> {
        match (self.verify(assertion, method), &self.published) {
            (Err(Refusal::Key), Some(published)) => {
                let asked = Instant::now();
                let mut last = published.last.lock().await;
                if last.began <= asked {
                    tokio::time::sleep_until(last.began + LEARN_PAUSE).await;
                    self.take(&published.registry, &mut last).await?;
                } else if !last.worked {
                    return Err(Error::Unavailable("published keys cannot be read".into()));
                }
                drop(last);
                Ok(self.verify(assertion, method)?)
            }
            (verified, _) => Ok(verified?),
        }
    }

    /// The person `assertion` speaks of, if it is good for `method` now, by the keys that are known.
    ///
    /// # Errors
    ///
    /// The first check it fails.
    pub fn verify(&self, assertion: &str, method: &str) -> Result<Staff, Refusal> {
        if assertion.len() > LENGTH_MAX {
            return Err(Refusal::Malformed);
        }
        let (signed, signature) = assertion.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        let now = self.clock.now();
        let key = self.key(header, now).ok_or(Refusal::Key)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::Malformed)?;
        key.verify_sig(signed.as_bytes(), &signature).map_err(|_| Refusal::Signature)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| Refusal::Malformed)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| Refusal::Malformed)?;
        claims.check(method, now)
    }

    fn key(&self, header: &str, now: Timestamp) -> Option<ParsedPublicKey> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let good = |known: &&Known| known.header == header && known.end.is_none_or(|end| now < end);
        keys.iter().find(good).map(|known| known.key.clone())
    }

    /// Reads what is published.
    async fn read(&self) -> Result<(), Error> {
        let Some(published) = &self.published else { return Ok(()) };
        let mut last = published.last.lock().await;
        self.take(&published.registry, &mut last).await
    }

    async fn take(&self, registry: &Registry, last: &mut LastRead) -> Result<(), Error> {
        *last = LastRead { began: Instant::now(), worked: false };
        let mut keys = Vec::new();
        for published in registry.assertion_keys().await? {
            let key = PublicKey::from_bytes(&published.public_key)?;
            keys.push(Known::new(key, Some(published.expire_time)));
        }
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        last.worked = true;
        Ok(())
    }
}

impl Known {
    fn new(key: PublicKey, end: Option<Timestamp>) -> Self {
        Self { header: key.header(), key: key.key, end }
    }
}

impl fmt::Debug for AssertionVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("AssertionVerifier").field("keys", &keys).finish_non_exhaustive()
    }
}

/// Why an assertion was refused. For the log; a caller learns only that it is not signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is for somebody else.
    #[error("another audience")]
    Audience,
    /// It has ended, or the session has.
    #[error("expired")]
    Expired,
    /// Its header is not one that a known key writes: another key, algorithm or type.
    #[error("unknown key or header")]
    Key,
    /// Not an assertion.
    #[error("malformed")]
    Malformed,
    /// It was made for another RPC.
    #[error("made for another method")]
    Method,
    /// It was issued in the future, or for longer than assertions live.
    #[error("times that no gateway writes")]
    Times,
    /// The signature does not belong to key and content.
    #[error("wrong signature")]
    Signature,
}

impl From<Refusal> for Error {
    fn from(_: Refusal) -> Self {
        Self::Unauthenticated("the identity assertion is not valid")
    }
}
