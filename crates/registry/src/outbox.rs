//! What an authorization server that lives elsewhere has yet to be told.
//!
//! The registry is the truth, and the [pool] of the authorization server its image. Every change of a
//! client or resource server leaves a *mark* in the same commit: "this one may differ". Whoever clears
//! a mark reads the record as it is now, tells the pool all of it, and removes the mark if it is still
//! the one that was read. So nothing is lost at any crash, telling twice does no harm, and the last
//! state wins. A *claim* keeps two processes from telling about the same object at once, since a pool
//! has no conditional writes.
//!
//! What cannot be repeated is announced before it is done, and the announcement goes away in the commit
//! that keeps its outcome: see [`create`].
//!
//! [pool]: turnpike_domain::authorization_server::pool

mod adopt;
mod announce;
mod claim;
mod create;
mod entry;
mod keep;
mod learn;
mod orphan;
mod pending;
mod subject;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use turnpike_domain::authorization_server::pool::Pool;

use crate::change::Change;
use crate::registry::Registry;

pub use create::{Provisioned, ProvisionedSecret};
pub use pending::Pending;
pub use subject::Subject;
pub use worker::Worker;

pub(crate) use entry::PoolEntry;
pub(crate) use keep::mark_body;

/// How long an answer to a caller waits for the pool. What takes longer is done all the same.
const SETTLE_TIME: Duration = Duration::from_secs(5);

/// What this process does about a pool.
#[derive(Clone, Debug, Default)]
pub(crate) enum Mirror {
    /// It tells the pool of changes.
    Keeps(Arc<dyn Pool>),
    /// It leaves marks for those who do.
    Marks,
    /// The authorization server has no pool.
    #[default]
    None,
}

impl Registry {
    /// The same registry, for an authorization server with a pool. With `None` this process leaves
    /// marks for others who may tell the pool.
    #[must_use]
    pub fn mirrored(mut self, pool: Option<Arc<dyn Pool>>) -> Self {
        self.mirror = pool.map_or(Mirror::Marks, Mirror::Keeps);
        self
    }

    /// The pool, if this process tells it of changes.
    pub(crate) const fn pool(&self) -> Option<&Arc<dyn Pool>> {
        match &self.mirror {
            Mirror::Keeps(pool) => Some(pool),
            Mirror::Marks | Mirror::None => None,
        }
    }

    /// Adds to a change its marks; answers with what they are about.
    pub(crate) fn mark(&self, change: &mut Change) -> Vec<Subject> {
        match self.mirror {
            Mirror::None => Vec::new(),
            Mirror::Keeps(_) | Mirror::Marks => change.mark_for_pool(self.now()),
        }
    }

    /// Waits, not for long, until the pool has been told of these.
    pub(crate) async fn settle(&self, subjects: Vec<Subject>) {
        if subjects.is_empty() || self.pool().is_none() {
            return;
        }
        // At once, and not only when somebody waits for them.
        let told: Vec<_> = subjects.into_iter().map(|it| self.keep_up_apart(it)).collect();
        let all = async {
            for one in told {
                // What it came to is noted beside the mark.
                one.await;
            }
        };
        if tokio::time::timeout(SETTLE_TIME, all).await.is_err() {
            tracing::info!("outbox.answered_before_told");
        }
    }
}
