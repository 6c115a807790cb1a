//! `[policy]`: how long a process decides about tokens while it cannot follow the log.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use turnpike_registry::Bounds;

use super::error::Error;
use super::limits::positive;

/// How long the policy in memory decides while it does not follow the log. After that introspection, and Turnpike's
/// own API for programs, answer that they are unavailable; `GET /readyz` fails too.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// In seconds, while events are known of that it has not applied.
    pub behind_seconds: NonZeroU32,
    /// In seconds, while the store does not answer; at least `behind_seconds`.
    pub unheard_seconds: NonZeroU32,
}

impl Default for Policy {
    fn default() -> Self {
        Self { behind_seconds: positive(10), unheard_seconds: positive(300) }
    }
}

impl Policy {
    /// Holds the section as a whole.
    ///
    /// # Errors
    ///
    /// Both together make no sense.
    pub fn check(&self) -> Result<(), Error> {
        if self.unheard_seconds < self.behind_seconds {
            let problem = "must be at least policy.behind_seconds";
            return Err(Error::value("policy.unheard_seconds", problem));
        }
        Ok(())
    }

    /// The same, for those who follow.
    pub fn bounds(&self) -> Bounds {
        let seconds = |seconds: NonZeroU32| Duration::from_secs(u64::from(seconds.get()));
        let Self { behind_seconds, unheard_seconds } = *self;
        Bounds { behind: seconds(behind_seconds), unheard: seconds(unheard_seconds) }
    }
}
