//! Clears what is left in the outbox: what failed, and what a process that ended left behind. Any number
//! of processes may do so at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use turnpike_domain::Error;
use turnpike_domain::authorization_server::pool::{self, Pool, SecretName};
use turnpike_domain::id::ClientId;

use super::Subject;
use crate::keys;
use crate::outbox::create::Announcement;
use crate::outbox::pending::is_announcement;
use crate::record::{decode, kept};
use crate::registry::Registry;
use crate::store::{Item, Query, Source};

/// How often it looks.
const PAUSE: Duration = Duration::from_secs(1);
/// How many objects it tells about at once.
const AT_ONCE: usize = 4;
/// How many items it looks at in one go.
const PAGE: usize = 100;
/// How old an announcement is when nobody can be at it any more: far older than any call becomes.
const ABANDONED_MILLIS: i64 = 90_000;
/// How old it is when what was asked of the pool cannot come to be any more.
const OVER_MILLIS: i64 = 15 * 60_000;

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
                tracing::warn!(error = %error, "outbox.not_cleared");
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
                if is_announcement(&item) {
                    done += usize::from(self.clear_announcement(&pool, &item).await?);
                    continue;
                }
                let subject = Subject::of_mark(&item)?;
                if running.len() >= AT_ONCE {
                    done += ended(&mut running).await;
                }
                let registry = self.0.clone();
                running.spawn(async move { registry.try_keep_up(&subject).await });
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

    async fn clear_announcement(&self, pool: &Arc<dyn Pool>, item: &Item) -> Result<bool, Error> {
        let announcement: Announcement = decode(&item.body)?;
        let age = self.0.now().millis() - announcement.since;
        let over = age >= OVER_MILLIS;
        // Looked at when it is abandoned, and once more when nothing can come of it any more.
        if age < ABANDONED_MILLIS || (item.version > 1 && !over) {
            return Ok(false);
        }
        if !self.0.take_over(&item.key).await {
            return Ok(false);
        }
        let cleared = match item.key.sk.strip_prefix(keys::NEW_CLIENT) {
            Some(unique) => self.delete_orphan(pool, unique).await,
            None => {
                let id = item.key.sk.strip_prefix(keys::NEW_SECRET).unwrap_or_default();
                let id = kept("client_id", ClientId::parse(id))?;
                self.end_orphan(pool, &id, &announcement.before).await
            }
        };
        match cleared {
            Ok(found) if found || over => {
                self.0.forget_announcement(item.key.clone()).await;
                tracing::info!(found, "outbox.orphan_cleared");
                Ok(true)
            }
            Ok(_) => Ok(false),
            Err(error) => {
                tracing::warn!(error = %error, "outbox.orphan_left");
                Ok(false)
            }
        }
    }

    /// Deletes the client whose name ends so. Nobody has seen its secret.
    async fn delete_orphan(&self, pool: &Arc<dyn Pool>, unique: &str) -> Result<bool, pool::Error> {
        let mut after = None;
        loop {
            let page = pool.clients(after.as_deref()).await?;
            if let Some(orphan) = page.items.iter().find(|client| client.name.ends_with(unique)) {
                pool.delete_client(&orphan.client_id).await?;
                return Ok(true);
            }
            after = page.next;
            if after.is_none() {
                return Ok(false);
            }
        }
    }

    /// Ends the secret that was not there before. Nobody has seen it.
    async fn end_orphan(
        &self,
        pool: &Arc<dyn Pool>,
        id: &ClientId,
        before: &[String],
    ) -> Result<bool, pool::Error> {
        for SecretName(name) in pool.secrets(id).await? {
            if !before.contains(&name) {
                return pool.remove_secret(id, &SecretName(name)).await;
            }
        }
        Ok(false)
    }
}

/// Waits for one to end; answers with how many were told.
async fn ended(running: &mut JoinSet<Result<Option<bool>, Error>>) -> usize {
    match running.join_next().await {
        Some(Ok(Ok(Some(true)))) => 1,
        Some(Ok(Err(error))) => {
            tracing::warn!(error = %error, "outbox.store_failed");
            0
        }
        _ => 0,
    }
}
