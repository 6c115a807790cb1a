//! Log lines: to standard error, so that standard output stays for answers.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging for the whole process.
///
/// # Errors
///
/// What is wrong with the filter, or that logging was started before.
pub fn start(log: &Log) -> Result<(), String> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|e| format!("log.filter: {e}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Text => {
            lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init()
        }
    }
    .map_err(|e| e.to_string())
}
