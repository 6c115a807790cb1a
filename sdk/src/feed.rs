//! Follows the policy of a resource server: who may still do what, as it changes (feature `feed`).
//!
//! One stream to Turnpike brings the issuer, its keys, and everything that has happened to clients that
//! hold scopes of the resource server. A verifier that follows it decides by itself, in a microsecond, and
//! refuses a token a moment after somebody presses "revoke".
//!
//! What is known gets old when the stream breaks. The feed asks for a sign of life all the time, and counts
//! the age of its knowledge from the moment at which it *asked* for the last answer that came: however long
//! that was on its way, nothing that happened before is missing. After
//! [`stale_after`](Builder::stale_after) the verifier refuses every request, with 503, but for those whose
//! [`Require`](crate::Require) [accepts a stale policy](crate::Require::even_if_stale).

mod age;
mod connection;
mod following;
mod known;
mod transport;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::basic;
pub use crate::connect::AddressError;
use crate::feed::connection::Connection;
use crate::feed::following::Following;
use crate::feed::transport::Transport;
use crate::keys::Keys;
use crate::verifier::{Issuer, Verifier};

/// The longest time after which a policy may count as stale.
const STALE_AFTER_MAX: Duration = Duration::from_secs(3600);
/// The shortest: answers must have time to come.
const STALE_AFTER_MIN: Duration = Duration::from_millis(500);

/// What a resource server's verifiers know of its clients. Clones share one stream, which ends with the last
/// of them and of the verifiers made of them.
#[derive(Clone)]
pub struct Feed {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    following: Arc<Following>,
    issuer: Issuer,
    keys: Keys,
    last: watch::Receiver<Last>,
    task: AbortHandle,
}

/// How the stream stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Last {
    /// Whether it is up.
    connected: bool,
    /// Why it broke last, or did not come up; `None` once it is up again.
    error: Option<Error>,
    /// The event up to which everything is known.
    sequence: Option<u64>,
}

/// Where a feed stands: for logs, metrics and readiness probes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// How old its knowledge is at most; `None` if it knows nothing yet.
    pub age: Option<Duration>,
    /// Whether the stream is up.
    pub connected: bool,
    /// Why it broke last, or did not come up; `None` while it is up.
    pub error: Option<Error>,
    /// The event of Turnpike's log up to which it knows everything; `None` if it knows nothing yet.
    pub sequence: Option<u64>,
    /// Whether its knowledge is too old to decide by.
    pub stale: bool,
}

