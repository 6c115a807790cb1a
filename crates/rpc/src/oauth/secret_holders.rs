//! Who shows a secret: compared in memory, for what is asked thousands of times a second.

use std::sync::Arc;

use turnpike_domain::secret::SecretHash;
use turnpike_domain::{Actor, Error, Timestamp};
use turnpike_registry::Policy;

use crate::oauth::secret_uses::{SecretOwner, SecretUses};

/// Finds resource servers and clients by id and secret, in the policy that this process follows.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct SecretHolders {
    policy: Arc<Policy>,
    uses: SecretUses,
}

impl SecretHolders {
    /// Answers from `policy`, which whoever made it keeps up to date.
    pub const fn new(policy: Arc<Policy>, uses: SecretUses) -> Self {
        Self { policy, uses }
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
        let client = self.policy.client(id);
        if server.is_none() && client.is_none() {
            compare_with_nothing(secret);
        }
        if let Some(server) = &server
            && let Some(entry) = server.secrets.find(secret)
        {
            let owner = || SecretOwner::ResourceServer(server.identifier.clone());
            self.uses.note(owner, &entry.secret_id, now);
            return Some(Actor::ResourceServer(server.identifier.clone()));
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
