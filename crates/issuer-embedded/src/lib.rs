//! The authorization server that runs inside the process.
//!
//! Its tokens have Cognito's shape, so that every verifier of Cognito's tokens accepts them. Its
//! keys are kept in the registry's store, shared by all processes over it, and change by
//! themselves: see [`EmbeddedIssuer::rotate_if_due`].

mod key_ring;
mod settings;
mod signing_key;
mod token;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::{Mutex, OnceCell, watch};
use turnpike_domain::actor::Actor;
use turnpike_domain::authorization_server::{
    AuthorizationServer, IssuedToken, PublishedKeys, TokenRequest,
};
use turnpike_domain::authz::{Action, Permit, Resource, decide};
use turnpike_domain::{Error, Timestamp};
use turnpike_registry::{Attempt, Change, Origin, Registry, Versioned};

use crate::key_ring::{Due, KeyRing};
use crate::signing_key::{Made, SigningKey};
use crate::token::Signer;

pub use crate::settings::{Algorithm, Settings};

/// The record of the registry that keeps the keys.
const RECORD: &str = "signing-keys";

/// How long the keys are used without a look at the store. Far below the hour that a key is
/// published before it signs, so no process signs or publishes without knowing of a change.
const FRESH_MILLIS: i64 = 5 * 60 * 1000;

/// How long they are used while the store does not answer. Half of that hour.
const STALE_MILLIS: i64 = 30 * 60 * 1000;

/// The authorization server that runs inside the process.
pub struct EmbeddedIssuer {
    settings: Settings,
    registry: Registry,
    state: RwLock<Arc<State>>,
    published: watch::Sender<Arc<str>>,
    /// Held by the one that looks at the store.
    looking: Mutex<()>,
}

/// The keys as they were last read, parsed.
struct State {
    ring: KeyRing,
    version: u64,
    /// One for each key of the ring; `None` for those that sign no more.
    signers: Vec<Option<Arc<Signer>>>,
    jwks: Arc<str>,
    read_time: Timestamp,
}

impl EmbeddedIssuer {
    /// Reads the keys of this installation, and makes the first one if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] or [`Error::Internal`] if they cannot be read or written.
    pub async fn open(settings: Settings, registry: Registry) -> Result<Self, Error> {
        let (ring, version) = change_what_is_due(&settings, &registry).await?;
        let state = State::new(ring, version, registry.now(), None)?;
        let (published, _) = watch::channel(state.jwks.clone());
        let (state, looking) = (RwLock::new(Arc::new(state)), Mutex::new(()));
        Ok(Self { settings, registry, state, published, looking })
    }

    /// Publishes, changes over to, and forgets keys as their time comes, and reads what other
    /// processes did. To be called every few minutes by each process that issues or publishes; any
    /// number of processes may call it at once. Says whether anything changed.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`]; the keys that were known stay in use.
    pub async fn rotate_if_due(&self) -> Result<bool, Error> {
        let _looking = self.looking.lock().await;
        self.look().await
    }

    /// The published JWK set; changes when it does. For verifiers in the same process.
    pub fn keys_changed(&self) -> watch::Receiver<Arc<str>> {
        self.published.subscribe()
    }

    async fn look(&self) -> Result<bool, Error> {
        let (ring, version) = change_what_is_due(&self.settings, &self.registry).await?;
        let known = self.state();
        let state = State::new(ring, version, self.registry.now(), Some(&known))?;
        let changed = state.version != known.version;
        let jwks = state.jwks.clone();
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
        self.published.send_if_modified(|published| {
            let differs = *published != jwks;
            if differs {
                *published = jwks;
            }
            differs
        });
        Ok(changed)
    }

    fn state(&self) -> Arc<State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys, read a short while ago; or somewhat longer ago, if the store does not answer or
    /// another call is asking it.
    async fn fresh_state(&self, now: Timestamp) -> Result<Arc<State>, Error> {
        let state = self.state();
        if state.age_millis(now) < FRESH_MILLIS {
            return Ok(state);
        }
        let usable = state.age_millis(now) < STALE_MILLIS;
        let _looking = match self.looking.try_lock() {
            Ok(looking) => looking,
            Err(_) if usable => return Ok(state),
            Err(_) => self.looking.lock().await,
        };
        if self.state().age_millis(now) < FRESH_MILLIS {
            return Ok(self.state());
        }
        match self.look().await {
            Err(error) if usable && error.is_retryable() => {
                tracing::warn!(error = %error, "signing_keys.not_read");
                Ok(state)
            }
            Err(error) => Err(error),
            Ok(_) => Ok(self.state()),
        }
    }
}

