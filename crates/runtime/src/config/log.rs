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
        // A line for each call would hide the links that were printed at start.
        let filter = "info,turnpike::access=warn,turnpike_rpc::gate=warn".to_owned();
        Self { format: LogFormat::Text, filter }
    }
}
