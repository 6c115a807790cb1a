//! Moments and lifetimes.

use crate::error::Problem;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z. Every time that is kept has this precision, so
/// that both stores keep the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 9999-12-31T23:59:59.999Z: the last moment `google.protobuf.Timestamp` can name.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// A moment from milliseconds since the epoch, held within the years 1970 to 9999.
    pub const fn from_millis(millis: i64) -> Self {
        if millis < 0 {
            Self(0)
        } else if millis > Self::MAX.0 {
            Self::MAX
        } else {
            Self(millis)
        }
    }

    /// A moment from whole seconds since the epoch, held within the years 1970 to 9999.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: the precision of tokens (RFC 7519 section 2).
    pub const fn seconds(self) -> i64 {
        self.0 / 1000
    }

    /// This moment and that many milliseconds.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// This moment and that many seconds.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_millis(seconds.saturating_mul(1000))
    }
}

/// How long the tokens of a client live: 5 minutes to 1 day, whole seconds (Cognito
/// `AccessTokenValidity`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLifetime(u32);

impl TokenLifetime {
    /// One hour, as Cognito.
    pub const DEFAULT: Self = Self(3600);
    /// The longest.
    pub const MAX: Self = Self(86_400);

    /// # Errors
    ///
    /// [`Problem::OutOfRange`].
    pub fn from_seconds(seconds: i64) -> Result<Self, Problem> {
        u32::try_from(seconds)
            .ok()
            .filter(|s| (300..=86_400).contains(s))
            .map(Self)
            .ok_or(Problem::OutOfRange("between 5 minutes and 1 day"))
    }

    /// In seconds.
    pub const fn seconds(self) -> i64 {
        self.0 as i64
    }
}
