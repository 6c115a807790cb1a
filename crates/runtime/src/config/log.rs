//! `[log]`: how log lines look.

use serde::{Deserialize, Serialize};

/// How log lines look.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `text` for people, `json` for machines.
    pub format: LogFormat,
    /// Which lines, as `tracing_subscriber::EnvFilter` takes it.
    pub filter: String,
}

/// See [`Log::format`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// One line of text.
    Text,
}

impl Default for Log {
    fn default() -> Self {
        // A line for each file of the portal would hide what was printed at start.
        Self { format: LogFormat::Text, filter: "info,turnpike::access=warn".to_owned() }
    }
}
