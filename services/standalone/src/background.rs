//! What runs beside the calls: what time does to grants, keys and counters.

use std::sync::Arc;
use std::time::Duration;

use turnpike_issuer_embedded::EmbeddedIssuer;
use turnpike_registry::{Follower, Registry};
use turnpike_rpc::Gate;

/// Starts the tasks of a process; they end with its runtime.
pub(crate) fn start(
    registry: Registry,
    issuer: Arc<EmbeddedIssuer>,
    follower: Follower,
    gate: Gate,
) {
    let follows = tokio::spawn(follower.run());
    tokio::spawn(async move {
        // It never ends by itself. A process whose policy no longer follows the log would take revoked tokens for good
        // ones, so it does not live on.
        let ended = follows.await;
        tracing::error!(panicked = ended.is_err(), "policy.follower_ended");
        std::process::exit(70);
    });
    tokio::spawn(async move {
        loop {
            match registry.sweep().await {
                // There may be more: a sweep ends a bounded number of things.
                Ok(done) if done > 0 => tokio::task::yield_now().await,
                Ok(_) => tokio::time::sleep(Duration::from_secs(1)).await,
                Err(error) => {
                    tracing::warn!(error = turnpike_rpc::status::causes(&error), "sweep.failed");
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
            }
        }
    });
    tokio::spawn(async move {
        loop {
            if let Err(error) = issuer.rotate_if_due().await {
                tracing::warn!(error = turnpike_rpc::status::causes(&error), "rotation.failed");
            }
            gate.limits().forget_idle();
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    });
}
