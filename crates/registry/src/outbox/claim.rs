//! Claims: who tells the pool about an object now, and how it went so far.

use serde::{Deserialize, Serialize};
use turnpike_domain::{Error, Timestamp};

use crate::commit::unavailable;
use crate::outbox::Subject;
use crate::record::{decode, encode};
use crate::registry::Registry;
use crate::store::{self, Item, Key, Precondition, Write};

/// How long a claim stands. Longer than anything that is done under it takes.
const CLAIM_MILLIS: i64 = 30_000;
/// The first wait after a failure, and the longest.
const BACKOFF_MILLIS: (i64, i64) = (500, 60_000);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Until when somebody holds it.
    until: i64,
    /// How often in a row it failed, when it may be tried again, and what it was.
    pub(crate) failures: u32,
    not_before: i64,
    pub(crate) error: String,
}

/// A claim that is held.
#[derive(Debug)]
pub(crate) struct Claim {
    key: Key,
    version: u64,
    failures: u32,
}

/// What came of the wish to claim.
#[derive(Debug)]
pub(crate) enum Claiming {
    /// Somebody else holds it, or it is too early after a failure.
    Busy,
    /// It is held.
    Held(Claim),
}

impl Record {
    fn is_busy(&self, now: Timestamp) -> bool {
        now.millis() < self.until.max(self.not_before)
    }
}

impl Registry {
    /// Claims an object.
    pub(crate) async fn claim(&self, subject: &Subject) -> Result<Claiming, Error> {
        let key = subject.claim_key();
        let now = self.now();
        let there = self.get(&key).await?;
        let (mut record, version) = match &there {
            Some(item) => (decode::<Record>(&item.body)?, item.version),
            None => (Record::default(), 0),
        };
        if record.is_busy(now) {
            return Ok(Claiming::Busy);
        }
        record.until = now.plus_millis(CLAIM_MILLIS).millis();
        let precondition = match there {
            Some(_) => Precondition::Version(version),
            None => Precondition::Absent,
        };
        let claim = Claim { key, version: version + 1, failures: record.failures };
        match self.store().commit(&[claim.put(&record, precondition)?]).await {
            Ok(()) => Ok(Claiming::Held(claim)),
            Err(store::Error::Precondition(_) | store::Error::Contended) => Ok(Claiming::Busy),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Gives a claim back, with what went wrong if something did.
    pub(crate) async fn release(&self, claim: Claim, went_wrong: Option<&str>) {
        let release = match went_wrong {
            None => Ok(Write::Delete {
                key: claim.key.clone(),
                precondition: Precondition::Version(claim.version),
            }),
            Some(error) => {
                let (first, longest) = BACKOFF_MILLIS;
                let wait = (first << claim.failures.min(10)).min(longest);
                let record = Record {
                    until: 0,
                    failures: claim.failures + 1,
                    not_before: self.now().plus_millis(wait).millis(),
                    error: error.to_owned(),
                };
                let after = Claim { version: claim.version + 1, ..claim };
                after.put(&record, Precondition::Version(after.version - 1))
            }
        };
        let Ok(release) = release else { return };
        if let Err(error) = self.store().commit(&[release]).await {
            // It ends by itself.
            tracing::debug!(error = %error, "outbox.claim_not_released");
        }
    }

    /// How it went so far with an object.
    pub(crate) async fn claim_record(&self, subject: &Subject) -> Result<Record, Error> {
        match self.get(&subject.claim_key()).await? {
            Some(item) => decode(&item.body),
            None => Ok(Record::default()),
        }
    }
}

impl Claim {
    fn put(&self, record: &Record, precondition: Precondition) -> Result<Write, Error> {
        let item = Item {
            key: self.key.clone(),
            index1: None,
            index2: None,
            version: self.version,
            body: encode(record)?,
        };
        Ok(Write::Put { item, precondition })
    }
}
