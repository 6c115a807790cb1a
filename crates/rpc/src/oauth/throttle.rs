//! Slows down who calls too often, or guesses.
//!
//! `governor`, which counts calls elsewhere, cannot say whether a key has room without taking some,
//! and a failed attempt must be charged after the fact. So this is the same algorithm (generic cell
//! rate: one moment for each key) with that one question more, and with the clock of the process,
//! so that a test can move it.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use turnpike_domain::{Error, Timestamp};

use crate::limits::Rate;
use crate::oauth::refusal::Refusal;

/// Keys that are remembered at a time; 16 bytes each.
const KEYS_MAX: usize = 100_000;

/// Lets each key do so much at once, and so much over time.
pub struct Buckets {
    /// For each key, the moment at which it has all of its room again, in microseconds since the
    /// epoch. Keys are kept as hashes under a secret of this process: two that collide share a
    /// bucket, and nobody can choose which.
    full_again: Mutex<HashMap<u64, i64>>,
    hasher: RandomState,
    /// What one costs, and what there is, in microseconds.
    one: i64,
    all: i64,
}

impl Buckets {
    /// One each `interval` over time, `burst` at once; both at least 1.
    pub fn new(interval: Duration, burst: u32) -> Self {
        let one = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX).max(1);
        let all = one.saturating_mul(i64::from(burst.max(1)));
        Self { full_again: Mutex::default(), hasher: RandomState::new(), one, all }
    }

    /// Of that rate, at most a million a second.
    pub fn of(rate: Rate) -> Self {
        Self::new(Duration::from_secs(1) / rate.per_second.get(), rate.burst.get())
    }

    /// How many milliseconds until the key has room for one; `None` if it has.
    pub fn wait(&self, key: impl Hash, now: Timestamp) -> Option<u64> {
        let (key, now) = (self.hasher.hash_one(key), micros(now));
        self.wait_of(self.debt(&mut self.lock(), key, now))
    }

    /// Takes one.
    ///
    /// # Errors
    ///
    /// The milliseconds until there is room; then none is taken.
    pub fn take(&self, key: impl Hash, now: Timestamp) -> Result<(), u64> {
        let (key, now) = (self.hasher.hash_one(key), micros(now));
        let mut keys = self.lock();
        if let Some(wait) = self.wait_of(self.debt(&mut keys, key, now)) {
            return Err(wait);
        }
        self.charge_locked(&mut keys, key, now, self.one);
        Ok(())
    }

    /// Takes one, room or not.
    pub fn charge(&self, key: impl Hash, now: Timestamp) {
        let key = self.hasher.hash_one(key);
        self.charge_locked(&mut self.lock(), key, micros(now), self.one);
    }

    /// Takes all the room that a key can have.
    pub fn exhaust(&self, key: impl Hash, now: Timestamp) {
        let key = self.hasher.hash_one(key);
        self.charge_locked(&mut self.lock(), key, micros(now), self.all);
    }

    /// What a key has used of its room. A moment that a clock set which was set back since is corrected, so that it
    /// locks nobody out for longer than a bucket takes to fill.
    fn debt(&self, keys: &mut HashMap<u64, i64>, key: u64, now: i64) -> i64 {
        let Some(full_again) = keys.get_mut(&key) else { return 0 };
        *full_again = (*full_again).min(now.saturating_add(self.all));
        full_again.saturating_sub(now).max(0)
    }

    fn wait_of(&self, debt: i64) -> Option<u64> {
        let wait = u64::try_from(debt + self.one - self.all).ok().filter(|wait| *wait > 0)?;
        Some(wait.div_ceil(1000))
    }

    fn charge_locked(&self, keys: &mut HashMap<u64, i64>, key: u64, now: i64, cost: i64) {
        if keys.len() >= KEYS_MAX {
            keys.retain(|_, full_again| *full_again > now);
            if keys.len() > KEYS_MAX / 2 {
                // More keys in use than memory is given to, or nearly, and the next look is not
                // far. Forgetting lets guesses through, which the length of a secret survives;
                // refusing would lock everybody out.
                keys.clear();
            }
        }
        let owed = self.debt(keys, key, now);
        keys.insert(key, now.saturating_add(owed.saturating_add(cost).min(self.all)));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, i64>> {
        self.full_again.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets").field("keys", &self.lock().len()).finish_non_exhaustive()
    }
}

