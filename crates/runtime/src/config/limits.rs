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
        Self { reads_per_second: positive(200), changes_per_second: positive(50) }
    }
}

impl Default for TokenLimits {
    fn default() -> Self {
        Self { tokens_per_second: positive(50) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let CallLimits { reads_per_second, changes_per_second } = CallLimits::default();
        let TokenLimits { tokens_per_second } = TokenLimits::default();
        Self { reads_per_second, changes_per_second, tokens_per_second }
    }
}

impl Limits {
    /// Those of calls.
    pub fn calls(&self) -> CallLimits {
        let Self { reads_per_second, changes_per_second, tokens_per_second: _ } = *self;
        CallLimits { reads_per_second, changes_per_second }
    }
}
