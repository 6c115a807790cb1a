//! How old knowledge is, by two clocks: the one that never jumps may stand still while a machine sleeps.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// Nothing was ever known.
const NEVER: i64 = i64::MIN;

/// The moment as of which everything is known.
#[derive(Debug)]
pub(super) struct Age {
    began: Instant,
    /// In milliseconds since `began`, and of what its clock showed: may be negative.
    as_of: AtomicI64,
    /// In seconds since the Unix epoch.
    as_of_wall: AtomicI64,
}

/// A moment, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    at: Instant,
    wall: i64,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { at: Instant::now(), wall: wall() }
    }
}

impl Age {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            as_of: AtomicI64::new(NEVER),
            as_of_wall: AtomicI64::new(NEVER),
        }
    }

    /// Everything is known that had happened `before` a moment.
    pub(super) fn known(&self, moment: Moment, before: Duration) {
        let before = i64::try_from(before.as_millis()).unwrap_or(i64::MAX);
        let since_began = moment.at.saturating_duration_since(self.began).as_millis();
        let as_of = i64::try_from(since_began).unwrap_or(i64::MAX).saturating_sub(before);
        self.as_of_wall.store(moment.wall.saturating_sub(before / 1000 + 1), Ordering::Relaxed);
        // Never less: answers come in the order of their questions.
        self.as_of.fetch_max(as_of, Ordering::Release);
    }

    /// `None` if nothing was ever known.
    pub(super) fn get(&self) -> Option<Duration> {
        let as_of = self.as_of.load(Ordering::Acquire);
        if as_of == NEVER {
            return None;
        }
        let now = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        Some(Duration::from_millis(now.saturating_sub(as_of).max(0).cast_unsigned()))
    }

    /// Whether it is more than that by one of the clocks; `wall` is seconds since the Unix epoch.
    pub(super) fn exceeds(&self, limit: Duration, wall: i64) -> bool {
        // Whole seconds on both sides, so a second more is no lie.
        let seconds = limit.as_secs().cast_signed().saturating_add(3);
        self.get().is_none_or(|age| age > limit)
            || wall.saturating_sub(self.as_of_wall.load(Ordering::Relaxed)) > seconds
    }
}

/// Seconds since the Unix epoch, by the system.
pub(super) fn wall() -> i64 {
    use crate::clock::{Clock as _, SystemClock};

    SystemClock.now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_known_is_older_than_anything() {
        let age = Age::new();
        assert!(age.get().is_none());
        assert!(age.exceeds(Duration::from_secs(3600), wall()));
    }

    #[test]
    fn it_counts_from_the_question_and_what_the_server_lagged() {
        let age = Age::new();
        let limit = Duration::from_secs(10);
        age.known(Moment::now(), Duration::from_secs(7));
        let known = age.get().expect("an age");
        assert!((7..9).contains(&known.as_secs()), "{known:?}");
        assert!(!age.exceeds(limit, wall()));
        age.known(Moment::now(), Duration::from_secs(11));
        // An older answer makes nothing older.
        assert!(!age.exceeds(limit, wall()));
    }

    #[test]
    fn a_machine_that_slept_knows_nothing_new() {
        let age = Age::new();
        age.known(Moment::now(), Duration::ZERO);
        assert!(!age.exceeds(Duration::from_secs(10), wall() + 5));
        assert!(age.exceeds(Duration::from_secs(10), wall() + 20));
    }
}
