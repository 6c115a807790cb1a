//! How the authorization server has been lately: when it is not asked for a while.

use std::sync::atomic::{AtomicI64, Ordering};

use turnpike_domain::Timestamp;

use crate::broker::failure::Failure;

/// How long it is left alone at most after it said that it is asked too much, in milliseconds.
const THROTTLED_MAX: i64 = 5000;
/// How long tokens are not renewed after it failed, where those there are will do.
const TROUBLE: i64 = 5000;

/// What the last answers were like. All moments in milliseconds since the epoch.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    throttled_until: AtomicI64,
    trouble_until: AtomicI64,
}

impl Pauses {
    /// How many milliseconds it is not asked at all.
    pub(crate) fn throttled(&self, now: Timestamp) -> Option<u64> {
        left(&self.throttled_until, now, THROTTLED_MAX)
    }

    /// Whether tokens that will do are not renewed now.
    pub(crate) fn in_trouble(&self, now: Timestamp) -> bool {
        left(&self.trouble_until, now, TROUBLE).is_some() || self.throttled(now).is_some()
    }

    /// It gave a token.
    pub(crate) fn answered(&self) {
        self.throttled_until.store(0, Ordering::Relaxed);
        self.trouble_until.store(0, Ordering::Relaxed);
    }

    /// It gave none, or none in time.
    pub(crate) fn failed(&self, failure: Failure, now: Timestamp) {
        match failure {
            Failure::Throttled { retry_after_ms } => {
                let pause = i64::try_from(retry_after_ms).unwrap_or(i64::MAX).min(THROTTLED_MAX);
                self.throttled_until.store(now.plus_millis(pause).millis(), Ordering::Relaxed);
            }
            Failure::Down | Failure::Slow => {
                self.trouble_until.store(now.plus_millis(TROUBLE).millis(), Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

/// What is left of a pause. A clock that was set back does not make it longer than it can be.
fn left(until: &AtomicI64, now: Timestamp, longest: i64) -> Option<u64> {
    let left = (until.load(Ordering::Relaxed) - now.millis()).min(longest);
    u64::try_from(left).ok().filter(|left| *left > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000 + millis)
    }

    #[test]
    fn throttling_pauses_all_and_an_outage_only_renewals() {
        let pauses = Pauses::default();
        pauses.failed(Failure::Throttled { retry_after_ms: 300 }, at(0));
        assert_eq!(pauses.throttled(at(0)), Some(300));
        assert!(pauses.in_trouble(at(299)));
        assert_eq!(pauses.throttled(at(300)), None);
        assert!(!pauses.in_trouble(at(300)));

        pauses.failed(Failure::Down, at(1000));
        assert_eq!((pauses.throttled(at(1000)), pauses.in_trouble(at(1000))), (None, true));
        assert!(!pauses.in_trouble(at(6000)));
        pauses.failed(Failure::Slow, at(1000));
        pauses.failed(Failure::Throttled { retry_after_ms: 300 }, at(1000));
        pauses.answered();
        assert_eq!((pauses.throttled(at(1000)), pauses.in_trouble(at(1000))), (None, false));
    }

    #[test]
    fn pauses_are_short_whatever_is_said_and_whatever_the_clock_does() {
        let pauses = Pauses::default();
        pauses.failed(Failure::Throttled { retry_after_ms: u64::MAX }, at(0));
        assert_eq!(pauses.throttled(at(0)), Some(5000));
        assert_eq!(pauses.throttled(at(-999_999)), Some(5000));
    }

    #[test]
    fn refusals_pause_nothing() {
        let pauses = Pauses::default();
        for failure in [Failure::SecretRefused, Failure::Defect, Failure::Pending] {
            pauses.failed(failure, at(0));
        }
        assert!(!pauses.in_trouble(at(0)));
    }
}
