//! The keys of an issuer, fetched from its `jwks_uri` and kept fresh (feature `jwks`).
//!
//! A task of its own fetches the set at once, again every few minutes, and early when a token names
//! a key that is not known. Early fetches are few (anybody can name an unknown key), and each brings
//! the whole set, so a flood of invented key ids neither drives our requests nor keeps a real new key
//! out. While the issuer does not answer, or answers nonsense, the last good keys stay.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Full;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::connect;
pub use crate::connect::AddressError;
use crate::fetch::{self, Fetcher};
use crate::keys::{KeySet, Keys};

/// An issuer's keys at an address. Clones share one task, which ends with the last of them.
#[derive(Clone)]
pub struct JwksSource {
    shared: Arc<Shared>,
    _task: Arc<Task>,
}

/// Why the last fetch brought no keys.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The answer is no JWK set.
    #[error("the answer is not a JWK set")]
    NotAKeySet,
    /// The set is well formed, and none of its keys can be used. Taken for a mistake of the issuer.
    #[error("the answer holds no usable key")]
    NoUsableKey,
    /// Another status than 200. Redirects are not followed.
    #[error("the answer has status {0}")]
    Status(u16),
    /// No whole answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The answer is longer than allowed.
    #[error("the answer is too large")]
    TooLarge,
    /// No connection, or it broke.
    #[error("the issuer cannot be reached")]
    Transport(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// The settings do not make a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The address.
    #[error("the address of the keys: {0}")]
    Address(#[from] AddressError),
    /// A time or size of zero.
    #[error("a time or size is zero")]
    Zero,
    /// There is no tokio runtime to run on.
    #[error("not called on a tokio runtime")]
    NoRuntime,
}

struct Shared {
    fetcher: Fetcher,
    gate: Mutex<Gate>,
    keys: Keys,
    last: watch::Sender<Last>,
    settings: Settings,
    wake: Notify,
}

/// How the fetches went so far.
#[derive(Clone, Default)]
struct Last {
    error: Option<Error>,
    fetched: bool,
}

/// Lets early fetches through, some at once and then one by one (a token bucket).
struct Gate {
    /// A fetch is running, or asked for.
    pending: bool,
    tokens: u32,
    refilled: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    early: u32,
    early_every: Duration,
    max_bytes: usize,
    refresh_every: Duration,
    timeout: Duration,
}

/// What became of the wish for an early fetch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// There were too many.
    Declined,
    /// One is running already; it may have begun before the key was there.
    Joined,
    Started,
}

struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl JwksSource {
    /// Starts the settings of a source of keys at `address`, an `https` URL, or an `http` one on this
    /// machine. For Cognito it is the issuer followed by `/.well-known/jwks.json`.
    pub fn builder(address: impl Into<String>) -> Builder {
        Builder {
            address: address.into(),
            allow_plain: false,
            settings: Settings {
                early: 3,
                early_every: Duration::from_secs(10),
                max_bytes: 256 * 1024,
                refresh_every: Duration::from_secs(300),
                timeout: Duration::from_secs(3),
            },
        }
    }

    /// The handle under which the newest keys are found.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.shared.keys
    }

    /// Waits until there are keys. Fetches go on until there are, so put a limit on it if there is
    /// one: `tokio::time::timeout`.
    pub async fn ready(&self) {
        let mut last = self.shared.last.subscribe();
        // The sender lives in `self`, so the only way out is success.
        let _ = last.wait_for(|last| last.fetched).await;
    }

    /// Whether keys were ever fetched: for a readiness probe.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.shared.last.borrow().fetched
    }

    /// Why the last fetch failed; `None` when it did not. The keys of the one before stay in use.
    #[must_use]
    pub fn last_error(&self) -> Option<Error> {
        self.shared.last.borrow().error.clone()
    }

    /// Wishes for an early fetch, and does not wait.
    pub(crate) fn hint(&self) {
        self.shared.ask();
    }

    /// Wishes for an early fetch and waits until it is done.
    pub(crate) async fn refetch(&self) -> Asked {
        let mut last = self.shared.last.subscribe();
        let asked = self.shared.ask();
        if asked != Asked::Declined {
            // The task always comes to an end within the timeout, unless its runtime is gone.
            let limit = self.shared.settings.timeout.saturating_add(Duration::from_secs(1));
            let _ = tokio::time::timeout(limit, last.changed()).await;
        }
        asked
    }
}

impl fmt::Debug for JwksSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksSource").field("address", &self.shared.fetcher).finish_non_exhaustive()
    }
}

