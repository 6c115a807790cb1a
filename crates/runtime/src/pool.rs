//! What runs beside the calls of a process that tells the pool of an authorization server of changes.

use std::time::Duration;

use turnpike_registry::{Registry, Walker, Worker};
use turnpike_rpc::pool_metrics::PoolMetrics;

use crate::backend::Pools;
use crate::core::Core;
use crate::start;

/// How often the measurements are taken.
const LOOK: Duration = Duration::from_secs(5);

/// Clears the outbox, looks for drift, and measures both, as long as the process lives. Any number of processes may do
/// so at once. Needs a tokio runtime.
///
/// # Errors
///
/// [`start::Error::Part`] if it is done already.
pub fn keep(core: &Core, pool: &Pools) -> Result<(), start::Error> {
    let metrics = PoolMetrics::new(&core.metrics)?;
    let registry = core.registry.clone();
    let worker = Worker::new(registry.clone());
    tokio::spawn(async move { worker.run().await });
    let walker = Walker::new(registry.clone(), pool.background.clone(), pool.walk_pause);
    tokio::spawn(async move { walker.run().await });
    tokio::spawn(measure(registry, metrics));
    Ok(())
}

async fn measure(registry: Registry, metrics: PoolMetrics) {
    loop {
        if let Err(error) = metrics.look(&registry).await {
            tracing::warn!(error = turnpike_rpc::status::causes(&error), "outbox.not_measured");
        }
        tokio::time::sleep(LOOK).await;
    }
}
