//! `[sessions]`: how long people stay signed in.

use serde::{Deserialize, Serialize};

use super::error::Error;

/// How long a session of a person lasts.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// From login to the end, whatever happens, in minutes.
    pub lifetime_minutes: u32,
    /// Without use, less up to a tenth, in minutes.
    pub idle_minutes: u32,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { lifetime_minutes: 480, idle_minutes: 30 }
    }
}

impl Sessions {
    /// Holds the section as a whole.
    ///
    /// # Errors
    ///
    /// The first key that makes no sense.
    pub fn check(&self) -> Result<(), Error> {
        let Self { lifetime_minutes, idle_minutes } = *self;
        // Keys that seal sessions are replaced each week.
        if !(5..=4 * 24 * 60).contains(&lifetime_minutes) {
            let problem = "must be 5 minutes to 4 days";
            return Err(Error::value("sessions.lifetime_minutes", problem));
        }
        if idle_minutes == 0 || idle_minutes > lifetime_minutes {
            let problem = "must be 1 to sessions.lifetime_minutes";
            return Err(Error::value("sessions.idle_minutes", problem));
        }
        Ok(())
    }
}