impl Shared {
    async fn run(self: Arc<Self>) {
        let mut failures = 0_u32;
        loop {
            self.gate().pending = true;
            let fetched = self.fetch().await;
            failures = if fetched.is_ok() { 0 } else { failures.saturating_add(1) };
            self.finish(fetched);
            let regular = connect::jittered(self.settings.refresh_every);
            let pause =
                if failures == 0 { regular } else { connect::backoff(failures).min(regular) };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    async fn fetch(&self) -> Result<KeySet, Error> {
        let mut request = Request::new(Full::<Bytes>::default());
        let accept = HeaderValue::from_static("application/jwk-set+json, application/json");
        request.headers_mut().insert(ACCEPT, accept);
        let Settings { timeout, max_bytes, .. } = self.settings;
        let answer = self.fetcher.send(request, timeout, max_bytes).await?;
        if answer.status != StatusCode::OK {
            return Err(Error::Status(answer.status.as_u16()));
        }
        let text = std::str::from_utf8(&answer.body).map_err(|_| Error::NotAKeySet)?;
        let set = KeySet::from_jwks(text).map_err(|_| Error::NotAKeySet)?;
        if set.is_empty() { Err(Error::NoUsableKey) } else { Ok(set) }
    }

    fn finish(&self, fetched: Result<KeySet, Error>) {
        let error = match fetched {
            Ok(set) => {
                self.keys.replace(set);
                None
            }
            Err(error) => Some(error),
        };
        self.gate().pending = false;
        // After the keys: whoever is woken finds them.
        self.last.send_modify(|last| {
            last.fetched |= error.is_none();
            last.error = error;
        });
    }

    fn ask(&self) -> Asked {
        let mut gate = self.gate();
        if gate.pending {
            return Asked::Joined;
        }
        if !gate.take(&self.settings) {
            return Asked::Declined;
        }
        gate.pending = true;
        drop(gate);
        self.wake.notify_one();
        Asked::Started
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
    fn take(&mut self, settings: &Settings) -> bool {
        let every = settings.early_every;
        while self.tokens < settings.early && self.refilled.elapsed() >= every {
            self.tokens += 1;
            self.refilled += every;
        }
        if self.tokens == settings.early {
            // Full: time that passed so far fills nothing more.
            self.refilled = Instant::now();
        }
        let taken = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        taken
    }
}

impl From<fetch::Error> for Error {
    fn from(error: fetch::Error) -> Self {
        match error {
            fetch::Error::Timeout => Self::Timeout,
            fetch::Error::TooLarge => Self::TooLarge,
            fetch::Error::Transport(source) => Self::Transport(source),
        }
    }
}

/// Settings of a [`JwksSource`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    address: String,
    allow_plain: bool,
    settings: Settings,
}

impl Builder {
    /// Takes keys over plain `http` from another machine. Whoever is on the way can then sign tokens.
    pub fn dangerous_allow_plain_http(mut self) -> Self {
        self.allow_plain = true;
        self
    }

    /// Early fetches, when a token names an unknown key: this many at once, and one more after each
    /// `every`; 3 and 10 seconds unless told.
    pub fn early_fetches(mut self, at_once: u32, every: Duration) -> Self {
        self.settings.early = at_once;
        self.settings.early_every = every;
        self
    }

    /// Bytes of the largest answer that is read; 256 KiB unless told.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_bytes = bytes;
        self
    }

    /// How often the keys are fetched again, give or take a tenth; 5 minutes unless told. After a
    /// failure it is tried again after a second, then less and less often, but never less than this.
    pub fn refresh_every(mut self, pause: Duration) -> Self {
        self.settings.refresh_every = pause;
        self
    }

    /// How long one fetch may take, all in all; 3 seconds unless told.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// The source, with its first fetch under way.
    ///
    /// # Errors
    ///
    /// When the address or a setting is not usable, or when not on a tokio runtime.
    pub fn build(self) -> Result<JwksSource, BuildError> {
        let Self { address, allow_plain, settings } = self;
        let Settings { early: _, early_every, max_bytes, refresh_every, timeout } = settings;
        if max_bytes == 0 || [early_every, refresh_every, timeout].contains(&Duration::ZERO) {
            return Err(BuildError::Zero);
        }
        let fetcher = Fetcher::new(&address, allow_plain)?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        let gate = Gate { pending: true, tokens: settings.early, refilled: Instant::now() };
        let shared = Arc::new(Shared {
            fetcher,
            gate: Mutex::new(gate),
            keys: Keys::default(),
            last: watch::Sender::default(),
            settings,
            wake: Notify::new(),
        });
        let task = runtime.spawn(shared.clone().run()).abort_handle();
        Ok(JwksSource { shared, _task: Arc::new(Task(task)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_task_ends_with_the_last_handle() {
        let source = JwksSource::builder("http://127.0.0.1:9/").build().expect("a source");
        let (clone, shared) = (source.clone(), Arc::downgrade(&source.shared));
        drop(source);
        tokio::task::yield_now().await;
        assert!(shared.upgrade().is_some());
        drop(clone);
        // Hangs if it never ends.
        while shared.upgrade().is_some() {
            tokio::task::yield_now().await;
        }
    }
}
