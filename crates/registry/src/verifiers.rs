//! Which verifiers follow the policy of a resource server, as each replica that serves some has noted: for a list that
//! is the same wherever it is asked for. No part of the log: nobody's access depends on it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use turnpike_domain::{Error, Identifier, Timestamp};

use crate::commit::unavailable;
use crate::keys;
use crate::record::{decode, encode};
use crate::registry::Registry;
use crate::store::{Item, Precondition, Source, Write};

/// How long a note of a replica is believed that is not renewed: it may have died.
pub const NOTE_LIFE: Duration = Duration::from_secs(60);

/// How many verifiers of a resource server a replica tells of; those beyond are in its counts only.
pub const NOTED_MAX: usize = 200;

/// A process that follows the policy of a resource server.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FollowingVerifier {
    /// What it calls itself.
    pub name: String,
    /// Its software and version.
    pub software: String,
    /// When it connected, in milliseconds since the epoch.
    pub since: i64,
    /// The newest event that concerns the resource server and that it has applied.
    pub applied: u64,
}

/// What one replica knows of the verifiers of a resource server.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FollowingVerifiers {
    /// At most [`NOTED_MAX`].
    pub listed: Vec<FollowingVerifier>,
    /// How many there are.
    pub total: usize,
    /// How many of them have applied the event of `applied` at least, for each number that one has.
    pub applied: Vec<(u64, usize)>,
}

#[derive(Deserialize, Serialize)]
struct Note {
    until: i64,
    verifiers: FollowingVerifiers,
}

impl Registry {
    /// Notes which verifiers a replica serves.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn note_verifiers(
        &self,
        identifier: &Identifier,
        replica: &str,
        verifiers: FollowingVerifiers,
    ) -> Result<(), Error> {
        let key = keys::verifiers_of_replica(identifier, replica);
        let until = self.now().plus_seconds(NOTE_LIFE.as_secs().cast_signed());
        let item = Item {
            index1: Some(keys::expiring(until, &key)),
            index2: None,
            key,
            version: 1,
            body: encode(&Note { until: until.millis(), verifiers })?,
        };
        let write = Write::Put { item, precondition: Precondition::Any };
        self.store.commit(&[write]).await.map_err(unavailable)
    }

    /// What replicas other than this one noted lately.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn verifiers_of_others(
        &self,
        identifier: &Identifier,
        replica: &str,
    ) -> Result<Vec<FollowingVerifiers>, Error> {
        let now = self.now();
        let mut noted = Vec::new();
        for item in self.query_all(Source::Table, &keys::verifiers(identifier), "").await? {
            let note: Note = decode(&item.body)?;
            if item.key.sk != replica && Timestamp::from_millis(note.until) > now {
                noted.push(note.verifiers);
            }
        }
        Ok(noted)
    }
}
