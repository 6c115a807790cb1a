//! Tells the pool about one object.

use std::sync::Arc;
use std::time::Duration;

use turnpike_domain::authorization_server::pool::{self, Pool, PoolResourceServer};
use turnpike_domain::id::ClientId;
use turnpike_domain::{Error, Identifier, Timestamp};

use super::entry::fingerprint;
use super::{PoolEntry, Subject};
use crate::commit::unavailable;
use crate::fault;
use crate::keys;
use crate::outbox::claim::Claiming;
use crate::policy::causes;
use crate::record::Versioned;
use crate::registry::Registry;
use crate::store::{self, Item, Precondition, Write};

/// How often in a row the state that was told turned out to be an old one.
const ROUNDS: u32 = 5;
/// How long all that is done under a claim may take: less than the claim stands.
const TIME: Duration = Duration::from_secs(20);
/// How long one waits for another who holds the claim.
const WAITS: u32 = 40;
const WAIT: Duration = Duration::from_millis(100);

/// What a mark says: since when.
pub(crate) fn mark_body(now: Timestamp) -> Vec<u8> {
    now.millis().to_string().into_bytes()
}

/// Why the pool was not told.
#[derive(Debug)]
enum Problem {
    Pool(pool::Error),
    Registry(Error),
}

impl From<pool::Error> for Problem {
    fn from(error: pool::Error) -> Self {
        Self::Pool(error)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Registry(error)
    }
}

impl Registry {
    /// Tells the pool of an object if there is a mark; says whether no mark is left. Waits for another
    /// who is at it.
    pub(crate) async fn keep_up(&self, subject: &Subject) -> bool {
        for _ in 0..WAITS {
            match self.try_keep_up(subject).await {
                Ok(Some(done)) => return done,
                Ok(None) => tokio::time::sleep(WAIT).await,
                Err(error) => {
                    tracing::warn!(subject = %subject, error = causes(&error), "outbox.store_failed");
                    return false;
                }
            }
        }
        false
    }

    /// The same in a task of its own: a caller who hangs up does not leave a claim behind.
    pub(super) fn keep_up_apart(&self, subject: Subject) -> impl Future<Output = bool> + use<> {
        let registry = self.clone();
        let told = tokio::spawn(async move { registry.keep_up(&subject).await });
        async move { told.await.unwrap_or_default() }
    }

