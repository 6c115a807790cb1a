//! What a verifier asks: what is known, and whether that is recent enough.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use turnpike_proto::v1 as pb;

use crate::feed::age::{self, Age, Moment};
use crate::feed::known::Known;
use crate::policy::{GrantState, PolicyRefusal, TokenFacts};

/// The policy of one resource server as far as it was heard of.
#[derive(Debug)]
pub(super) struct Following {
    age: Age,
    epoch: AtomicU64,
    known: RwLock<Known>,
    stale_after: Duration,
}

impl Following {
    pub(super) fn new(stale_after: Duration) -> Self {
        Self { age: Age::new(), epoch: AtomicU64::new(0), known: RwLock::default(), stale_after }
    }

    /// Takes over a whole update.
    pub(super) fn apply(&self, parts: Vec<pb::PolicyUpdate>) {
        let now = age::wall();
        self.known.write().unwrap_or_else(PoisonError::into_inner).apply(parts, now);
        // After the answers: see `Policy::epoch`.
        self.epoch.fetch_add(1, Ordering::Release);
    }

    /// Everything is known that had happened `before` a moment.
    pub(super) fn heard(&self, moment: Moment, before: Duration) {
        self.age.known(moment, before);
    }

    pub(super) fn age(&self) -> Option<Duration> {
        self.age.get()
    }

    /// By the clocks of the system: a verifier may have been given another.
    pub(super) fn is_stale(&self) -> bool {
        self.age.exceeds(self.stale_after, age::wall())
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(super) fn admits(&self, token: &TokenFacts<'_>) -> Result<(), PolicyRefusal> {
        self.read(|known| known.admits(token))
    }

    pub(super) fn grants(&self, token: &TokenFacts<'_>, scope: &str) -> GrantState {
        self.read(|known| known.grants(token, scope))
    }

    fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}
