//! The authorization server that is an Amazon Cognito user pool.
//!
//! [`Cognito`] keeps the pool ([`Pool`]) and gets tokens and keys from it ([`AuthorizationServer`]). It
//! tells every object whole, since an update there resets whatever is not sent; keeps to the rates of
//! the API by itself; repeats what may be repeated, and nothing else; and checks by itself what the API
//! would refuse, since emulators refuse nothing.
//!
//! [`AuthorizationServer`]: turnpike_domain::authorization_server::AuthorizationServer
//! [`Pool`]: turnpike_domain::authorization_server::pool::Pool

mod budget;
mod call;
mod clients;
mod connect;
mod fetch;
mod issue;
mod keys;
mod operation;
mod own_secrets;
mod pool;
mod render;
mod resource_servers;
mod rules;
mod secrets;
mod settings;
mod token;

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_credential_types::Credentials;
use aws_sdk_cognitoidentityprovider::Client as SdkClient;
use aws_sdk_cognitoidentityprovider::config::http::HttpResponse;
use aws_sdk_cognitoidentityprovider::error::{ProvideErrorMetadata, SdkError};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout_at};
use turnpike_domain::authorization_server::pool::Error;
use turnpike_domain::id::ClientId;
use turnpike_domain::ports::Entropy;

use crate::budget::{Budget, Priority};
use crate::call::{Caller, Failure};
use crate::issue::TokenTurns;
use crate::keys::KeySet;
use crate::operation::Operation;
use crate::own_secrets::OwnSecrets;
use crate::token::TokenEndpoint;

pub use crate::settings::{OpenError, Rates, SecretsFrom, Settings, Timeouts};

/// Writers of one client take turns; this many clients at once need not.
const WRITERS: usize = 64;

/// A user pool. Clones are the same one.
#[derive(Clone)]
pub struct Cognito {
    inner: Arc<Inner>,
    priority: Priority,
}

struct Inner {
    settings: Settings,
    sdk: SdkClient,
    budget: Budget,
    entropy: Arc<dyn Entropy>,
    keys: KeySet,
    tokens: TokenEndpoint,
    token_turns: TokenTurns,
    own_secrets: OwnSecrets,
    /// The pool answered once. If it is deleted later, what was in it is gone, which is an answer too.
    pool_seen: AtomicBool,
    writers: [Mutex<()>; WRITERS],
}

impl Cognito {
    /// With the credentials that the SDK finds by itself: environment, profile, container, instance.
    /// Asks nothing of the pool yet.
    ///
    /// # Errors
    ///
    /// A setting is not usable, or the environment names an endpoint that the settings do not.
    pub async fn open(settings: Settings, entropy: Arc<dyn Entropy>) -> Result<Self, OpenError> {
        settings.check()?;
        let sdk = connect::connect(&settings).await?;
        Self::with_client(settings, entropy, sdk)
    }

    /// With these credentials; the environment is not looked at.
    ///
    /// # Errors
    ///
    /// A setting is not usable.
    pub fn open_as(
        settings: Settings,
        entropy: Arc<dyn Entropy>,
        credentials: Credentials,
    ) -> Result<Self, OpenError> {
        settings.check()?;
        let sdk = connect::connect_as(&settings, credentials);
        Self::with_client(settings, entropy, sdk)
    }

    /// The same pool, for work that nobody waits for, such as a walk over all of it: it has a share of
    /// the rates, and takes its turns where nobody else wants one.
    #[must_use]
    pub fn in_background(&self) -> Self {
        Self { inner: self.inner.clone(), priority: Priority::Background }
    }

    fn with_client(
        settings: Settings,
        entropy: Arc<dyn Entropy>,
        sdk: SdkClient,
    ) -> Result<Self, OpenError> {
        let inner = Inner {
            budget: Budget::new(&settings.rates),
            keys: KeySet::new(&settings)?,
            tokens: TokenEndpoint::new(&settings)?,
            token_turns: TokenTurns::new(settings.rates.tokens),
            own_secrets: OwnSecrets::default(),
            pool_seen: AtomicBool::new(false),
            writers: std::array::from_fn(|_| Mutex::new(())),
            settings,
            sdk,
            entropy,
        };
        Ok(Self { inner: Arc::new(inner), priority: Priority::Interactive })
    }

    pub(crate) fn sdk(&self) -> &SdkClient {
        &self.inner.sdk
    }

    pub(crate) fn pool_id(&self) -> &str {
        &self.inner.settings.user_pool_id
    }

    /// When a call that begins now has to be done.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.inner.settings.timeouts.operation
    }

    pub(crate) async fn call<T, E, F>(
        &self,
        operation: Operation,
        until: Instant,
        attempt: impl Fn() -> F + Send,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    {
        let caller = Caller {
            budget: &self.inner.budget,
            entropy: &*self.inner.entropy,
            priority: self.priority,
            until,
        };
        let answer = caller.call(operation, attempt).await;
        if answer.is_ok() {
            self.inner.pool_seen.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// What it means that an object was not found: that the pool is there without it, or an error. A
    /// wrong id of the pool must not make everything look deleted.
    pub(crate) async fn check_pool(&self, until: Instant) -> Result<(), Error> {
        if self.inner.pool_seen.load(Ordering::Relaxed) {
            return Ok(());
        }
        let asked = self.call(Operation::ListUserPoolClients, until, || {
            let request = self.sdk().list_user_pool_clients();
            request.user_pool_id(self.pool_id()).max_results(1).send()
        });
        match asked.await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_not_found() => Err(self.no_pool()),
            Err(failure) => Err(failure.into_error()),
        }
    }

    pub(crate) fn no_pool(&self) -> Error {
        let Settings { user_pool_id, region, .. } = &self.inner.settings;
        Error::Refused(format!("there is no user pool `{user_pool_id}` in `{region}`"))
    }

    /// Keeps other writers of this process from the client: two at once are an error there.
    pub(crate) async fn writing(
        &self,
        id: &ClientId,
        until: Instant,
    ) -> Result<MutexGuard<'_, ()>, Error> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        // Fits: it is less than `WRITERS`.
        let at = usize::try_from(hasher.finish() % WRITERS as u64).unwrap_or(0);
        let writers = timeout_at(until, self.inner.writers[at].lock()).await;
        writers.map_err(|_| Error::Busy { retry_after_ms: 1000 })
    }
}

impl fmt::Debug for Cognito {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cognito")
            .field("settings", &self.inner.settings)
            .field("priority", &self.priority)
            .finish_non_exhaustive()
    }
}
