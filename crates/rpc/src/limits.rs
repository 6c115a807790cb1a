//! How often one caller may call.

use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use turnpike_domain::{Error, Principal};

use crate::methods::Limit;

/// Calls per second of one caller, and how many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Per second, over time.
    pub per_second: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

/// Counts calls of callers, in memory of this process.
#[derive(Debug)]
pub struct Limits {
    read: DefaultKeyedRateLimiter<(u8, String)>,
    write: DefaultKeyedRateLimiter<(u8, String)>,
    clock: DefaultClock,
}

impl Limits {
    /// With these rates.
    pub fn new(read: Rate, write: Rate) -> Self {
        let limiter = |rate: Rate| {
            RateLimiter::keyed(Quota::per_second(rate.per_second).allow_burst(rate.burst))
        };
        Self { read: limiter(read), write: limiter(write), clock: DefaultClock::default() }
    }

    /// Counts a call.
    ///
    /// # Errors
    ///
    /// [`Error::RateLimited`] if there were too many.
    pub fn admit(&self, limit: Limit, caller: &Principal) -> Result<(), Error> {
        let limiter = match limit {
            Limit::Read => &self.read,
            Limit::Unlimited => return Ok(()),
            Limit::Write => &self.write,
        };
        let key = (caller.kind as u8, caller.id.clone());
        limiter.check_key(&key).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            Error::RateLimited {
                retry_after_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            }
        })
    }

    /// Forgets callers that have not called for a while, so that memory stays bounded.
    pub fn forget_idle(&self) {
        for limiter in [&self.read, &self.write] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}
