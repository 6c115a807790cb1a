//! What the broker counts.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};
use turnpike_domain::Error;
use turnpike_rpc::metrics::Metrics;

use crate::broker::cache::Cache;
use crate::broker::failure::Failure;

/// Where a token that was served came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// Kept, though more than three quarters of its life are over: no new one could be had.
    Bridge,
    /// Kept.
    Cache,
    /// New.
    Issuer,
    /// Kept, and the store did not answer.
    Outage,
}

impl Served {
    const ALL: [Self; 4] = [Self::Bridge, Self::Cache, Self::Issuer, Self::Outage];

    /// A word for measurements.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Cache => "cache",
            Self::Issuer => "issuer",
            Self::Outage => "outage",
        }
    }
}

/// The counters of a process.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    asked: IntCounter,
    served: IntCounterVec,
    refused: IntCounterVec,
    paid: IntCounter,
    kept_tokens: IntGauge,
    kept_bytes: IntGauge,
}

impl Counts {
    /// Registers them.
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, Error> {
        let counter = |name, help| IntCounter::new(name, help).map_err(Error::internal);
        let gauge = |name, help| IntGauge::new(name, help).map_err(Error::internal);
        let labelled = |name, help, label| {
            IntCounterVec::new(Opts::new(name, help), &[label]).map_err(Error::internal)
        };
        let counts = Self {
            asked: counter(
                "turnpike_broker_asked_total",
                "Tokens asked for by clients that may have them",
            )?,
            served: labelled(
                "turnpike_broker_served_total",
                "Tokens served, by where they came from",
                "from",
            )?,
            refused: labelled(
                "turnpike_broker_refused_total",
                "Requests for which there was no token, by reason",
                "reason",
            )?,
            paid: counter(
                "turnpike_broker_paid_total",
                "Tokens that the authorization server issued",
            )?,
            kept_tokens: gauge("turnpike_broker_kept_tokens", "Tokens that are kept")?,
            kept_bytes: gauge("turnpike_broker_kept_bytes", "Memory that kept tokens take")?,
        };
        let registry = metrics.registry();
        for collector in counts.collectors() {
            registry.register(collector).map_err(Error::internal)?;
        }
        // A rate begins at nought, not with the first of its kind: a collector that sends differences has nothing to take
        // the first of a counter from, and drops it.
        for from in Served::ALL {
            counts.served.with_label_values(&[from.as_str()]);
        }
        for reason in Failure::REASONS {
            counts.refused.with_label_values(&[reason]);
        }
        Ok(counts)
    }

    fn collectors(&self) -> Vec<Box<dyn prometheus::core::Collector>> {
        vec![
            Box::new(self.asked.clone()),
            Box::new(self.served.clone()),
            Box::new(self.refused.clone()),
            Box::new(self.paid.clone()),
            Box::new(self.kept_tokens.clone()),
            Box::new(self.kept_bytes.clone()),
        ]
    }

    pub(crate) fn asked(&self) {
        self.asked.inc();
    }

    pub(crate) fn served(&self, from: Served) {
        self.served.with_label_values(&[from.as_str()]).inc();
    }

    pub(crate) fn refused(&self, why: Failure) {
        self.refused.with_label_values(&[why.reason()]).inc();
    }

    pub(crate) fn paid(&self) {
        self.paid.inc();
    }

    pub(crate) fn keeps(&self, cache: &Cache) {
        let (tokens, bytes) = cache.size();
        self.kept_tokens.set(i64::try_from(tokens).unwrap_or(i64::MAX));
        self.kept_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}
