//! Clears what is left in the outbox: what failed, and what a process that ended left behind. Any number
//! of processes may do so at once.

use std::time::Duration;

use tokio::task::JoinSet;
use turnpike_domain::Error;

use super::Subject;
use crate::keys;
use crate::outbox::pending::is_announcement;
use crate::policy::causes;
use crate::registry::Registry;
use crate::store::{Query, Source};

/// How often it looks.
const PAUSE: Duration = Duration::from_secs(1);
/// How many objects it tells about at once.
const AT_ONCE: usize = 4;
/// How many items it looks at in one go.
const PAGE: usize = 100;

/// The task that clears the outbox.
#[derive(Clone, Debug)]
pub struct Worker(Registry);

impl Worker {
    /// For a registry that is [mirrored](Registry::mirrored) by this process.
    pub const fn new(registry: Registry) -> Self {
        Self(registry)
    }

    /// Clears until its future is dropped.
    pub async fn run(&self) {
        loop {
            if let Err(error) = self.clear().await {
                tracing::warn!(error = causes(&error), "outbox.not_cleared");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Looks once at everything that is there; answers with how much was done.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`]. What the pool refused is no error: it is noted, and
    /// tried again later.
    pub async fn clear(&self) -> Result<usize, Error> {
        let Some(pool) = self.0.pool().cloned() else { return Ok(0) };
        let mut done = 0;
        let mut running = JoinSet::new();
        let mut query = Query::new(Source::Table, keys::OUTBOX, PAGE);
        loop {
            let page = self.0.query(&query).await?;
            for item in page.items {
                if running.len() >= AT_ONCE {
                    done += ended(&mut running).await;
                }
                let registry = self.0.clone();
                if is_announcement(&item) {
                    let pool = pool.clone();
                    running.spawn(async move { registry.clear_announcement(&pool, &item).await });
                    continue;
                }
                let subject = Subject::of_mark(&item)?;
                running.spawn(async move {
                    Ok(registry.try_keep_up(&subject).await?.unwrap_or_default())
                });
            }
            match page.next {
                None => break,
                next => query = query.after(next),
            }
        }
        while !running.is_empty() {
            done += ended(&mut running).await;
        }
        Ok(done)
    }
}

/// Waits for one to end; answers with how many were told.
async fn ended(running: &mut JoinSet<Result<bool, Error>>) -> usize {
    match running.join_next().await {
        Some(Ok(Ok(true))) => 1,
        Some(Ok(Err(error))) => {
            tracing::warn!(error = causes(&error), "outbox.store_failed");
            0
        }
        _ => 0,
    }
}
