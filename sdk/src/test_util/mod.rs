//! An issuer in memory and hostile tokens, for tests of whoever verifies tokens.
//!
//! Nothing in here is for production: an [`Issuer`] signs whatever it is given.

mod draft;
pub mod hostile;
mod issuer;

use std::sync::atomic::{AtomicI64, Ordering};

pub use self::draft::{Draft, quote};
pub use self::issuer::Issuer;
use crate::clock::Clock;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`, in seconds since the Unix epoch.
    #[must_use]
    pub const fn new(now: i64) -> Self {
        Self(AtomicI64::new(now))
    }

    /// Moves it to `now`, in seconds since the Unix epoch.
    pub fn set(&self, now: i64) {
        self.0.store(now, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}
