//! Drops what is no longer good as soon as the policy of this process has heard of it, and what has ended.
//! Nothing depends on it: each request reads the client's record. But what is of no use to anyone need not
//! be kept.

use std::sync::Weak;
use std::time::Duration;

use crate::broker::{Inner, is_good};

/// How often it looks.
const PAUSE: Duration = Duration::from_secs(1);
/// How many clients it looks at in one go.
const IN_ONE_GO: usize = 256;

/// Sweeps until the broker is gone.
pub(crate) async fn run(broker: Weak<Inner>) {
    let mut swept = None;
    loop {
        tokio::time::sleep(PAUSE).await;
        let Some(broker) = broker.upgrade() else { return };
        broker.cache.forget_ended(broker.registry.now().seconds());
        let sequence = broker.policy.sequence();
        if swept != Some(sequence) {
            broker.sweep().await;
            swept = Some(sequence);
        }
        broker.counts.keeps(&broker.cache);
    }
}

impl Inner {
    /// Drops the tokens that the policy no longer holds to be good.
    async fn sweep(&self) {
        for clients in self.cache.clients().chunks(IN_ONE_GO) {
            for id in clients {
                let (client, now) = (self.policy.client(id.as_str()), self.registry.now());
                self.cache.retain(id, |slot, claims| {
                    let good = client.as_ref().is_some_and(|c| is_good(c, slot, claims, now));
                    good && !self.policy.is_revoked(&claims.token_id)
                });
            }
            tokio::task::yield_now().await;
        }
    }
}
