//! Time and chance for unit tests.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use turnpike_domain::Timestamp;
use turnpike_domain::ports::{Clock, Entropy};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub(crate) struct FakeClock(AtomicI64);

impl FakeClock {
    pub(crate) fn at(seconds: i64) -> Self {
        Self(AtomicI64::new(seconds * 1000))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// No two fills of 8 bytes or more are the same.
#[derive(Debug, Default)]
pub(crate) struct FakeEntropy(AtomicU64);

impl Entropy for FakeEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let next = (self.0.fetch_add(1, Ordering::SeqCst) + 1).to_be_bytes();
        for (byte, from) in bytes.iter_mut().rev().zip(next.iter().rev().cycle()) {
            *byte = *from;
        }
    }
}
