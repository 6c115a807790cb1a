//! Refused changes in the log: each one, as long as its caller is not refused again and again. A program that goes
//! wrong, or means ill, must not be able to fill the log, where everything is kept for good.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use turnpike_domain::error::ErrorCode;
use turnpike_domain::{Principal, Timestamp};
use turnpike_registry::{Change, CommitError, Origin, Registry};

use crate::metrics::Metrics;
use crate::oauth::Buckets;

/// Records refusals, so many of each caller a minute. Those beyond are counted, and the count stands in the next event
/// about that caller: with its next refusal that is recorded, or by itself when there is room for one.
#[derive(Debug)]
pub(crate) struct Refusals {
    registry: Registry,
    metrics: Metrics,
    rate: Buckets,
    held: Mutex<HashMap<Key, Held>>,
}

/// A caller: kind and id.
type Key = (u8, String);

/// Refusals of a caller that were not recorded one by one.
#[derive(Debug)]
struct Held {
    count: u64,
    last: Refused,
}

/// One call that was refused.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) caller: Principal,
    pub(crate) origin: Origin,
    pub(crate) code: ErrorCode,
}

impl Refusals {
    pub(crate) fn new(registry: Registry, metrics: Metrics, per_minute: NonZeroU32) -> Self {
        let rate = Buckets::new(Duration::from_secs(60) / per_minute.get(), per_minute.get());
        Self { registry, metrics, rate, held: Mutex::default() }
    }

    /// Records a refusal, or counts it. The refusal stands all the same.
    pub(crate) async fn record(&self, refused: Refused, now: Timestamp) {
        let key = key(&refused.caller);
        if self.rate.take(&key, now).is_err() {
            self.hold(refused, 1);
            return;
        }
        let more = self.lock().remove(&key).map_or(0, |held| held.count);
        self.write(refused, more).await;
    }

    /// Records what was counted of callers that are not refused any more.
    pub(crate) async fn flush(&self, now: Timestamp) {
        let keys: Vec<Key> = self.lock().keys().cloned().collect();
        for key in keys {
            if self.rate.take(&key, now).is_ok() {
                let held = self.lock().remove(&key);
                if let Some(Held { count, last }) = held {
                    self.write(last, count - 1).await;
                }
            }
        }
    }

    /// What the log does not take is counted, and recorded when it takes something again.
    async fn write(&self, refused: Refused, more: u64) {
        let Refused { caller, origin, code } = refused.clone();
        let request_id = origin.request_id.clone();
        let change = Change::refusal(caller, &origin, code.as_str(), more);
        let committed = self.registry.commit(change).await;
        if let Err(CommitError::Conflict | CommitError::Failed(_)) = committed {
            tracing::warn!(
                request.id = request_id,
                refusal = code.as_str(),
                more,
                "audit.refusal_not_recorded_yet"
            );
            self.hold(refused, more + 1);
        }
    }

    /// Counts a refusal that stands for `count` of them.
    fn hold(&self, refused: Refused, count: u64) {
        self.metrics.refusal_not_recorded();
        let mut held = self.lock();
        let key = key(&refused.caller);
        let before = held.get(&key).map_or(0, |held| held.count);
        held.insert(key, Held { count: before + count, last: refused });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(caller: &Principal) -> Key {
    (caller.kind as u8, caller.id.clone())
}
