//! How far a policy in memory follows the log, and from when on it may no longer decide.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use turnpike_domain::error::ErrorCode;

/// How long a policy goes on deciding while it does not follow the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// While events are known of that it has not applied: somebody may be refused by one of them.
    pub behind: Duration,
    /// While the store does not say whether there are any. Longer, so that decisions outlive an outage of the
    /// store in which nobody can change anything either.
    pub unheard: Duration,
}

impl Default for Bounds {
    /// 10 seconds behind; unheard of for 5 minutes, the shortest life of a token.
    fn default() -> Self {
        Self { behind: Duration::from_secs(10), unheard: Duration::from_secs(300) }
    }
}

/// Where a policy stands, for readiness, metrics and the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The event that it applied last.
    pub applied: u64,
    /// The newest event that is known of.
    pub known: u64,
    /// For how long it has not been known to be all there is.
    pub age: Duration,
    /// What keeps it from following, since the last time that it went well.
    pub failing: Option<ErrorCode>,
    /// Whether it may no longer decide.
    pub stale: bool,
}

/// What a follower notes and those who decide ask. Time is the machine's own, which no correction of the
/// clock moves.
#[derive(Debug)]
pub(crate) struct Following {
    bounds: Bounds,
    began: Instant,
    applied: watch::Sender<u64>,
    /// The newest event that this process committed or saw.
    committed: watch::Receiver<u64>,
    /// The newest event that the follower, or whoever waits for it, has read of.
    heard: AtomicU64,
    /// The moment as of which everything was applied, in milliseconds since `began`.
    whole_at: AtomicU64,
    failing: Mutex<Option<ErrorCode>>,
}

impl Following {
    pub(crate) fn new(bounds: Bounds, committed: watch::Receiver<u64>) -> Self {
        Self {
            bounds,
            began: Instant::now(),
            applied: watch::Sender::new(0),
            committed,
            heard: AtomicU64::new(0),
            whole_at: AtomicU64::new(0),
            failing: Mutex::default(),
        }
    }

    /// The sequence applied last; changes as events are applied.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// Events up to this one exist.
    pub(crate) fn heard(&self, sequence: u64) {
        self.heard.fetch_max(sequence, Ordering::Relaxed);
    }

    /// Events up to this one are applied.
    pub(crate) fn applied(&self, sequence: u64) {
        self.applied.send_replace(sequence);
    }

    /// All that there was at that moment is applied.
    pub(crate) fn whole(&self, at: Instant) {
        let millis = at.saturating_duration_since(self.began).as_millis();
        self.whole_at.store(u64::try_from(millis).unwrap_or(u64::MAX), Ordering::Relaxed);
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn failed(&self, code: ErrorCode) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
    }

    /// Whether the policy may no longer decide. Asked for every token.
    pub(crate) fn is_stale(&self) -> bool {
        let age = self.age();
        if age <= self.bounds.behind.min(self.bounds.unheard) {
            return false;
        }
        age > self.bounds.unheard || (age > self.bounds.behind && self.known() > self.at())
    }

    pub(crate) fn standing(&self) -> Standing {
        Standing {
            applied: self.at(),
            known: self.known(),
            age: self.age(),
            failing: *self.failing.lock().unwrap_or_else(PoisonError::into_inner),
            stale: self.is_stale(),
        }
    }

    /// Waits until nobody is told anything by a policy without this event: it is applied, or the policy no
    /// longer decides. The second takes as long as [`Bounds::behind`].
    pub(crate) async fn in_force(&self, sequence: u64) {
        self.heard(sequence);
        let mut applied = self.applied.subscribe();
        while *applied.borrow_and_update() < sequence && !self.is_stale() {
            let pause = tokio::time::sleep(Duration::from_millis(100));
            tokio::select! {
                () = pause => {}
                _ = applied.changed() => {}
            }
        }
    }

    fn age(&self) -> Duration {
        let whole = Duration::from_millis(self.whole_at.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(whole)
    }

    fn at(&self) -> u64 {
        *self.applied.borrow()
    }

    fn known(&self) -> u64 {
        self.heard.load(Ordering::Relaxed).max(*self.committed.borrow()).max(self.at())
    }
}
