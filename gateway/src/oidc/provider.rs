//! What the directory says of itself: its metadata and keys, read when they are needed and kept for a while.

use std::sync::Arc;
use std::time::Duration;

use openidconnect::core::CoreJsonWebKeySet;
use openidconnect::{DiscoveryError, IssuerUrl, JsonWebKeySet};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::http::{self, Http};
use super::types::Metadata;

/// How long metadata and keys count. Keys change without notice, so an unknown one is asked for at once.
const FRESH: Duration = Duration::from_secs(3600);
/// How long they count while the directory does not answer.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// Whoever makes up names of keys makes us ask no more often than this.
const KEYS_PAUSE: Duration = Duration::from_secs(10);
/// How long a failure counts, so that a directory that is down is not asked by everyone.
const FAILED_PAUSE: Duration = Duration::from_secs(2);

/// Reads the directory's metadata and keys.
#[derive(Debug)]
pub(super) struct Provider {
    issuer: IssuerUrl,
    http: Http,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    known: Option<Known>,
    /// When keys were last asked for because of an unknown one.
    keys_asked: Option<Instant>,
    /// When reading last failed.
    failed: Option<Instant>,
}

/// What was read, and when.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) metadata: Arc<Metadata>,
    pub(super) keys: Arc<CoreJsonWebKeySet>,
    read: Instant,
}

/// Why nothing is known.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unknown {
    /// It does not answer.
    #[error("the directory does not answer")]
    Down(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answers with what is no metadata of this issuer.
    #[error("the directory's metadata cannot be used")]
    Unusable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Provider {
    pub(super) fn new(issuer: IssuerUrl, http: Http) -> Self {
        Self { issuer, http, held: Mutex::default() }
    }

    /// Metadata and keys. Read once by many who ask at once.
    pub(super) async fn known(&self) -> Result<Known, Unknown> {
        let mut held = self.held.lock().await;
        let age = held.known.as_ref().map(|known| known.read.elapsed());
        if let (Some(known), Some(age)) = (&held.known, age)
            && (age < FRESH || (age < STALE && recently(held.failed, FAILED_PAUSE)))
        {
            return Ok(known.clone());
        }
        if held.known.is_none() && recently(held.failed, FAILED_PAUSE) {
            return Err(Unknown::Down("it did not a moment ago".into()));
        }
        match self.read().await {
            Ok(known) => {
                held.known = Some(known.clone());
                held.failed = None;
                Ok(known)
            }
            Err(unknown) => {
                held.failed = Some(Instant::now());
                let usable = held.known.clone().filter(|known| known.read.elapsed() < STALE);
                if usable.is_some() {
                    let error = &unknown as &dyn std::error::Error;
                    tracing::warn!(error, "oidc.metadata_not_read");
                }
                usable.ok_or(unknown)
            }
        }
    }

    /// The keys as they are now, for a token whose key is not among those known; `None` if they were asked for a moment
    /// ago, or do not come.
    pub(super) async fn keys_again(&self) -> Option<Arc<CoreJsonWebKeySet>> {
        let mut held = self.held.lock().await;
        let known = held.known.clone()?;
        if recently(held.keys_asked, KEYS_PAUSE) {
            return None;
        }
        held.keys_asked = Some(Instant::now());
        match JsonWebKeySet::fetch_async(known.metadata.jwks_uri(), &self.http).await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                held.known = Some(Known { keys: Arc::clone(&keys), ..known });
                Some(keys)
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "oidc.keys_not_read");
                None
            }
        }
    }

    /// Reads both. The issuer in the metadata must be ours, character for character.
    async fn read(&self) -> Result<Known, Unknown> {
        let metadata = Metadata::discover_async(self.issuer.clone(), &self.http).await;
        let metadata = metadata.map_err(|error: DiscoveryError<http::Error>| match error {
            DiscoveryError::Request(http::Error::Insecure(_)) => Unknown::Unusable(error.into()),
            DiscoveryError::Request(_) => Unknown::Down(error.into()),
            DiscoveryError::Response(status, ..) => {
                Unknown::Unusable(format!("HTTP status {status}").into())
            }
            other => Unknown::Unusable(other.into()),
        })?;
        let keys = Arc::new(metadata.jwks().clone());
        Ok(Known { metadata: Arc::new(metadata), keys, read: Instant::now() })
    }
}

fn recently(time: Option<Instant>, pause: Duration) -> bool {
    time.is_some_and(|time| time.elapsed() < pause)
}
