//! `[otlp]`: where traces and metrics are sent.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::values::optional_url;

/// Where traces and metrics are sent.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Otlp {
    /// The collector: a URL that takes OTLP over gRPC, such as `http://127.0.0.1:4317`. Nothing is sent if empty.
    pub endpoint: String,
    /// Which part of the requests is traced, of those that come from outside: from 0 to 1.
    pub traced: f64,
    /// How often metrics are sent; 0 for never, where a collector reads `/metrics`.
    pub metrics_seconds: u32,
}

impl Default for Otlp {
    fn default() -> Self {
        Self { endpoint: String::new(), traced: 0.1, metrics_seconds: 60 }
    }
}

impl Otlp {
    /// Holds the section as a whole.
    ///
    /// # Errors
    ///
    /// The first key that makes no sense.
    pub fn check(&self) -> Result<(), Error> {
        let Self { endpoint, traced, metrics_seconds } = self;
        optional_url("otlp.endpoint", endpoint)?;
        if !(0.0..=1.0).contains(traced) {
            return Err(Error::value("otlp.traced", "must be from 0 to 1"));
        }
        if *metrics_seconds > 3600 {
            return Err(Error::value("otlp.metrics_seconds", "must be at most 3600"));
        }
        Ok(())
    }

    /// The collector, if there is one.
    pub fn collector(&self) -> Option<&str> {
        Some(self.endpoint.as_str()).filter(|endpoint| !endpoint.is_empty())
    }

    /// How often metrics are sent, if they are.
    pub const fn metrics_pause(&self) -> Option<Duration> {
        match self.metrics_seconds {
            0 => None,
            seconds => Some(Duration::from_secs(seconds as u64)),
        }
    }
}
