//! Stands between the token endpoint and an authorization server that lives elsewhere, bills every token and
//! has one rate for all: keeps tokens, sealed, and gives them again while they are good and fresh; asks once
//! for all who want the same; keeps to budgets; and bridges outages.
//!
//! - [`key`]: what a kept token is for; [`seal`]: how it is kept; [`cache`]: where; [`claims`]: what is read
//!   from it.
//! - [`buy`]: asks for a new one. [`flights`]: once for all; [`turns`]: when it may; [`pauses`]: when it
//!   shall not; [`failure`]: what comes of it else.
//! - [`prove`]: has the authorization server check a secret that Turnpike does not know.
//! - [`sweep`]: drops what the log says is no longer good.
//!
//! Whether a token is given is decided by the client's record at each request, in [`crate::brokered`]:
//! nothing here makes a token good.

pub(crate) mod buy;
pub(crate) mod cache;
pub(crate) mod claims;
pub(crate) mod counts;
pub(crate) mod failure;
pub(crate) mod flights;
pub(crate) mod key;
pub(crate) mod pauses;
pub(crate) mod prove;
pub(crate) mod seal;
pub(crate) mod settings;
pub(crate) mod sweep;
pub(crate) mod turns;

use std::sync::Arc;
use std::time::Duration;

use turnpike_domain::authorization_server::{AccessToken, AuthorizationServer};
use turnpike_domain::id::ClientId;
use turnpike_domain::{Client, Error, Timestamp};
use turnpike_registry::{Policy, Registry};
use turnpike_rpc::metrics::Metrics;
use turnpike_rpc::oauth::{Buckets, Failures};

use crate::broker::buy::Outcome;
use crate::broker::cache::{Cache, Kept};
use crate::broker::claims::Claims;
use crate::broker::counts::Counts;
use crate::broker::failure::Failure;
use crate::broker::flights::Flights;
use crate::broker::key::{Key, Slot};
use crate::broker::pauses::Pauses;
use crate::broker::seal::Sealer;
use crate::broker::settings::BrokerSettings;
use crate::broker::turns::Turns;

/// The broker. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Broker(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) settings: BrokerSettings,
    pub(crate) server: Arc<dyn AuthorizationServer>,
    pub(crate) registry: Registry,
    pub(crate) policy: Arc<Policy>,
    sealer: Sealer,
    pub(crate) cache: Cache,
    renewals: Flights<Key, Outcome>,
    proofs: Flights<(ClientId, [u8; 32]), Result<(), Failure>>,
    turns: Turns,
    /// New tokens of each client.
    bought: Buckets,
    /// Secrets of adopted clients that are tried.
    guesses: Failures,
    pub(crate) pauses: Pauses,
    pub(crate) counts: Counts,
}

impl Broker {
    /// Stands before `server`. `policy` is what this process follows. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if its measurements are registered already.
    pub fn start(
        settings: BrokerSettings,
        server: Arc<dyn AuthorizationServer>,
        registry: Registry,
        policy: Arc<Policy>,
        metrics: &Metrics,
    ) -> Result<Self, Error> {
        let a_minute = Duration::from_secs(60);
        let inner = Arc::new(Inner {
            settings,
            server,
            sealer: Sealer::new(registry.entropy()),
            registry,
            policy,
            cache: Cache::new(settings.tokens_max, settings.bytes_max),
            renewals: Flights::new(),
            proofs: Flights::new(),
            turns: Turns::new(settings.interval, settings.burst, settings.patience),
            bought: Buckets::new(
                a_minute / settings.client_per_minute.get(),
                settings.client_burst.get(),
            ),
            guesses: Failures::costly(),
            pauses: Pauses::default(),
            counts: Counts::new(metrics)?,
        });
        tokio::spawn(sweep::run(Arc::downgrade(&inner)));
        Ok(Self(inner))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    /// Keeps a token for whoever shows the same secret for the same key.
    fn keep(
        &self,
        key: &Key,
        secret: &str,
        token: &AccessToken,
        claims: Claims,
    ) -> Result<Arc<Kept>, Error> {
        let sealed = self.sealer.seal(secret, &key.to_bytes(), token)?;
        let kept = Arc::new(Kept { sealed, claims });
        self.cache.keep(key, kept.clone(), self.registry.now().seconds());
        self.counts.keeps(&self.cache);
        Ok(kept)
    }

    /// The token that is kept.
    pub(crate) fn open(&self, key: &Key, secret: &str, kept: &Kept) -> Option<AccessToken> {
        self.sealer.open(secret, &key.to_bytes(), &kept.sealed)
    }
}

/// Whether a kept token is still good, as far as the client's record tells.
pub(crate) fn is_good(client: &Client, slot: &Slot, claims: &Claims, now: Timestamp) -> bool {
    client.enabled
        && client.secrets.list().iter().any(|secret| secret.secret_id == slot.secret_id)
        && claims.left(now.seconds()) > 0
        && claims.issued_at >= client.earliest_issue(&slot.scopes)
        && slot.scopes.iter().all(|scope| client.holds(scope.as_str(), now))
}
