//! Who shows a secret: compared in memory, for what is asked thousands of times a second.

use std::net::IpAddr;
use std::sync::Arc;

use turnpike_domain::secret::SecretHash;
use turnpike_domain::{Actor, Error, Timestamp};
use turnpike_registry::Policy;

use crate::oauth::secret_uses::{SecretOwner, SecretUses};
use crate::oauth::throttle::{Failures, TooManyFailures};

/// Finds resource servers and clients by id and secret, in the policy that this process follows.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct SecretHolders {
    policy: Arc<Policy>,
    uses: SecretUses,
    failures: Arc<Failures>,
}

impl SecretHolders {
    /// Answers from `policy`, which whoever made it keeps up to date.
    pub fn new(policy: Arc<Policy>, uses: SecretUses) -> Self {
        Self { policy, uses, failures: Arc::default() }
    }

    /// Counts an attempt to find one with a wrong id or secret: whichever way it was made, guesses have one count.
    /// Only then: the right secret always gets in, or guesses of others would lock an API out.
    ///
    /// # Errors
    ///
    /// [`TooManyFailures`].
    pub fn failed(
        &self,
        id: &str,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), TooManyFailures> {
        self.failures.refuse(id, peer, now)
    }

    /// The resource server with that identifier, or the client with that id, if `secret` is one of
    /// its secrets and, for a client, if it is enabled. An identifier and a client's id may be
    /// equal: the secret tells which is meant.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the policy has not followed the log for too long: a secret that it knows may have
    /// been removed, and one that it does not know may have been added.
    pub fn find(&self, id: &str, secret: &str, now: Timestamp) -> Result<Option<Actor>, Error> {
        if self.policy.is_stale() {
            return Err(stale_policy());
        }
        Ok(self.holder(id, secret, now))
    }

    fn holder(&self, id: &str, secret: &str, now: Timestamp) -> Option<Actor> {
        let server = self.policy.resource_server(id);
        if let Some(server) = &server
            && let Some(entry) = server.secrets.find(secret)
        {
            let owner = || SecretOwner::ResourceServer(server.identifier.clone());
            self.uses.note(owner, &entry.secret_id, now);
            return Some(Actor::ResourceServer(server.identifier.clone()));
        }
        let client = self.policy.client(id);
        if server.is_none() && client.is_none() {
            compare_with_nothing(secret);
        }
        let client = client?;
        let entry = client.secrets.find(secret)?;
        self.uses.note(|| SecretOwner::Client(client.client_id.clone()), &entry.secret_id, now);
        client.enabled.then(|| Actor::Client(client.client_id.clone()))
    }
}

/// Why nothing is decided that the policy decides.
fn stale_policy() -> Error {
    Error::Unavailable("the policy has not followed the log for too long".into())
}

/// Does the work of a comparison that fails, so that time does not tell an unknown id from a wrong
/// secret.
pub fn compare_with_nothing(secret: &str) {
    std::hint::black_box(SecretHash::from_bytes([0; 32]).matches(secret));
}
