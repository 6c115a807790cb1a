//! What the pool has yet to be told, for people and for measurements.

use turnpike_domain::{Error, Timestamp};

use super::Subject;
use crate::keys;
use crate::record::damaged;
use crate::registry::Registry;
use crate::store::{Item, Source};

/// Something that the pool has yet to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Of what.
    pub subject: Subject,
    /// Since when: of its last change, if there were several.
    pub since: Timestamp,
    /// How often in a row it failed.
    pub failures: u32,
    /// What went wrong last, in words; empty if nothing did.
    pub error: String,
}

impl Registry {
    /// Everything that the pool has yet to be told.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn pending(&self) -> Result<Vec<Pending>, Error> {
        let mut pending = Vec::new();
        for item in self.query_all(Source::Table, keys::OUTBOX, "").await? {
            if is_announcement(&item) {
                continue;
            }
            let subject = Subject::of_mark(&item)?;
            let since = since_of(&item)?;
            let claim = self.claim_record(&subject).await?;
            pending.push(Pending { subject, since, failures: claim.failures, error: claim.error });
        }
        Ok(pending)
    }

    /// How many things the pool has yet to be told, and since when the oldest of them.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn pending_since(&self) -> Result<(usize, Option<Timestamp>), Error> {
        let items = self.query_all(Source::Table, keys::OUTBOX, "").await?;
        let marks = items.iter().filter(|item| !is_announcement(item));
        let times = marks.map(since_of).collect::<Result<Vec<_>, Error>>()?;
        Ok((times.len(), times.into_iter().min()))
    }
}

/// Whether an item of the outbox is no mark, but announces something.
pub(crate) fn is_announcement(item: &Item) -> bool {
    item.key.sk.starts_with(keys::NEW_CLIENT) || item.key.sk.starts_with(keys::NEW_SECRET)
}

fn since_of(item: &Item) -> Result<Timestamp, Error> {
    let text = std::str::from_utf8(&item.body).ok();
    let millis = text.and_then(|text| text.parse().ok());
    Ok(Timestamp::from_millis(millis.ok_or_else(|| damaged("a mark has no time"))?))
}
