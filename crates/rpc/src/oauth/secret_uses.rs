//! Notes which secrets are in use, beside the calls that use them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use turnpike_domain::id::{ClientId, SecretId};
use turnpike_domain::{Identifier, Timestamp};
use turnpike_registry::Registry;

/// A use is noted at most once in this time for each secret.
const PAUSE_MILLIS: i64 = 60_000;
/// Uses that may wait to be written. More are left out: the next minute brings another.
const WAITING_MAX: usize = 256;
/// Secrets that are remembered at a time.
const SECRETS_MAX: usize = 10_000;

/// Hands uses to the task that writes them down. Cheap to clone; the task ends with the last clone.
#[derive(Clone)]
pub struct SecretUses(Arc<Inner>);

struct Inner {
    /// When the use of a secret was last handed on, in milliseconds since the epoch.
    noted: Mutex<HashMap<SecretId, i64>>,
    queue: mpsc::Sender<Use>,
}

/// Whose secret it is.
#[derive(Clone, Debug)]
pub enum SecretOwner {
    /// A client.
    Client(ClientId),
    /// A resource server.
    ResourceServer(Identifier),
}

struct Use {
    owner: SecretOwner,
    secret: SecretId,
    time: Timestamp,
}

impl SecretUses {
    /// Starts the task that writes to `registry`. Needs a tokio runtime.
    pub fn start(registry: Registry) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(write(registry, waiting));
        Self(Arc::new(Inner { noted: Mutex::default(), queue }))
    }

    /// Notes a use, soon and if it was not noted lately. Never waits.
    pub fn note(&self, owner: impl FnOnce() -> SecretOwner, secret: &SecretId, time: Timestamp) {
        if self.is_due(secret, time.millis()) {
            // A queue that is full or closed loses a note, and nothing else.
            let _ = self.0.queue.try_send(Use { owner: owner(), secret: secret.clone(), time });
        }
    }

    fn is_due(&self, secret: &SecretId, now: i64) -> bool {
        let mut noted = self.0.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |time: i64| (now - time).abs() < PAUSE_MILLIS;
        if noted.get(secret).is_some_and(|time| recent(*time)) {
            return false;
        }
        if noted.len() >= SECRETS_MAX {
            noted.retain(|_, time| recent(*time));
            if noted.len() >= SECRETS_MAX {
                return false;
            }
        }
        noted.insert(secret.clone(), now);
        true
    }
}

impl fmt::Debug for SecretUses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretUses(..)")
    }
}

async fn write(registry: Registry, mut waiting: mpsc::Receiver<Use>) {
    while let Some(Use { owner, secret, time }) = waiting.recv().await {
        let written = match &owner {
            SecretOwner::Client(id) => registry.note_client_secret_use(id, &secret, time).await,
            SecretOwner::ResourceServer(id) => {
                registry.note_resource_server_secret_use(id, &secret, time).await
            }
        };
        if let Err(error) = written {
            tracing::warn!(error = crate::status::causes(&error), "secret_use.not_noted");
        }
    }
}
