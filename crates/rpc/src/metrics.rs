//! What is counted about calls, in the names of OpenTelemetry's RPC conventions.

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{
    Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};
use turnpike_domain::Error;
use turnpike_registry::Policy;

/// Counts and times; shared by all services of a process.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    calls: HistogramVec,
    tokens: IntCounterVec,
    refusals: IntCounter,
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
        let refusals = IntCounter::new(
            "turnpike_refusals_not_recorded_total",
            "Refused changes that the log has no event of their own for, since their caller had too many",
        )
        .map_err(Error::internal)?;
        registry.register(Box::new(refusals.clone())).map_err(Error::internal)?;
        registry.register(Box::new(calls.clone())).map_err(Error::internal)?;
        registry.register(Box::new(tokens.clone())).map_err(Error::internal)?;
        Ok(Self { registry, calls, tokens, refusals })
    }

    /// A call ended.
    pub fn called(&self, method: &str, status: &str, took: Duration) {
        self.calls.with_label_values(&[method, status]).observe(took.as_secs_f64());
    }

    /// A request of an OAuth endpoint ended; both labels come from fixed lists.
    pub fn requested(&self, endpoint: &'static str, outcome: &'static str) {
        self.tokens.with_label_values(&[endpoint, outcome]).inc();
    }

    /// A refusal was counted and not recorded.
    pub(crate) fn refusal_not_recorded(&self) {
        self.refusals.inc();
    }

    /// Shows how far the policy of this process follows the log.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if it is shown already.
    pub fn show_policy(&self, policy: Arc<Policy>) -> Result<(), Error> {
        let shown = PolicyStanding::new(policy).map_err(Error::internal)?;
        self.registry.register(Box::new(shown)).map_err(Error::internal)
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

/// What is read off the policy whenever somebody looks.
struct PolicyStanding {
    policy: Arc<Policy>,
    applied: IntGauge,
    known: IntGauge,
    lag: Gauge,
    stale: IntGauge,
}

impl PolicyStanding {
    fn new(policy: Arc<Policy>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            policy,
            applied: IntGauge::new(
                "turnpike_policy_applied_sequence",
                "The event of the log that the policy of this process has applied last",
            )?,
            known: IntGauge::new(
                "turnpike_policy_known_sequence",
                "The newest event of the log that this process knows of",
            )?,
            lag: Gauge::new(
                "turnpike_policy_lag_seconds",
                "For how long the policy of this process has not been known to hold all of the log",
            )?,
            stale: IntGauge::new(
                "turnpike_policy_stale",
                "1 while the policy of this process is too old to decide about tokens",
            )?,
        })
    }
}

impl Collector for PolicyStanding {
    fn desc(&self) -> Vec<&Desc> {
        let Self { policy: _, applied, known, lag, stale } = self;
        [applied.desc(), known.desc(), lag.desc(), stale.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Self { policy, applied, known, lag, stale } = self;
        let standing = policy.standing();
        applied.set(i64::try_from(standing.applied).unwrap_or(i64::MAX));
        known.set(i64::try_from(standing.known).unwrap_or(i64::MAX));
        lag.set(standing.age.as_secs_f64());
        stale.set(standing.stale.into());
        [applied.collect(), known.collect(), lag.collect(), stale.collect()].concat()
    }
}