/// Slows down guesses of secrets (RFC 6749 section 2.3.1), by two counts of failures:
///
/// - of an id from one address: ten at once and ten a minute, then every wrong secret for that id from
///   that address is refused as one too many;
/// - of an id from anywhere: a hundred at once and a hundred a minute. Beyond it an address is
///   refused after one failure instead of ten, so that many addresses together do not get many
///   guesses.
///
/// The right secret always gets in, or anyone could lock a partner out; behind a proxy all have one address.
/// With 190 random bits nothing is lost by comparing first.
#[derive(Debug)]
pub struct Failures {
    of_address: Buckets,
    of_id: Buckets,
}

impl Failures {
    /// With no failures so far.
    pub fn new() -> Self {
        Self {
            of_address: Buckets::new(Duration::from_secs(6), 10),
            of_id: Buckets::new(Duration::from_millis(600), 100),
        }
    }

    /// For attempts that cost something each, and are [counted before they are made](Self::admit): of an id
    /// from one address five at once and five a minute, from anywhere twenty.
    pub fn costly() -> Self {
        Self {
            of_address: Buckets::new(Duration::from_secs(12), 5),
            of_id: Buckets::new(Duration::from_secs(3), 20),
        }
    }

    /// Counts an attempt before it is made, whatever will come of it.
    ///
    /// # Errors
    ///
    /// How many milliseconds until there may be another; then it is not to be made.
    pub fn admit(&self, id: &str, peer: Option<IpAddr>, now: Timestamp) -> Result<(), u64> {
        let address = (id, peer.map(network));
        if let Some(wait) = self.of_address.wait(address, now) {
            return Err(wait);
        }
        self.of_id.take(id, now)?;
        self.of_address.charge(address, now);
        Ok(())
    }

    /// Counts an attempt that failed.
    ///
    /// # Errors
    ///
    /// [`TooManyFailures`] if there were too many before it: the caller is told that, and nothing of its attempt.
    pub fn refuse(
        &self,
        id: &str,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), TooManyFailures> {
        let address = (id, peer.map(network));
        if let Some(retry_after_ms) = self.of_address.wait(address, now) {
            return Err(TooManyFailures { retry_after_ms });
        }
        match self.of_id.take(id, now) {
            Ok(()) => self.of_address.charge(address, now),
            Err(_) => self.of_address.exhaust(address, now),
        }
        Ok(())
    }
}

/// Too many failed attempts came before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyFailures {
    /// When one is looked at again, in milliseconds from now.
    pub retry_after_ms: u64,
}

impl From<TooManyFailures> for Refusal {
    fn from(TooManyFailures { retry_after_ms }: TooManyFailures) -> Self {
        Self::TooMany { retry_after_ms, why: "too many failed attempts: try again later" }
    }
}

impl From<TooManyFailures> for Error {
    fn from(TooManyFailures { retry_after_ms }: TooManyFailures) -> Self {
        Self::RateLimited { retry_after_ms }
    }
}

impl Default for Failures {
    fn default() -> Self {
        Self::new()
    }
}

const fn micros(time: Timestamp) -> i64 {
    time.millis().saturating_mul(1000)
}

