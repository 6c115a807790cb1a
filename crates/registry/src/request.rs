//! Answered requests: what makes a create idempotent for a day (AIP-155).

use serde::{Deserialize, Serialize};
use turnpike_domain::id::RequestId;
use turnpike_domain::{Error, Principal, Problem, Timestamp};

use crate::keys;
use crate::record::{decode, encode};
use crate::store::{Item, Precondition};

/// How long an answer is remembered.
const REMEMBERED_SECONDS: i64 = 24 * 60 * 60;

/// A request that asks to be answered once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// The caller's name for it.
    pub request_id: RequestId,
    /// The method that was called.
    pub method: String,
    /// SHA-256 of what was asked, to tell a repeat from another request with the same id.
    pub fingerprint: String,
}

/// A request with its answer: the keys of what it made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    once: Once,
    keys: Vec<String>,
    now: Timestamp,
    replaces: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    method: String,
    fingerprint: String,
    keys: Vec<String>,
    expire_time: i64,
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was answered: the keys of what it made.
    Before(Vec<String>),
    /// It was not, and is now to be answered; carries the revision of an older answer that may be replaced.
    Never(Option<u64>),
}

impl Once {
    /// What an item says of this request.
    pub(crate) fn seen(&self, item: Option<&Item>, now: Timestamp) -> Result<Seen, Error> {
        let Some(item) = item else { return Ok(Seen::Never(None)) };
        let record: Record = decode(&item.body)?;
        if record.expire_time <= now.millis() {
            return Ok(Seen::Never(Some(item.version)));
        }
        if record.method != self.method || record.fingerprint != self.fingerprint {
            return Err(Error::invalid(
                "request_id",
                Problem::Conflict("was used for another request: choose a new one"),
            ));
        }
        Ok(Seen::Before(record.keys))
    }

    /// This request with the keys of what it made. `replaces` comes from [`Seen::Never`].
    pub fn answered(self, keys: Vec<String>, now: Timestamp, replaces: Option<u64>) -> Answered {
        Answered { once: self, keys, now, replaces }
    }
}

impl Answered {
    pub(crate) fn to_item(&self, caller: &Principal) -> Result<Item, Error> {
        let expire_time = self.now.plus_seconds(REMEMBERED_SECONDS);
        let key = keys::request(caller, &self.once.request_id);
        Ok(Item {
            index1: Some(keys::expiring(expire_time, &key)),
            index2: None,
            version: self.replaces.unwrap_or(0) + 1,
            body: encode(&Record {
                method: self.once.method.clone(),
                fingerprint: self.once.fingerprint.clone(),
                keys: self.keys.clone(),
                expire_time: expire_time.millis(),
            })?,
            key,
        })
    }

    pub(crate) fn precondition(&self) -> Precondition {
        self.replaces.map_or(Precondition::Absent, Precondition::Version)
    }
}
