//! A strict fake of Amazon Cognito's user pools, as far as machines use them: app clients and their
//! secrets, resource servers, the token endpoint, keys.
//!
//! It refuses whatever the real service refuses, in its words: patterns, lengths and quotas of every
//! field, flows that do not go together, scopes that do not exist, the last secret, two changes at once,
//! too many requests. It does what surprises: an update resets each member that it does not send, a
//! removed scope is left out of tokens in silence and lives again when it is made anew, a chosen secret
//! is never answered back. What is known of the real service comes from its model (2016-04-18) and
//! developer guide; where both are silent, the fake does what is worse for a caller.
//!
//! It shares no code with what it tests. It speaks HTTP, in a test's process
//! ([`FakeCognito::start`]) or in one of its own (`fake-cognito`).

mod admin;
mod client_settings;
mod clients;
mod error;
mod faults;
mod input;
mod keys;
mod operations;
mod page;
mod pattern;
mod pools;
mod rates;
mod reply;
mod resource_servers;
mod secrets;
mod server;
mod settings;
mod token;
mod world;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::input::Input;
use crate::server::Shared;
use crate::world::{Pool, World};

pub use crate::error::ApiError;
pub use crate::faults::{Call, Fault, FaultKind};
pub use crate::settings::{Quotas, Rates, Settings};

/// A fake that serves, until it is dropped.
#[derive(Debug)]
pub struct FakeCognito {
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl FakeCognito {
    /// Listens and serves. The pool of the settings is there, with a domain and nothing else in it.
    ///
    /// # Errors
    ///
    /// The address is not to be had.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(settings.listen).await?;
        let address = listener.local_addr()?;
        let mut pool = Pool::new("fake", settings.clock.now());
        pool.domain = Some("fake".to_owned());
        let world = World {
            pools: BTreeMap::from([(settings.pool_id.clone(), pool)]),
            quotas: settings.quotas,
            clock: settings.clock.clone(),
        };
        let shared = Arc::new(Shared::new(settings, address, world));
        let serving = tokio::spawn(server::serve(shared.clone(), listener));
        Ok(Self { shared, serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Where the API is: what an SDK's `endpoint_url` has to be.
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// The pool that is there from the start.
    pub fn pool_id(&self) -> &str {
        &self.shared.settings.pool_id
    }

    /// Its region.
    pub fn region(&self) -> &str {
        self.pool_id().split('_').next().unwrap_or_default()
    }

    /// The `iss` of its tokens.
    pub fn issuer(&self) -> String {
        self.shared.issuer(self.pool_id())
    }

    /// Where its keys are.
    pub fn jwks_uri(&self) -> String {
        format!("http://{}/{}/.well-known/jwks.json", self.shared.address, self.pool_id())
    }

    /// Where tokens are.
    pub fn token_endpoint(&self) -> String {
        format!("http://{}/oauth2/token", self.shared.address)
    }

    /// Does what nobody else sees: an operation that is in no log, counts against no rate and meets no
    /// fault, such as a change behind Turnpike's back, or a look at what is there.
    ///
    /// # Errors
    ///
    /// What the operation answers.
    pub fn call(&self, operation: &str, input: Value) -> Result<Value, ApiError> {
        let operation = operations::find(operation)
            .ok_or_else(|| ApiError::new("UnknownOperationException", operation))?;
        (operation.run)(&mut self.shared.world(), Input::new(input)?)
    }

    /// Something shall go wrong. Faults of one operation hit in the order they were given.
    pub fn inject(&self, fault: Fault) {
        self.shared.journal().inject(fault);
    }

    /// Nothing shall go wrong any more.
    pub fn clear_faults(&self) {
        self.shared.journal().clear_faults();
    }

    /// What was asked over HTTP, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.journal().calls()
    }

    /// Begins the log anew.
    pub fn forget_calls(&self) {
        self.shared.journal().forget_calls();
    }

    /// How often it may be asked from now on.
    pub fn set_rates(&self, rates: Option<Rates>) {
        self.shared.meter().set(rates);
    }

    /// What pools may hold from now on.
    pub fn set_quotas(&self, quotas: Quotas) {
        self.shared.world().quotas = quotas;
    }

    /// Changes the keys of the pool; the old ones are still published.
    ///
    /// # Errors
    ///
    /// The machine has no randomness.
    pub fn rotate_keys(&self) -> Result<(), ApiError> {
        self.shared.rotate_keys(self.pool_id())
    }
}

impl Drop for FakeCognito {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