/// The address, or the network that its owner has all addresses of: whoever has one IPv6 address
/// has 2^64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    #[test]
    fn a_key_has_its_burst_and_then_its_rate() {
        let buckets = Buckets::new(Duration::from_millis(100), 3);
        for _ in 0..3 {
            assert_eq!(buckets.take("a", at(0)), Ok(()));
        }
        assert_eq!(buckets.take("a", at(0)), Err(100));
        assert_eq!(buckets.wait("a", at(40)), Some(60));
        assert_eq!(buckets.take("b", at(0)), Ok(()));
        assert_eq!(buckets.take("a", at(100)), Ok(()));
        assert_eq!(buckets.take("a", at(100)), Err(100));
        for _ in 0..3 {
            assert_eq!(buckets.take("a", at(10_000)), Ok(()));
        }
        assert!(buckets.take("a", at(10_000)).is_err());
    }

    #[test]
    fn a_high_rate_is_kept_too() {
        let rate = |n| std::num::NonZeroU32::new(n).unwrap();
        let buckets = Buckets::of(Rate { per_second: rate(50_000), burst: rate(100_000) });
        for _ in 0..100_000 {
            assert_eq!(buckets.take("a", at(0)), Ok(()));
        }
        assert_eq!(buckets.take("a", at(0)), Err(1));
        assert_eq!((0..100).filter(|_| buckets.take("a", at(1)).is_ok()).count(), 50);
    }

    #[test]
    fn looking_takes_nothing_and_charging_never_waits() {
        let buckets = Buckets::new(Duration::from_millis(100), 2);
        for _ in 0..10 {
            assert_eq!(buckets.wait("a", at(0)), None);
        }
        for _ in 0..10 {
            buckets.charge("a", at(0));
        }
        assert_eq!(buckets.wait("a", at(0)), Some(100), "debts are bounded");
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out_for_long() {
        let buckets = Buckets::new(Duration::from_millis(100), 2);
        buckets.exhaust("a", at(500_000));
        assert_eq!(buckets.wait("a", at(0)), Some(100));
        assert_eq!(buckets.wait("a", at(100)), None);
        assert_eq!(buckets.take("a", at(100)), Ok(()));
        assert_eq!(buckets.wait("a", at(100)), Some(100));
        assert_eq!(buckets.wait("a", at(200)), None);
    }

    #[test]
    fn memory_is_bounded() {
        let buckets = Buckets::new(Duration::from_millis(1000), 1);
        for key in 0..3 * KEYS_MAX {
            buckets.charge(key, at(0));
        }
        assert!(buckets.lock().len() <= KEYS_MAX);
    }

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([10, 0, 0, last]))
    }

    #[test]
    fn guesses_slow_their_own_address_down_and_no_other() {
        let failures = Failures::new();
        for _ in 0..10 {
            assert!(failures.refuse("shop", address(1), at(0)).is_ok());
        }
        assert!(failures.refuse("shop", address(1), at(0)).is_err());
        assert!(failures.refuse("shop", address(2), at(0)).is_ok());
        assert!(failures.refuse("other", address(1), at(0)).is_ok());
        assert!(failures.refuse("shop", address(1), at(6000)).is_ok());
    }

    #[test]
    fn many_addresses_together_get_few_guesses_more() {
        let failures = Failures::new();
        let mut guesses = 0;
        for last in 0..=255 {
            while failures.refuse("shop", address(last), at(0)).is_ok() {
                guesses += 1;
            }
        }
        assert_eq!(guesses, 100 + 246);
    }

    #[test]
    fn attempts_that_cost_are_few_and_an_address_does_not_use_up_what_others_have() {
        let attempts = Failures::costly();
        let admitted = |last, at_millis| {
            (0..100)
                .filter(|_| attempts.admit("shop", address(last), at(at_millis)).is_ok())
                .count()
        };
        assert_eq!((admitted(1, 0), admitted(1, 0)), (5, 0));
        assert_eq!((admitted(2, 0), admitted(3, 0), admitted(4, 0), admitted(5, 0)), (5, 5, 5, 0));
        assert_eq!(attempts.admit("shop", address(5), at(0)), Err(3000));
        assert!(attempts.admit("other", address(5), at(0)).is_ok());
        assert_eq!(admitted(1, 12_000), 1);
    }

    #[test]
    fn a_network_counts_as_one() {
        let parse = |text: &str| network(text.parse().unwrap());
        assert_eq!(parse("2001:db8::1"), parse("2001:db8::ffff:1"));
        assert_ne!(parse("2001:db8::1"), parse("2001:db8:0:1::1"));
        assert_eq!(parse("::ffff:10.0.0.1"), parse("10.0.0.1"));
    }
}
