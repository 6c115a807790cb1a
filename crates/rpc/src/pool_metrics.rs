//! What is measured of an authorization server's pool: how far behind it is, and where it differs.

use prometheus::{Gauge, IntGauge, IntGaugeVec, Opts};
use turnpike_domain::Error;
use turnpike_registry::Registry;

use crate::metrics::Metrics;

/// The kinds of drift, in the order in which a walk counts them.
const KINDS: [&str; 3] = ["different", "missing", "unmanaged"];

/// Gauges that are set whenever somebody [looks](PoolMetrics::look).
#[derive(Clone, Debug)]
pub struct PoolMetrics {
    depth: IntGauge,
    oldest: Gauge,
    drift: IntGaugeVec,
    walk_age: Gauge,
}

impl PoolMetrics {
    /// Shows them beside the others of the process.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if they are shown already.
    pub fn new(metrics: &Metrics) -> Result<Self, Error> {
        let shown = Self::unregistered().map_err(Error::internal)?;
        let registry = metrics.registry();
        registry.register(Box::new(shown.depth.clone())).map_err(Error::internal)?;
        registry.register(Box::new(shown.oldest.clone())).map_err(Error::internal)?;
        registry.register(Box::new(shown.drift.clone())).map_err(Error::internal)?;
        registry.register(Box::new(shown.walk_age.clone())).map_err(Error::internal)?;
        Ok(shown)
    }

    fn unregistered() -> Result<Self, prometheus::Error> {
        let drift = Opts::new(
            "turnpike_drift",
            "Objects of which the authorization server says something else, as the last walk found",
        );
        Ok(Self {
            depth: IntGauge::new(
                "turnpike_outbox_depth",
                "Objects that the authorization server has yet to be told of",
            )?,
            oldest: Gauge::new(
                "turnpike_outbox_oldest_seconds",
                "For how long the oldest of them waits",
            )?,
            drift: IntGaugeVec::new(drift, &["kind"])?,
            walk_age: Gauge::new(
                "turnpike_drift_walk_age_seconds",
                "How long ago the last walk that reached its end began; absent walks count from the epoch",
            )?,
        })
    }

    /// Reads from the store what there is to show.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`]; the gauges stay as they were.
    pub async fn look(&self, registry: &Registry) -> Result<(), Error> {
        let (depth, since) = registry.pending_since().await?;
        let now = registry.now();
        let seconds = |millis: i64| f64::from(i32::try_from(millis / 1000).unwrap_or(i32::MAX));
        self.depth.set(i64::try_from(depth).unwrap_or(i64::MAX));
        let age = since.map_or(0, |since| now.millis() - since.millis());
        self.oldest.set(seconds(age.max(0)));
        let walk = registry.walk_state().await?;
        for (kind, found) in KINDS.iter().zip(walk.found) {
            self.drift.with_label_values(&[kind]).set(i64::try_from(found).unwrap_or(i64::MAX));
        }
        self.walk_age.set(seconds((now.millis() - walk.finished_start).max(0)));
        Ok(())
    }
}
