//! What is counted about calls, in the names of OpenTelemetry's RPC conventions.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder};
use turnpike_domain::Error;

/// Counts and times; shared by all services of a process.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    calls: HistogramVec,
    tokens: IntCounterVec,
}

impl Metrics {
    /// Metrics of a new process.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if a name is taken, which a test would find.
    pub fn new() -> Result<Self, Error> {
        let registry = Registry::new();
        let calls = HistogramVec::new(
            HistogramOpts::new(
                "rpc_server_call_duration_seconds",
                "Duration of calls, by method and status",
            )
            .buckets(vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0]),
            &["rpc_method", "rpc_status_code"],
        )
        .map_err(Error::internal)?;
        let tokens = IntCounterVec::new(
            Opts::new(
                "turnpike_http_requests_total",
                "Requests of the OAuth endpoints, by outcome",
            ),
            &["endpoint", "outcome"],
        )
        .map_err(Error::internal)?;
        registry.register(Box::new(calls.clone())).map_err(Error::internal)?;
        registry.register(Box::new(tokens.clone())).map_err(Error::internal)?;
        Ok(Self { registry, calls, tokens })
    }

    /// A call ended.
    pub fn called(&self, method: &str, status: &str, took: Duration) {
        self.calls.with_label_values(&[method, status]).observe(took.as_secs_f64());
    }

    /// A request of an OAuth endpoint ended; both labels come from fixed lists.
    pub fn requested(&self, endpoint: &'static str, outcome: &'static str) {
        self.tokens.with_label_values(&[endpoint, outcome]).inc();
    }

    /// Where others register what they count.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Everything counted so far, in the text format of Prometheus.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`].
    pub fn encode(&self) -> Result<String, Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(Error::internal)
    }
}
