//! Takes over from the pool what the registry does not say, and tells the pool again what it says.

use turnpike_domain::authorization_server::pool::{
    self, FoundClient, FoundResourceServer, PoolClient, PoolResourceServer, SecretName,
};
use turnpike_domain::error::Subject as ErrorSubject;
use turnpike_domain::id::ClientId;
use turnpike_domain::{Client, Error, Identifier, Scope};

use super::entry::fingerprint;
use super::{PoolEntry, Subject};
use crate::change::Change;
use crate::commit::unavailable;
use crate::drift::{FieldDrift, compare};
use crate::record::{Versioned, kept};
use crate::registry::Registry;
use crate::store;

/// How often the entry of a client is read anew because others changed it.
const TRIES: u32 = 12;

impl Registry {
    /// A client as the pool has it now; `None` without a pool, where nothing can differ.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`]; what the pool fails with.
    pub async fn pool_client(&self, id: &ClientId) -> Result<Option<FoundClient>, Error> {
        let Some(pool) = self.pool() else { return Ok(None) };
        let found = pool.client(id).await.map_err(pool::Error::into_error)?;
        found.map(Some).ok_or_else(|| absent("clients", id.as_str()))
    }

    /// A resource server as the pool has it now; `None` without a pool, where nothing can differ.
    ///
    /// # Errors
    ///
    /// As [`Registry::pool_client`].
    pub async fn pool_resource_server(
        &self,
        id: &Identifier,
    ) -> Result<Option<FoundResourceServer>, Error> {
        let Some(pool) = self.pool() else { return Ok(None) };
        let found = pool.resource_server(id).await.map_err(pool::Error::into_error)?;
        found.map(Some).ok_or_else(|| absent("resource-servers", id.as_str()))
    }

    /// Whether the authorization server has a pool that this process tells of changes.
    pub const fn has_pool(&self) -> bool {
        self.pool().is_some()
    }

    /// The pool's name of the secret of a client that is about to be adopted, if secrets have names there.
    ///
    /// # Errors
    ///
    /// [`Error::Precondition`] `TWO_SECRETS`: when one of them is shown, nothing tells which it is, and
    /// later the wrong one could be ended. What the pool fails with.
    pub async fn adoptable_secret(&self, id: &ClientId) -> Result<Option<SecretName>, Error> {
        let Some(pool) = self.pool() else { return Ok(None) };
        let mut names = pool.secrets(id).await.map_err(pool::Error::into_error)?;
        if names.len() > 1 {
            let why = "two secrets of the client live in the pool: end one of them there first";
            return Err(Error::blocked("TWO_SECRETS", format!("clients/{id}"), why));
        }
        Ok(names.pop())
    }

    /// Adds to a change that a client is registered, or changed, to be what the pool says of it. Its
    /// secret, if it is new here, is known to the authorization server alone until it is shown; `secret` is
    /// what the pool calls it.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn adopt_client(
        &self,
        change: &mut Change,
        client: &Versioned<Client>,
        found: &FoundClient,
        secret: Option<&SecretName>,
    ) -> Result<(), Error> {
        let id = &client.value.client_id;
        let there = self.pool_entry(id).await?;
        let unknown_secret = secret.map(|SecretName(name)| name.clone());
        let new = PoolEntry { secret_unknown: true, unknown_secret, ..PoolEntry::default() };
        let Versioned { value: mut entry, version } = there.unwrap_or_else(|| Versioned::new(new));
        entry.name.clone_from(&found.name);
        // Whatever the pool says is as if it had been told so: if that is not what it shall say, such as of a client
        // that is disabled here, the mark of this change tells it.
        let scopes = found.scopes.iter().map(|scope| kept("scope", Scope::parse(scope)));
        let mut scopes = scopes.collect::<Result<Vec<_>, Error>>()?;
        scopes.sort();
        let token_lifetime = client.value.token_lifetime;
        entry.told = fingerprint(&PoolClient { name: found.name.clone(), token_lifetime, scopes });
        change.put_client(client)?;
        change.writes.push(entry.to_write(id, version)?);
        Ok(())
    }

    /// What the pool says of an object, now, and the registry does not; nothing without a pool.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the registry does not have it; [`Error::Precondition`] `LOST_CLIENT` if it
    /// is a client and the pool does not have it; what store or pool fail with.
    pub async fn pool_differs(&self, subject: &Subject) -> Result<Vec<FieldDrift>, Error> {
        match subject {
            Subject::Client(id) => {
                let client = self.client(id).await?;
                let client = client.ok_or_else(|| absent("clients", id.as_str()))?;
                let Some(pool) = self.pool() else { return Ok(Vec::new()) };
                let entry = self.pool_entry(id).await?;
                let entry = entry.ok_or_else(|| Error::internal("no entry in the pool"))?;
                let found = pool.client(id).await.map_err(pool::Error::into_error)?;
                let found = found.ok_or_else(|| lost(subject))?;
                Ok(compare::client(&entry.value.wanted(&client.value, self.now()), &found))
            }
            Subject::ResourceServer(id) => {
                let server = self.resource_server(id).await?;
                let server = server.ok_or_else(|| absent("resource-servers", id.as_str()))?;
                let Some(pool) = self.pool() else { return Ok(Vec::new()) };
                let found = pool.resource_server(id).await.map_err(pool::Error::into_error)?;
                let wanted = PoolResourceServer::of(&server.value);
                Ok(match found {
                    Some(found) => compare::resource_server(&wanted, &found),
                    None => vec![FieldDrift {
                        field: "resource_server".to_owned(),
                        ours: id.to_string(),
                        theirs: String::new(),
                    }],
                })
            }
        }
    }

    /// Tells the pool of an object again, whatever it was told before.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if it could not be told now; it will be later.
    pub async fn retell(&self, subject: &Subject) -> Result<(), Error> {
        if let Subject::Client(id) = subject {
            self.forget_told(id).await?;
        }
        self.mark_again(subject).await?;
        if self.keep_up_apart(subject.clone()).await {
            return self.forget_drift(subject).await;
        }
        Err(Error::Unavailable("the authorization server was not told yet".into()))
    }

    /// Forgets what the pool was told of a client, whatever others note of it meanwhile.
    async fn forget_told(&self, id: &ClientId) -> Result<(), Error> {
        for _ in 0..TRIES {
            let Some(Versioned { value: mut entry, version }) = self.pool_entry(id).await? else {
                return Ok(());
            };
            entry.told = String::new();
            match self.store().commit(&[entry.to_write(id, version)?]).await {
                Ok(()) => return Ok(()),
                Err(store::Error::Precondition(_) | store::Error::Contended) => {}
                Err(error) => return Err(unavailable(error)),
            }
        }
        Err(Error::Unavailable("others changed the entry in the pool again and again".into()))
    }
}

fn absent(kind: &'static str, key: &str) -> Error {
    Error::NotFound(ErrorSubject::new(kind, key))
}

fn lost(subject: &Subject) -> Error {
    let why = "the authorization server has lost the client, and gives its client_id to no other: \
               delete it and register a new one";
    Error::blocked("LOST_CLIENT", subject.to_string(), why)
}