#[async_trait]
impl AuthorizationServer for EmbeddedIssuer {
    fn issuer(&self) -> &str {
        self.settings.issuer.as_str()
    }

    async fn issue(&self, request: &TokenRequest<'_>) -> Result<IssuedToken, Error> {
        let TokenRequest { client, scopes, secret: _, now } = *request;
        let state = self.fresh_state(now).await?;
        let signer = state.signer(now)?;
        signer.issue(self.issuer(), client, scopes, now, self.registry.entropy())
    }

    async fn keys(&self) -> Result<PublishedKeys, Error> {
        let now = self.registry.now();
        let state = self.fresh_state(now).await?;
        Ok(PublishedKeys { jwks: state.jwks.clone(), algorithms: state.algorithms(now)? })
    }
}

impl fmt::Debug for EmbeddedIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedIssuer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl State {
    /// Parses the keys that `known` has not parsed already.
    fn new(
        mut ring: KeyRing,
        version: u64,
        read_time: Timestamp,
        known: Option<&Self>,
    ) -> Result<Self, Error> {
        let parsed = |key_id: &str| {
            let known = known?;
            let at = known.ring.keys().iter().position(|key| key.key_id == key_id)?;
            known.signers.get(at)?.clone()
        };
        let mut signers = Vec::with_capacity(ring.keys().len());
        for key in ring.keys() {
            let Some(pkcs8) = &key.pkcs8 else {
                signers.push(None);
                continue;
            };
            let signer = match parsed(&key.key_id) {
                Some(signer) => signer,
                None => {
                    let algorithm = key.algorithm()?;
                    let parsed = SigningKey::parse(algorithm, pkcs8)?;
                    Arc::new(Signer::new(&key.key_id, algorithm, parsed)?)
                }
            };
            signers.push(Some(signer));
        }
        // They are parsed now, and the store has them.
        ring.forget_private_halves();
        let jwks: Vec<&str> = ring.keys().iter().map(|key| key.jwk.as_str()).collect();
        let jwks = format!(r#"{{"keys":[{}]}}"#, jwks.join(",")).into();
        Ok(Self { ring, version, signers, jwks, read_time })
    }

    /// Since it was read; a clock that was set back counts as much as one that went on.
    const fn age_millis(&self, now: Timestamp) -> i64 {
        (now.millis() - self.read_time.millis()).abs()
    }

    fn signer(&self, now: Timestamp) -> Result<&Signer, Error> {
        let signer = self.signers.get(self.ring.signs_at(now)).and_then(Option::as_deref);
        signer.ok_or_else(|| Error::internal("the key that signs now has no private half"))
    }

    fn algorithms(&self, now: Timestamp) -> Result<Vec<&'static str>, Error> {
        let signs = self.ring.keys().iter().skip(self.ring.signs_at(now)).take(1);
        let mut names = Vec::new();
        for key in signs.chain(self.ring.keys()) {
            let name = key.algorithm()?.name();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }
}

/// Brings the kept keys up to date: all that is due, in one change.
async fn change_what_is_due(
    settings: &Settings,
    registry: &Registry,
) -> Result<(KeyRing, u64), Error> {
    // Made once, however often the change is decided anew.
    let made = OnceCell::new();
    registry
        .transact(|| async {
            let kept = registry.own_record(RECORD).await?;
            let version = kept.as_ref().map_or(0, |kept| kept.version);
            let mut ring = match &kept {
                Some(kept) => KeyRing::decode(&kept.value)?,
                None => KeyRing::default(),
            };
            let now = registry.now();
            let mut change = None;
            while let Some(due) = ring.due(settings, now) {
                if matches!(due, Due::Publish(_)) {
                    made.get_or_try_init(|| make(settings.algorithm)).await?;
                }
                let change = match &mut change {
                    Some(change) => change,
                    none => none.insert(Change::new(&permit()?, &origin(now))),
                };
                ring.apply(due, made.get(), now)?.into_iter().for_each(|e| change.event(e));
            }
            let Some(mut change) = change else { return Ok(Attempt::Nothing((ring, version))) };
            change.put_own_record(RECORD, Versioned { value: ring.encode()?, version });
            Ok(Attempt::Change(Box::new(change), (ring, version + 1)))
        })
        .await
}

fn permit() -> Result<Permit, Error> {
    decide(&Actor::System, Action::RotateKeys, &Resource::Whole)
        .map_err(|_| Error::internal("the system may not change its keys"))
}

fn origin(now: Timestamp) -> Origin {
    Origin { request_id: format!("rotate-keys-{}", now.millis()), method: String::new() }
}

async fn make(algorithm: Algorithm) -> Result<Made, Error> {
    tokio::task::spawn_blocking(move || Made::generate(algorithm)).await.map_err(Error::internal)?
}