    /// Leaves a mark although nothing changed: the pool may differ all the same.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`].
    pub(crate) async fn mark_again(&self, subject: &Subject) -> Result<(), Error> {
        // No revision of an object is that high, so no change takes this mark for its own.
        let version = (1 << 60) + self.now().millis().unsigned_abs();
        let item = Item {
            key: subject.mark_key(),
            index1: None,
            index2: None,
            version,
            body: mark_body(self.now()),
        };
        match self.store().commit(&[Write::insert(item)]).await {
            Ok(()) | Err(store::Error::Precondition(_)) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The same without waiting: `None` if somebody else is at it, or it is too early to try again.
    pub(crate) async fn try_keep_up(&self, subject: &Subject) -> Result<Option<bool>, Error> {
        let Some(pool) = self.pool().cloned() else { return Ok(Some(false)) };
        if self.get(&subject.mark_key()).await?.is_none() {
            return Ok(Some(true));
        }
        let Claiming::Held(claim) = self.claim(subject).await? else {
            let failed = !self.claim_record(subject).await?.error.is_empty();
            return Ok(if failed { Some(false) } else { None });
        };
        fault::reached("claimed");
        let told = tokio::time::timeout(TIME, self.tell(&pool, subject)).await;
        let wrong = match told {
            Ok(Ok(())) => None,
            Ok(Err(Problem::Pool(error))) => Some(error.to_string()),
            Ok(Err(Problem::Registry(error))) => Some(error.to_string()),
            Err(_) => Some("it took too long".to_owned()),
        };
        if let Some(wrong) = &wrong {
            tracing::warn!(subject = %subject, error = %wrong, "outbox.not_told");
        }
        self.release(claim, wrong.as_deref()).await;
        Ok(Some(wrong.is_none()))
    }

    /// Tells until what was told is what stands.
    async fn tell(&self, pool: &Arc<dyn Pool>, subject: &Subject) -> Result<(), Problem> {
        for _ in 0..ROUNDS {
            let Some(mark) = self.get(&subject.mark_key()).await? else { return Ok(()) };
            let mut writes = match subject {
                Subject::Client(id) => self.tell_client(pool, id).await?,
                Subject::ResourceServer(id) => {
                    self.tell_resource_server(pool, id).await?;
                    Vec::new()
                }
            };
            fault::reached("told");
            writes.push(Write::Delete {
                key: mark.key,
                precondition: Precondition::Version(mark.version),
            });
            match self.store().commit(&writes).await {
                Ok(()) => {
                    fault::reached("cleared");
                    return Ok(());
                }
                // It changed meanwhile.
                Err(store::Error::Precondition(_) | store::Error::Contended) => {}
                Err(error) => return Err(unavailable(error).into()),
            }
        }
        Err(pool::Error::Busy { retry_after_ms: 1000 }.into())
    }

    /// Answers with what is to be kept of it.
    async fn tell_client(
        &self,
        pool: &Arc<dyn Pool>,
        id: &ClientId,
    ) -> Result<Vec<Write>, Problem> {
        let entry = self.pool_entry(id).await?;
        let Some(client) = self.client(id).await? else {
            pool.delete_client(id).await?;
            let key = keys::pool_entry(id);
            return Ok(vec![Write::Delete { key, precondition: Precondition::Any }]);
        };
        let Some(Versioned { value: mut entry, version }) = entry else {
            return Err(Error::internal("the client has no entry in the pool").into());
        };
        let before = entry.clone();
        let wanted = entry.wanted(&client.value, self.now());
        let told = fingerprint(&wanted);
        if entry.told != told {
            match self.put_client(pool, id, &wanted).await {
                // What is missing there does not come back by being told: a walk finds it.
                Ok(()) | Err(Problem::Pool(pool::Error::Missing)) => {}
                Err(problem) => return Err(problem),
            }
            entry.told = told;
        }
        self.end_secrets(pool, id, &client.value, &mut entry).await?;
        if entry == before {
            return Ok(Vec::new());
        }
        Ok(vec![entry.to_write(id, version)?])
    }

    /// Tells of a client, and before it of resource servers whose scopes the pool does not know yet.
    async fn put_client(
        &self,
        pool: &Arc<dyn Pool>,
        id: &ClientId,
        wanted: &pool::PoolClient,
    ) -> Result<(), Problem> {
        // Each time the pool names one scope: not more often than there are resource servers.
        for _ in 0..=wanted.scopes.len() {
            let missing = match pool.put_client(id, wanted).await {
                Err(pool::Error::MissingScope(missing)) => missing,
                other => return Ok(other?),
            };
            let scope = wanted.scopes.iter().find(|scope| scope.as_str() == missing);
            let scope = scope.ok_or(pool::Error::MissingScope(missing))?;
            let server = Subject::ResourceServer(scope.identifier());
            self.mark_again(&server).await?;
            // Under its own claim, as always.
            if !Box::pin(self.keep_up(&server)).await {
                return Err(pool::Error::Busy { retry_after_ms: 1000 }.into());
            }
        }
        Err(pool::Error::Busy { retry_after_ms: 1000 }.into())
    }

    async fn end_secrets(
        &self,
        pool: &Arc<dyn Pool>,
        id: &ClientId,
        client: &turnpike_domain::Client,
        entry: &mut PoolEntry,
    ) -> Result<(), Problem> {
        for (secret_id, name) in entry.ended_secrets(client) {
            if pool.remove_secret(id, &name).await? {
                entry.secrets.remove(&secret_id);
            }
        }
        Ok(())
    }

    async fn tell_resource_server(
        &self,
        pool: &Arc<dyn Pool>,
        id: &Identifier,
    ) -> Result<(), Problem> {
        match self.resource_server(id).await? {
            Some(server) => {
                pool.put_resource_server(&PoolResourceServer::of(&server.value)).await?;
            }
            None => pool.delete_resource_server(id).await?,
        }
        Ok(())
    }
}
