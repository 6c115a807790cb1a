//! How often one caller may call, how many of its calls are served at a time, and how many refusals the log tells of.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use turnpike_domain::{Actor, Error};

use crate::methods::Limit;

/// How many refusals of one caller the log has an event of their own for.
const REFUSALS_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
/// When a call may be tried again that found too many others of its caller in flight, in milliseconds.
const IN_FLIGHT_RETRY_MS: u64 = 100;

/// Calls per second of one caller, and how many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Per second, over time.
    pub per_second: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

/// How many calls of one caller are served at a time. A call that costs much, a list of the largest records or an
/// export of the whole log, is as one of the rate that costs nothing; so these bound what a caller can take of the
/// machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// Reads of the registry.
    pub reads: NonZeroU32,
    /// Changes of the registry.
    pub changes: NonZeroU32,
    /// Reads of the whole log; a stream counts until it has ended.
    pub exports: NonZeroU32,
    /// Verifiers that follow the policy of one resource server.
    pub watches: NonZeroU32,
}

impl InFlight {
    /// No bound that anybody reaches: for benchmarks and tests.
    pub const UNBOUNDED: Self = Self {
        reads: NonZeroU32::MAX,
        changes: NonZeroU32::MAX,
        exports: NonZeroU32::MAX,
        watches: NonZeroU32::MAX,
    };
}

/// Counts calls of callers, in memory of this process.
#[derive(Debug)]
pub struct Limits {
    read: DefaultKeyedRateLimiter<Key>,
    write: DefaultKeyedRateLimiter<Key>,
    clock: DefaultClock,
    bounds: InFlight,
    in_flight: Arc<Counts>,
    refusals_per_minute: NonZeroU32,
}

/// A caller: kind and id.
type Key = (u8, String);

/// How many calls are in flight, of those who have any.
#[derive(Debug, Default)]
struct Counts(Mutex<HashMap<(Limit, Key), u32>>);

/// A call that was admitted. It counts as in flight until this is dropped. The gate puts one into the extensions of each
/// answer, for the server to keep until the answer is sent: an answer that nobody reads takes memory.
#[derive(Debug)]
pub struct Admitted {
    counts: Arc<Counts>,
    key: (Limit, Key),
}

impl Limits {
    /// With these rates, and without bounds on what is in flight.
    pub fn new(read: Rate, write: Rate) -> Self {
        let limiter = |rate: Rate| {
            RateLimiter::keyed(Quota::per_second(rate.per_second).allow_burst(rate.burst))
        };
        Self {
            read: limiter(read),
            write: limiter(write),
            clock: DefaultClock::default(),
            bounds: InFlight::UNBOUNDED,
            in_flight: Arc::default(),
            refusals_per_minute: REFUSALS_PER_MINUTE,
        }
    }

    /// With that many events a minute about refused calls of one caller; 60 unless told.
    #[must_use]
    pub const fn refusals_per_minute(mut self, refusals: NonZeroU32) -> Self {
        self.refusals_per_minute = refusals;
        self
    }

    pub(crate) const fn refusals(&self) -> NonZeroU32 {
        self.refusals_per_minute
    }

    /// With these bounds on what is in flight.
    #[must_use]
    pub const fn in_flight(mut self, bounds: InFlight) -> Self {
        self.bounds = bounds;
        self
    }

    /// Counts a call; `None` where calls are not counted.
    ///
    /// # Errors
    ///
    /// [`Error::RateLimited`] if there were too many, or too many are in flight.
    pub fn admit(&self, limit: Limit, caller: &Actor) -> Result<Option<Admitted>, Error> {
        let (limiter, bound) = match limit {
            Limit::Export => (Some(&self.read), self.bounds.exports),
            Limit::Read => (Some(&self.read), self.bounds.reads),
            Limit::Unlimited => return Ok(None),
            // When a process ends all of its verifiers come to another at once, and must be heard before they refuse.
            Limit::Watch => (None, self.bounds.watches),
            Limit::Write => (Some(&self.write), self.bounds.changes),
        };
        let caller = caller.principal();
        let key = (caller.kind as u8, caller.id);
        limiter.map_or(Ok(()), |limiter| limiter.check_key(&key)).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            Error::RateLimited {
                retry_after_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            }
        })?;
        let key = (limit, key);
        if !self.in_flight.enter(&key, bound.get()) {
            return Err(Error::RateLimited { retry_after_ms: IN_FLIGHT_RETRY_MS });
        }
        Ok(Some(Admitted { counts: self.in_flight.clone(), key }))
    }

    /// Forgets callers that have not called for a while, so that memory stays bounded.
    pub fn forget_idle(&self) {
        for limiter in [&self.read, &self.write] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

impl Counts {
    fn enter(&self, key: &(Limit, Key), bound: u32) -> bool {
        let mut counts = self.lock();
        let count = counts.entry(key.clone()).or_insert(0);
        let room = *count < bound;
        *count += u32::from(room);
        room
    }

    fn leave(&self, key: &(Limit, Key)) {
        let mut counts = self.lock();
        if let Some(count) = counts.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Limit, Key), u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.counts.leave(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use turnpike_domain::id::ClientId;

    use super::*;

    fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    fn limits() -> Limits {
        let rate = Rate { per_second: number(1000), burst: number(1000) };
        let bounds = InFlight {
            reads: number(3),
            changes: number(2),
            exports: number(1),
            watches: number(1),
        };
        Limits::new(rate, rate).in_flight(bounds)
    }

    fn caller(id: &str) -> Actor {
        Actor::Client(ClientId::parse(id).unwrap())
    }

    #[test]
    fn each_caller_has_its_bound_for_each_kind_of_call() {
        let (limits, olga, ada) = (limits(), caller("olga"), caller("ada"));
        for (limit, bound) in [(Limit::Read, 3), (Limit::Write, 2), (Limit::Export, 1)] {
            let held: Vec<_> = (0..bound).map(|_| limits.admit(limit, &olga).unwrap()).collect();
            let refused = limits.admit(limit, &olga).unwrap_err();
            assert!(
                matches!(refused, Error::RateLimited { retry_after_ms: IN_FLIGHT_RETRY_MS }),
                "{refused:?}"
            );
            assert!(limits.admit(limit, &ada).is_ok());
            drop(held);
            assert!(limits.admit(limit, &olga).is_ok());
        }
        assert!(limits.admit(Limit::Unlimited, &olga).unwrap().is_none());
        assert!(limits.in_flight.lock().is_empty(), "nothing is kept of those who have left");
    }
}
