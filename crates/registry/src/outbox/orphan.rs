//! Orphans: what the pool made and nobody registered. Nobody has seen their secrets.

use std::sync::Arc;

use turnpike_domain::Error;
use turnpike_domain::authorization_server::pool::{self, Pool, SecretName};
use turnpike_domain::id::{ClientId, SecretId};

use super::announce::Announced;
use crate::commit::unavailable;
use crate::keys;
use crate::record::kept;
use crate::registry::Registry;
use crate::store::Item;

impl Registry {
    /// Ends what came of an announcement that is due to be looked at; says whether it is gone for good.
    pub(super) async fn clear_announcement(
        &self,
        pool: &Arc<dyn Pool>,
        item: &Item,
    ) -> Result<bool, Error> {
        let Some(announced) = self.take_over(item).await? else { return Ok(false) };
        let ended = match item.key.sk.strip_prefix(keys::NEW_CLIENT) {
            Some(unique) => self.delete_orphan(pool, unique).await,
            None => {
                let id = item.key.sk.strip_prefix(keys::NEW_SECRET).unwrap_or_default();
                let id = kept("client_id", ClientId::parse(id))?;
                self.end_orphans(pool, &id, &announced).await
            }
        };
        match ended {
            Ok(found) => {
                // Of each holder there is one at most.
                let all = found && !announced.is_inherited();
                tracing::info!(found, "outbox.orphan_looked_for");
                Ok(self.looked(announced, all).await)
            }
            Err(error) => {
                tracing::warn!(error = %error, "outbox.orphan_left");
                Ok(false)
            }
        }
    }

    /// Deletes the client whose name ends so, unless somebody has adopted it; says whether there was one.
    async fn delete_orphan(&self, pool: &Arc<dyn Pool>, unique: &str) -> Result<bool, Error> {
        let mut after = None;
        loop {
            let page = pool.clients(after.as_deref()).await.map_err(pool::Error::into_error)?;
            if let Some(orphan) = page.items.iter().find(|client| client.name.ends_with(unique)) {
                let id = &orphan.client_id;
                if self.client(id).await?.is_none() {
                    pool.delete_client(id).await.map_err(pool::Error::into_error)?;
                }
                return Ok(true);
            }
            after = page.next;
            if after.is_none() {
                return Ok(false);
            }
        }
    }

    /// Ends the secrets of a client that earlier holders of an announcement left; says whether there were any.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], also if it was taken over meanwhile; what the pool fails with.
    pub(super) async fn end_orphans(
        &self,
        pool: &Arc<dyn Pool>,
        id: &ClientId,
        announced: &Announced,
    ) -> Result<bool, Error> {
        // Read after it was taken over: an earlier holder has kept its secret by now, or never will.
        let entry = self.pool_entry(id).await?;
        let there = pool.secrets(id).await.map_err(pool::Error::into_error)?;
        // A later holder would have made a secret after this, so that what is on the list is no later holder's.
        if !self.holds(announced).await? {
            return Err(Error::Unavailable("another secret of the client is being made".into()));
        }
        let knows = |name: &str| entry.as_ref().is_some_and(|entry| entry.value.knows(name));
        let mut found = false;
        for name in there {
            let SecretName(text) = &name;
            if announced.before().contains(text) || knows(text) {
                continue;
            }
            found = true;
            if !pool.remove_secret(id, &name).await.map_err(pool::Error::into_error)? {
                self.end_with_the_next(id, name).await?;
            }
        }
        Ok(found)
    }

    /// Notes a secret that the pool insists on, its last one, as one that ended here: it goes once there is another.
    async fn end_with_the_next(&self, id: &ClientId, name: SecretName) -> Result<(), Error> {
        let Some(mut entry) = self.pool_entry(id).await? else { return Ok(()) };
        entry.value.add_secret(&SecretId::generate(self.entropy()), Some(name));
        let write = entry.value.to_write(id, entry.version)?;
        self.store().commit(&[write]).await.map_err(unavailable)
    }
}
