//! What a mark is about.

use std::fmt;

use turnpike_domain::id::ClientId;
use turnpike_domain::{Error, Identifier};

use crate::keys;
use crate::record::damaged;
use crate::store::{Item, Key, Precondition, Write};

/// A client or a resource server that a pool has an image of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A client.
    Client(ClientId),
    /// A resource server.
    ResourceServer(Identifier),
}

impl Subject {
    /// What a write is about, if a pool has an image of it, and the version of the mark.
    pub(crate) fn of_write(write: &Write) -> Option<(Self, u64)> {
        let version = match write {
            Write::Put { item, .. } => item.version,
            Write::Delete { precondition: Precondition::Version(version), .. } => version + 1,
            Write::Check { .. } | Write::Delete { .. } => return None,
        };
        let key = write.key();
        Some((Self::parse(&key.pk).filter(|_| key.sk == keys::META)?, version))
    }

    /// From the partition of its record.
    fn parse(pk: &str) -> Option<Self> {
        if let Some(id) = pk.strip_prefix("CLIENT#") {
            return ClientId::parse(id).ok().map(Self::Client);
        }
        let id = pk.strip_prefix("RS#")?;
        Identifier::parse(id).ok().map(Self::ResourceServer)
    }

    /// From a mark.
    pub(crate) fn of_mark(item: &Item) -> Result<Self, Error> {
        Self::parse(&item.key.sk).ok_or_else(|| damaged("a mark is about nothing"))
    }

    /// The partition of its record.
    fn pk(&self) -> String {
        match self {
            Self::Client(id) => keys::client(id).pk,
            Self::ResourceServer(id) => keys::resource_server(id).pk,
        }
    }

    /// Where its mark is.
    pub(crate) fn mark_key(&self) -> Key {
        Key::new(keys::OUTBOX, self.pk())
    }

    /// Where its claim is.
    pub(crate) fn claim_key(&self) -> Key {
        Key::new(format!("CLAIM#{}", self.pk()), keys::META)
    }
}

/// `kind/key`, as the log names it.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(id) => write!(f, "clients/{id}"),
            Self::ResourceServer(id) => write!(f, "resource-servers/{id}"),
        }
    }
}
