//! Makes clients and secrets in the pool. Neither can be asked for twice, so each is [announced](super::announce) first:
//!
//! 1. the announcement is committed, with a name that no other has;
//! 2. the pool makes the client under that name, or the secret;
//! 3. one commit keeps the outcome and removes the announcement.
//!
//! If the process ends in between, nobody has seen the secret. Whoever finds the announcement later
//! takes it over, so that the outcome can no longer be committed, and deletes what the pool made. That is also what
//! whoever asks for a secret of the same client does, before the pool makes it.

use turnpike_domain::authorization_server::pool::{
    self, PoolClient, PoolResourceServer, SecretName, ascii_name,
};
use turnpike_domain::id::{ClientId, RequestId};
use turnpike_domain::ports;
use turnpike_domain::secret::{SecretEntry, SecretValue};
use turnpike_domain::text::ClientName;
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{Client, Error, ResourceServer};

use super::announce::{Announced, For};
use super::{Mirror, PoolEntry, Subject};
use crate::change::Change;
use crate::fault;
use crate::keys;
use crate::outbox::entry::fingerprint;
use crate::record::Versioned;
use crate::registry::Registry;

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

/// After how long whoever asks for a secret finds that those that came late are ended.
const LATE_MILLIS: u64 = 1000;

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
        let announced = self.announce(keys::new_client(&unique), Vec::new(), For(None)).await?;
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
        let (Some((announced, _)), Some(pool)) = (provisioned.announced, self.pool()) else {
            return;
        };
        // So that it cannot be registered any more, should it seem so.
        let Some(left) = self.leave(announced).await else { return };
        match pool.delete_client(&provisioned.client_id).await {
            Ok(()) => self.forget(left).await,
            Err(error) => tracing::warn!(error = %error, "outbox.orphan_left"),
        }
    }

    /// Makes a second secret of a client for the authorization server. The change that keeps it ends
    /// with [`Registry::keep_secret`]; if there is none after all, it is [abandoned](Registry::abandon_secret).
    /// `request` is the caller's name of the request: a repeat takes the place of the call that it repeats.
    ///
    /// # Errors
    ///
    /// As [`Registry::provision_client`]; [`Error::Unavailable`] too while another secret of the client is being made.
    pub async fn provision_secret(
        &self,
        id: &ClientId,
        request: Option<&RequestId>,
    ) -> Result<ProvisionedSecret, Error> {
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
        let announced = self.announce_again(keys::new_secret(id), before, For(request)).await?;
        if announced.is_inherited()
            && let Err(error) = self.end_orphans(pool, id, &announced).await
        {
            self.leave(announced).await;
            return Err(error);
        }
        match pool.add_secret(id, &value).await {
            Ok(name) => {
                fault::reached("made");
                Ok(ProvisionedSecret { entry, value, announced: Some((announced, name)) })
            }
            Err(pool::Error::Full(_)) if announced.is_inherited() => {
                // What an earlier call asked for has come since.
                self.leave(announced).await;
                Err(Error::RateLimited { retry_after_ms: LATE_MILLIS })
            }
            Err(error) => Err(self.not_made(announced, error).await),
        }
    }

    /// Ends a secret that was provisioned and will not be kept: soon.
    pub async fn abandon_secret(&self, provisioned: ProvisionedSecret) {
        if let Some((announced, _)) = provisioned.announced {
            self.leave(announced).await;
        }
    }

    /// Adds to the change that keeps a secret what the pool calls it.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], also if somebody else makes one instead; [`Error::Internal`].
    pub async fn keep_secret(
        &self,
        change: &mut Change,
        id: &ClientId,
        secret: &ProvisionedSecret,
    ) -> Result<(), Error> {
        let Some((announced, name)) = &secret.announced else { return Ok(()) };
        if !self.holds(announced).await? {
            return Err(Error::Unavailable("the secret was taken for left behind".into()));
        }
        let entry = self.pool_entry(id).await?;
        let Versioned { value: mut entry, version } =
            entry.ok_or_else(|| Error::internal("the client has no entry in the pool"))?;
        entry.add_secret(&secret.entry.secret_id, Some(name.clone()));
        change.writes.push(entry.to_write(id, version)?);
        change.writes.push(announced.settled()?);
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

    /// What a failure means to the caller. If nothing was made, there is nothing to look for.
    async fn not_made(&self, announced: Announced, error: pool::Error) -> Error {
        if announced.is_inherited() || matches!(error, pool::Error::Unknown(_)) {
            self.leave(announced).await;
        } else {
            self.forget(announced).await;
        }
        error.into_error()
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
        if let Some((announced, entry)) = &provisioned.announced {
            self.writes.push(entry.to_write(&client.value.client_id, 0)?);
            self.writes.push(announced.settled()?);
        }
        Ok(())
    }
}
