//! Makes clients and secrets in the pool. Neither can be asked for twice, so each is announced first:
//!
//! 1. the announcement is committed, with a name that no other has;
//! 2. the pool makes the client under that name, or the secret;
//! 3. one commit keeps the outcome and removes the announcement.
//!
//! If the process ends in between, nobody has seen the secret. Whoever finds the announcement later
//! takes it over, so that the outcome can no longer be committed, and deletes what the pool made.

use serde::{Deserialize, Serialize};
use turnpike_domain::authorization_server::pool::{
    self, PoolClient, PoolResourceServer, SecretName, ascii_name,
};
use turnpike_domain::id::ClientId;
use turnpike_domain::ports;
use turnpike_domain::secret::{SecretEntry, SecretValue};
use turnpike_domain::text::ClientName;
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{Client, Error, ResourceServer};

use super::{Mirror, PoolEntry, Subject};
use crate::change::Change;
use crate::commit::unavailable;
use crate::fault;
use crate::keys;
use crate::outbox::entry::fingerprint;
use crate::record::{Versioned, encode};
use crate::registry::Registry;
use crate::store::{self, Item, Key, Precondition, Write};

/// How much of a client's name stands before the part that no other has.
const NAME_MAX: usize = 96;

/// A client that exists for the authorization server, and is about to be registered.
#[derive(Debug)]
pub struct Provisioned {
    /// Its key.
    pub client_id: ClientId,
    /// What is kept of its secret.
    pub entry: SecretEntry,
    /// The secret, to be shown once.
    pub value: SecretValue,
    announced: Option<(Announced, PoolEntry)>,
}

/// A secret that exists for the authorization server, and is about to be kept.
#[derive(Debug)]
pub struct ProvisionedSecret {
    /// What is kept of it.
    pub entry: SecretEntry,
    /// The secret, to be shown once.
    pub value: SecretValue,
    announced: Option<(Announced, SecretName)>,
}

/// An announcement as it was committed.
#[derive(Debug)]
struct Announced(Key);

/// What an announcement says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Announcement {
    /// Since when, in milliseconds since the epoch.
    pub(crate) since: i64,
    /// For a secret: the pool's names of those that were there before.
    #[serde(default)]
    pub(crate) before: Vec<String>,
}

impl Registry {
    /// Makes a client, and its first secret, for the authorization server. It has no scopes yet. The
    /// change that registers it ends with [`Change::register`]; if there is none after all, it is
    /// [abandoned](Registry::abandon_client).
    ///
    /// # Errors
    ///
    /// [`Error::Precondition`] `QUOTA_REACHED` if the authorization server takes no more clients;
    /// [`Error::RateLimited`], [`Error::Unavailable`] if it may succeed later; [`Error::Internal`].
    pub async fn provision_client(
        &self,
        display_name: &ClientName,
        token_lifetime: TokenLifetime,
    ) -> Result<Provisioned, Error> {
        let (entry, value) = SecretEntry::generate(self.entropy(), self.now());
        let pool = match &self.mirror {
            Mirror::None => {
                let client_id = ClientId::generate(self.entropy());
                return Ok(Provisioned { client_id, entry, value, announced: None });
            }
            Mirror::Marks => return Err(Error::internal("this process may not create clients")),
            Mirror::Keeps(pool) => pool,
        };
        let unique = format!("tp-{}", ports::unique(self.entropy()));
        let name = format!("{} {unique}", ascii_name(display_name.as_str(), NAME_MAX));
        let announced = self.announce(keys::new_client(&unique), Vec::new()).await?;
        let wanted = PoolClient { name, token_lifetime, scopes: Vec::new() };
        let made = match pool.create_client(&wanted, &value).await {
            Ok(made) => made,
            Err(error) => return Err(self.not_made(announced, error).await),
        };
        fault::reached("made");
        let told = fingerprint(&wanted);
        let mut kept = PoolEntry { name: wanted.name, told, ..PoolEntry::default() };
        kept.add_secret(&entry.secret_id, made.secret);
        Ok(Provisioned {
            client_id: made.client_id,
            entry,
            value,
            announced: Some((announced, kept)),
        })
    }

    /// Deletes a client that was provisioned and will not be registered. If that fails, it is done later.
    pub async fn abandon_client(&self, provisioned: Provisioned) {
        let (Some((Announced(key), _)), Some(pool)) = (provisioned.announced, self.pool()) else {
            return;
        };
        // Taken over, so that it cannot be registered any more, should it seem so.
        if !self.take_over(&key).await {
            return;
        }
        match pool.delete_client(&provisioned.client_id).await {
            Ok(()) => self.forget_announcement(key).await,
            Err(error) => tracing::warn!(error = %error, "outbox.orphan_left"),
        }
    }

