//! The time, as a value that a test can move.

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells a verifier what time it is.
pub trait Clock: Send + Sync {
    /// Seconds since the Unix epoch, which is what `exp` and `iat` count (RFC 7519 section 2).
    fn now(&self) -> i64;
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "the one real clock of this crate")]
        let now = SystemTime::now();
        // A clock before 1970 is broken: then every token is issued in the future, and refused.
        now.duration_since(UNIX_EPOCH)
            .map_or(-1, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}
