//! How things are kept: JSON with the domain's own forms, parsed by the domain's own constructors when
//! read back, so that nothing wrong comes out of a store.

pub(crate) mod client;
pub(crate) mod grant;
pub(crate) mod resource_server;
pub(crate) mod session;
pub(crate) mod team;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use turnpike_domain::error::BoxError;
use turnpike_domain::id::SecretId;
use turnpike_domain::secret::{SecretEntry, SecretHash, Secrets};
use turnpike_domain::{Error, Principal, PrincipalKind, Problem, Timestamp};

/// A value and the revision at which it was read: what its next write expects to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The value.
    pub value: T,
    /// Its revision: 0 if it is not kept yet, one more at each change.
    pub version: u64,
}

impl<T> Versioned<T> {
    /// A value that is not kept yet.
    pub const fn new(value: T) -> Self {
        Self { value, version: 0 }
    }
}

/// Encodes a record.
pub(crate) fn encode<R: Serialize>(record: &R) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(record).map_err(Error::internal)
}

/// Decodes a record.
pub(crate) fn decode<R: DeserializeOwned>(body: &[u8]) -> Result<R, Error> {
    serde_json::from_slice(body).map_err(Error::internal)
}

/// A field that was kept and no longer parses: the store is damaged, or the rules were narrowed
/// without a migration.
pub(crate) fn kept<T>(field: &'static str, parsed: Result<T, Problem>) -> Result<T, Error> {
    parsed.map_err(|problem| damaged(format!("kept {field} {problem}")))
}

pub(crate) fn damaged(what: impl Into<BoxError>) -> Error {
    Error::internal(what)
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SecretRecord {
    secret_id: String,
    sha256: String,
    create_time: i64,
}

pub(crate) fn secrets_to(secrets: &Secrets) -> Vec<SecretRecord> {
    let record = |entry: &SecretEntry| SecretRecord {
        secret_id: entry.secret_id.to_string(),
        sha256: crate::hash::hex(entry.hash.as_bytes()),
        create_time: entry.create_time.millis(),
    };
    secrets.list().iter().map(record).collect()
}

pub(crate) fn secrets_from(records: Vec<SecretRecord>) -> Result<Secrets, Error> {
    let entry = |record: SecretRecord| {
        Ok(SecretEntry {
            secret_id: kept("secret_id", SecretId::parse(&record.secret_id))?,
            hash: crate::hash::unhex(&record.sha256)
                .map(SecretHash::from_bytes)
                .ok_or_else(|| damaged("kept secret hash is not a hash"))?,
            create_time: Timestamp::from_millis(record.create_time),
        })
    };
    Ok(Secrets::from_entries(records.into_iter().map(entry).collect::<Result<_, Error>>()?))
}

#[derive(Serialize, Deserialize)]
pub(crate) struct PrincipalRecord {
    kind: String,
    id: String,
    display_name: String,
}

impl PrincipalRecord {
    pub(crate) fn of(principal: &Principal) -> Self {
        Self {
            kind: principal.kind.as_str().to_owned(),
            id: principal.id.clone(),
            display_name: principal.display_name.clone(),
        }
    }

    pub(crate) fn into_principal(self) -> Result<Principal, Error> {
        Ok(Principal {
            kind: PrincipalKind::from_name(&self.kind)
                .ok_or_else(|| damaged("kept kind of principal is unknown"))?,
            id: self.id,
            display_name: self.display_name,
        })
    }
}