/// Why there is no stream.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Turnpike ended it, or did not let it begin. With a status of gRPC and what it said.
    #[error("turnpike ended the policy feed with {code}: {message}")]
    Ended {
        /// The name of the status, such as `UNAVAILABLE`.
        code: &'static str,
        /// What the server said.
        message: String,
    },
    /// The identifier or the secret is not accepted, or is no longer.
    #[error("turnpike does not accept the identifier or the secret: {message}")]
    NotAccepted {
        /// What the server said.
        message: String,
    },
    /// What came is not understood, such as a key set that is none.
    #[error("the policy feed is not understood: {0}")]
    NotUnderstood(&'static str),
    /// The tokens would be of another issuer than before. A process does not change its mind about whom it
    /// trusts: start it again.
    #[error("turnpike now has another issuer than when this process started")]
    OtherIssuer,
    /// No sign of life in time.
    #[error("no answer of turnpike in time")]
    Timeout,
    /// No connection, or it broke.
    #[error("turnpike cannot be reached")]
    Transport(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// The settings do not make a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The address.
    #[error("the address of turnpike: {0}")]
    Address(#[from] AddressError),
    /// The identifier or the secret is empty, or cannot be sent.
    #[error("the identifier or the secret is empty")]
    NoCredentials,
    /// There is no tokio runtime to run on.
    #[error("not called on a tokio runtime")]
    NoRuntime,
    /// Less than half a second, or more than an hour.
    #[error("the time after which the policy is stale is not within 0.5 and 3600 seconds")]
    StaleAfter,
}

/// Settings of a [`Feed`].
#[must_use]
pub struct Builder {
    address: String,
    allow_plain: bool,
    identifier: String,
    name: String,
    secret: String,
    stale_after: Duration,
}

impl Feed {
    /// Starts the settings of a feed from Turnpike at `address` (an `https` URL without a path, or an `http`
    /// one on this machine), as the resource server `identifier` with one of its own secrets.
    pub fn builder(
        address: impl Into<String>,
        identifier: impl Into<String>,
        secret: impl Into<String>,
    ) -> Builder {
        Builder {
            address: address.into(),
            allow_plain: false,
            identifier: identifier.into(),
            name: host_name(),
            secret: secret.into(),
            stale_after: Duration::from_secs(10),
        }
    }

    /// Starts the settings of a verifier that decides by this feed: issuer, keys and policy come from it.
    pub fn verifier(&self) -> crate::Builder {
        Verifier::builder_of(self.shared.issuer.clone())
            .keys(self.shared.keys.clone())
            .policy(Arc::new(self.clone()))
    }

    /// Waits until it knows everything, which takes one round trip. A service may wait for it before it says
    /// that it is ready; until then a verifier refuses with 503.
    pub async fn ready(&self) {
        // An error means that the task is gone, and with it every hope.
        let mut last = self.shared.last.clone();
        if last.wait_for(|last| last.sequence.is_some()).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        let Last { connected, error, sequence } = self.shared.last.borrow().clone();
        let age = self.shared.following.age();
        Status { age, connected, error, sequence, stale: self.shared.following.is_stale() }
    }
}

impl crate::Policy for Feed {
    fn epoch(&self, _now: i64) -> u64 {
        self.shared.following.epoch()
    }

    fn is_stale(&self, _now: i64) -> bool {
        self.shared.following.is_stale()
    }

    fn admits(&self, token: &crate::TokenFacts<'_>) -> Result<(), crate::PolicyRefusal> {
        self.shared.following.admits(token)
    }

    fn grants(&self, token: &crate::TokenFacts<'_>, scope: &str) -> crate::GrantState {
        self.shared.following.grants(token, scope)
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Builder {
    /// Lets secret and policy travel unprotected to another machine: for a mesh that protects them.
    pub const fn allow_plain_http(mut self) -> Self {
        self.allow_plain = true;
        self
    }

    /// What this process is called in Turnpike's list of verifiers; the host's name unless told.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How old the policy may be before the verifier refuses by it; 10 seconds unless told, half a second at
    /// least and an hour at most. No token is accepted for longer than this after its revocation was answered.
    pub const fn stale_after(mut self, stale_after: Duration) -> Self {
        self.stale_after = stale_after;
        self
    }

    /// Starts to follow, on the tokio runtime that this is called on.
    ///
    /// # Errors
    ///
    /// When a setting is missing or out of bounds. That Turnpike does not answer is none: it is asked again.
    pub fn start(self) -> Result<Feed, BuildError> {
        let Self { address, allow_plain, identifier, name, secret, stale_after } = self;
        if identifier.is_empty() || secret.is_empty() {
            return Err(BuildError::NoCredentials);
        }
        if !(STALE_AFTER_MIN..=STALE_AFTER_MAX).contains(&stale_after) {
            return Err(BuildError::StaleAfter);
        }
        let transport = Transport::new(&address, allow_plain)?;
        let credentials = basic::header(&identifier, &secret).ok_or(BuildError::NoCredentials)?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        let following = Arc::new(Following::new(stale_after));
        let (issuer, keys) = (Issuer::default(), Keys::default());
        let (tell, last) = watch::channel(Last::default());
        let connection = Connection {
            credentials,
            following: following.clone(),
            issuer: issuer.clone(),
            keys: keys.clone(),
            name: name.chars().filter(|c| !c.is_control()).take(128).collect(),
            stale_after,
            tell,
            transport,
        };
        let task = runtime.spawn(connection.run()).abort_handle();
        Ok(Feed { shared: Arc::new(Shared { following, issuer, keys, last, task }) })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What the machine, or the container, is called where that stands in a file.
fn host_name() -> String {
    let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { format!("process {}", std::process::id()) } else { name.to_owned() }
}
