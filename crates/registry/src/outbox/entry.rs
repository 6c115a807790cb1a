//! What is kept of a client beside its record: what the pool calls it, and was last told of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use turnpike_domain::authorization_server::pool::{PoolClient, SecretName};
use turnpike_domain::id::{ClientId, SecretId};
use turnpike_domain::{Client, Error, Timestamp};

use crate::hash::sha256_hex;
use crate::keys;
use crate::record::{Versioned, decode, encode};
use crate::registry::Registry;
use crate::store::{Item, Write};

/// A client's entry in the pool, as far as Turnpike knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PoolEntry {
    /// Its name there, decided at creation.
    pub(crate) name: String,
    /// What the pool was last told, as a hash; empty if that is not known.
    #[serde(default)]
    pub(crate) told: String,
    /// The pool's names of its secrets, also of those that ended here and not yet there.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, String>,
    /// It was adopted, and its secret is not known yet: the authorization server knows.
    #[serde(default)]
    pub(crate) secret_unknown: bool,
    /// What the pool calls the secret that is not known yet, if it has a name there.
    #[serde(default)]
    pub(crate) unknown_secret: Option<String>,
}

impl PoolEntry {
    /// What the pool shall say of `client`.
    pub(crate) fn wanted(&self, client: &Client, now: Timestamp) -> PoolClient {
        let authenticates = self.secret_unknown || !client.secrets.list().is_empty();
        let scopes =
            if client.enabled && authenticates { client.scopes_at(Some(now)) } else { Vec::new() };
        PoolClient { name: self.name.clone(), token_lifetime: client.token_lifetime, scopes }
    }

    /// The names of secrets that ended here and not yet there.
    pub(crate) fn ended_secrets(&self, client: &Client) -> Vec<(String, SecretName)> {
        let lives = |id: &str| client.secrets.list().iter().any(|s| s.secret_id.as_str() == id);
        let ended = self.secrets.iter().filter(|(id, _)| !lives(id));
        ended.map(|(id, name)| (id.clone(), SecretName(name.clone()))).collect()
    }

    /// Whether it has a secret that the pool calls so.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.unknown_secret.as_deref() == Some(name) || self.secrets.values().any(|s| s == name)
    }

    /// Notes the pool's name of a secret.
    pub(crate) fn add_secret(&mut self, id: &SecretId, name: Option<SecretName>) {
        if let Some(SecretName(name)) = name {
            self.secrets.insert(id.to_string(), name);
        }
    }

    pub(crate) fn to_write(&self, id: &ClientId, version: u64) -> Result<Write, Error> {
        let item = Item {
            key: keys::pool_entry(id),
            index1: None,
            index2: None,
            version: version + 1,
            body: encode(self)?,
        };
        Ok(match version {
            0 => Write::insert(item),
            _ => Write::replace(item, version),
        })
    }
}

/// What stands for all that a pool is told of a client.
pub(crate) fn fingerprint(client: &PoolClient) -> String {
    let scopes: Vec<&str> = client.scopes.iter().map(|scope| scope.as_str()).collect();
    sha256_hex(format!("{} {}", client.token_lifetime.seconds(), scopes.join(" ")).as_bytes())
}

impl Registry {
    /// The entry of a client, if it has one.
    pub(crate) async fn pool_entry(
        &self,
        id: &ClientId,
    ) -> Result<Option<Versioned<PoolEntry>>, Error> {
        let item = self.get(&keys::pool_entry(id)).await?;
        let entry = item.map(|item| {
            Ok::<_, Error>(Versioned { value: decode(&item.body)?, version: item.version })
        });
        entry.transpose()
    }
}