    /// Makes a second secret of a client for the authorization server. The change that keeps it ends
    /// with [`Registry::keep_secret`]; without one it is found and ended later.
    ///
    /// # Errors
    ///
    /// As [`Registry::provision_client`].
    pub async fn provision_secret(&self, id: &ClientId) -> Result<ProvisionedSecret, Error> {
        let (entry, value) = SecretEntry::generate(self.entropy(), self.now());
        let pool = match &self.mirror {
            Mirror::Keeps(pool) if pool.takes_secrets() => pool,
            Mirror::Marks => return Err(Error::internal("this process may not make secrets")),
            Mirror::Keeps(_) | Mirror::None => {
                return Ok(ProvisionedSecret { entry, value, announced: None });
            }
        };
        let before = pool.secrets(id).await.map_err(pool::Error::into_error)?;
        let before = before.into_iter().map(|SecretName(name)| name).collect();
        let announced = self.announce(keys::new_secret(id), before).await?;
        match pool.add_secret(id, &value).await {
            Ok(name) => Ok(ProvisionedSecret { entry, value, announced: Some((announced, name)) }),
            Err(error) => Err(self.not_made(announced, error).await),
        }
    }

    /// Adds to the change that keeps a secret what the pool calls it.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn keep_secret(
        &self,
        change: &mut Change,
        id: &ClientId,
        secret: &ProvisionedSecret,
    ) -> Result<(), Error> {
        let Some((Announced(key), name)) = &secret.announced else { return Ok(()) };
        let entry = self.pool_entry(id).await?;
        let Versioned { value: mut entry, version } =
            entry.ok_or_else(|| Error::internal("the client has no entry in the pool"))?;
        entry.add_secret(&secret.entry.secret_id, Some(name.clone()));
        change.writes.push(entry.to_write(id, version)?);
        change.writes.push(settled(key));
        Ok(())
    }

    /// Makes a resource server known to the authorization server before it is registered, so that a
    /// quota that is used up is heard of in time. If it is not registered after all, it goes away by
    /// itself.
    ///
    /// # Errors
    ///
    /// As [`Registry::provision_client`].
    pub async fn provision_resource_server(&self, server: &ResourceServer) -> Result<(), Error> {
        let Some(pool) = self.pool() else { return Ok(()) };
        self.mark_again(&Subject::ResourceServer(server.identifier.clone())).await?;
        let wanted = PoolResourceServer::of(server);
        fault::reached("announced");
        pool.put_resource_server(&wanted).await.map_err(pool::Error::into_error)?;
        fault::reached("made");
        Ok(())
    }

    async fn announce(&self, key: Key, before: Vec<String>) -> Result<Announced, Error> {
        let since = self.now().millis();
        let item = Item {
            key: key.clone(),
            index1: None,
            index2: None,
            version: 1,
            body: encode(&Announcement { since, before })?,
        };
        match self.store().commit(&[Write::insert(item)]).await {
            Ok(()) => {
                fault::reached("announced");
                Ok(Announced(key))
            }
            Err(store::Error::Precondition(_)) => {
                Err(Error::Unavailable("another secret of the client is being made".into()))
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    /// What a failure means to the caller. If nothing was made, there is nothing to look for.
    async fn not_made(&self, announced: Announced, error: pool::Error) -> Error {
        if !matches!(error, pool::Error::Unknown(_)) {
            self.forget_announcement(announced.0).await;
        }
        error.into_error()
    }

    /// Takes an announcement over from whoever made it: its outcome can no longer be committed.
    pub(crate) async fn take_over(&self, key: &Key) -> bool {
        let Ok(Some(item)) = self.get(key).await else { return false };
        if item.version > 1 {
            return true;
        }
        let taken = Item { version: 2, ..item };
        self.store().commit(&[Write::replace(taken, 1)]).await.is_ok()
    }

    pub(crate) async fn forget_announcement(&self, key: Key) {
        let write = Write::Delete { key, precondition: Precondition::Any };
        if let Err(error) = self.store().commit(&[write]).await {
            // It is found again, and then there is nothing to do.
            tracing::debug!(error = %error, "outbox.announcement_left");
        }
    }
}

impl Change {
    /// Registers a client that was provisioned.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if it cannot be encoded.
    pub fn register(
        &mut self,
        client: &Versioned<Client>,
        provisioned: &Provisioned,
    ) -> Result<(), Error> {
        self.put_client(client)?;
        if let Some((Announced(key), entry)) = &provisioned.announced {
            self.writes.push(entry.to_write(&client.value.client_id, 0)?);
            self.writes.push(settled(key));
        }
        Ok(())
    }
}

/// The end of an announcement that nobody has taken over.
fn settled(key: &Key) -> Write {
    Write::Delete { key: key.clone(), precondition: Precondition::Version(1) }
}
