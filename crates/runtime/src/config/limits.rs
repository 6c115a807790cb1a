//! `[limits]`: how often one caller may call.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// How often one caller may call, in one process.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallLimits {
    /// Reads per second of one caller.
    pub reads_per_second: NonZeroU32,
    /// Changes per second of one caller.
    pub changes_per_second: NonZeroU32,
    /// Reads of one caller that are served at a time.
    pub reads_in_flight: NonZeroU32,
    /// Changes of one caller that are served at a time.
    pub changes_in_flight: NonZeroU32,
    /// Exports and verifications of the log of one caller that are served at a time.
    pub exports_in_flight: NonZeroU32,
    /// Verifiers that follow the policy of one resource server at a time.
    pub watches_in_flight: NonZeroU32,
    /// Events a minute about refused calls of one caller; those beyond are counted, and told in one event.
    pub refusals_per_minute: NonZeroU32,
}

/// How often one client may get a token, in one process.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenLimits {
    /// Tokens per second of one client.
    pub tokens_per_second: NonZeroU32,
}

/// Both.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Reads per second of one caller.
    pub reads_per_second: NonZeroU32,
    /// Changes per second of one caller.
    pub changes_per_second: NonZeroU32,
    /// Reads of one caller that are served at a time.
    pub reads_in_flight: NonZeroU32,
    /// Changes of one caller that are served at a time.
    pub changes_in_flight: NonZeroU32,
    /// Exports and verifications of the log of one caller that are served at a time.
    pub exports_in_flight: NonZeroU32,
    /// Verifiers that follow the policy of one resource server at a time.
    pub watches_in_flight: NonZeroU32,
    /// Events a minute about refused calls of one caller; those beyond are counted, and told in one event.
    pub refusals_per_minute: NonZeroU32,
    /// Tokens per second of one client.
    pub tokens_per_second: NonZeroU32,
}

pub(super) const fn positive(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            reads_per_second: positive(200),
            changes_per_second: positive(50),
            reads_in_flight: positive(32),
            changes_in_flight: positive(32),
            exports_in_flight: positive(2),
            watches_in_flight: positive(5000),
            refusals_per_minute: positive(60),
        }
    }
}

impl Default for TokenLimits {
    fn default() -> Self {
        Self { tokens_per_second: positive(50) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let TokenLimits { tokens_per_second } = TokenLimits::default();
        Self::of(CallLimits::default(), tokens_per_second)
    }
}

impl Limits {
    fn of(calls: CallLimits, tokens_per_second: NonZeroU32) -> Self {
        let CallLimits {
            reads_per_second,
            changes_per_second,
            reads_in_flight,
            changes_in_flight,
            exports_in_flight,
            watches_in_flight,
            refusals_per_minute,
        } = calls;
        Self {
            reads_per_second,
            changes_per_second,
            reads_in_flight,
            changes_in_flight,
            exports_in_flight,
            watches_in_flight,
            refusals_per_minute,
            tokens_per_second,
        }
    }

    /// Those of calls.
    pub fn calls(&self) -> CallLimits {
        let Self {
            reads_per_second,
            changes_per_second,
            reads_in_flight,
            changes_in_flight,
            exports_in_flight,
            watches_in_flight,
            refusals_per_minute,
            tokens_per_second: _,
        } = *self;
        CallLimits {
            reads_per_second,
            changes_per_second,
            reads_in_flight,
            changes_in_flight,
            exports_in_flight,
            watches_in_flight,
            refusals_per_minute,
        }
    }
}
