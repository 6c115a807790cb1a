//! Which verifiers follow which resource server: those that this replica serves, told to the others now and then.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use turnpike_domain::{Identifier, Timestamp};
use turnpike_proto::v1 as pb;
use turnpike_registry::Registry;
use turnpike_registry::verifiers::{FollowingVerifier, FollowingVerifiers, NOTE_LIFE, NOTED_MAX};
use turnpike_rpc::status;

/// How often the others are told what has changed.
const NOTE_PAUSE: Duration = Duration::from_secs(3);

/// The verifiers that are connected to this process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connected(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    of: HashMap<Identifier, BTreeMap<u64, FollowingVerifier>>,
}

/// A verifier that is connected for as long as this lives.
#[derive(Debug)]
pub(crate) struct Joined {
    connected: Connected,
    identifier: Identifier,
    number: u64,
}

impl Connected {
    pub(crate) fn join(
        &self,
        identifier: &Identifier,
        hello: pb::VerifierHello,
        now: Timestamp,
    ) -> Joined {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        let pb::VerifierHello { verifier: name, software, resume: _ } = hello;
        let verifier = FollowingVerifier { name, software, since: now.millis(), applied: 0 };
        state.of.entry(identifier.clone()).or_default().insert(number, verifier);
        Joined { connected: self.clone(), identifier: identifier.clone(), number }
    }

    /// Those of a resource server.
    pub(crate) fn of(&self, identifier: &Identifier) -> FollowingVerifiers {
        self.lock().of.get(identifier).map(told).unwrap_or_default()
    }

    /// Tells the other replicas, by the registry, for as long as the process lives.
    pub(crate) async fn keep_noting(&self, registry: &Registry, replica: &str) {
        let mut noted: HashMap<Identifier, (FollowingVerifiers, Instant)> = HashMap::new();
        loop {
            tokio::time::sleep(NOTE_PAUSE).await;
            self.note(registry, replica, &mut noted).await;
        }
    }

    async fn note(
        &self,
        registry: &Registry,
        replica: &str,
        noted: &mut HashMap<Identifier, (FollowingVerifiers, Instant)>,
    ) {
        let mut now: HashMap<Identifier, FollowingVerifiers> =
            self.lock().of.iter().map(|(id, verifiers)| (id.clone(), told(verifiers))).collect();
        for gone in noted.keys() {
            now.entry(gone.clone()).or_default();
        }
        for (identifier, verifiers) in now {
            let known = noted.get(&identifier);
            if known.is_some_and(|(v, at)| *v == verifiers && at.elapsed() < NOTE_LIFE / 2) {
                continue;
            }
            let result = registry.note_verifiers(&identifier, replica, verifiers.clone()).await;
            if let Err(error) = result {
                // The next round tries again; those of other resource servers do not wait for it.
                tracing::warn!(error = status::causes(&error), "verifiers.note_failed");
                continue;
            }
            if verifiers.total == 0 {
                noted.remove(&identifier);
            } else {
                noted.insert(identifier, (verifiers, Instant::now()));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(verifiers: &BTreeMap<u64, FollowingVerifier>) -> FollowingVerifiers {
    let mut applied = BTreeMap::new();
    for verifier in verifiers.values() {
        *applied.entry(verifier.applied).or_insert(0) += 1;
    }
    FollowingVerifiers {
        listed: verifiers.values().take(NOTED_MAX).cloned().collect(),
        total: verifiers.len(),
        applied: applied.into_iter().collect(),
    }
}

impl Joined {
    /// The verifier has applied everything up to that event.
    pub(crate) fn applied(&self, sequence: u64) {
        let mut state = self.connected.lock();
        let verifiers = state.of.get_mut(&self.identifier);
        if let Some(verifier) = verifiers.and_then(|verifiers| verifiers.get_mut(&self.number)) {
            verifier.applied = sequence;
        }
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        let mut state = self.connected.lock();
        if let Some(verifiers) = state.of.get_mut(&self.identifier) {
            verifiers.remove(&self.number);
            if verifiers.is_empty() {
                state.of.remove(&self.identifier);
            }
        }
    }
}
