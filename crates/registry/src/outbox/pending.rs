//! What the pool has yet to be told, for people and for measurements.

use turnpike_domain::{Error, Timestamp};

use super::Subject;
use crate::keys;
use crate::list::{Listed, Place};
use crate::record::damaged;
use crate::registry::Registry;
use crate::store::{Item, Query, Source};

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
    /// What the pool has yet to be told, a page at a time, in the order of subjects.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a place of another list; [`Error::Unavailable`], [`Error::Internal`].
    pub async fn pending(
        &self,
        limit: usize,
        after: Option<Place>,
    ) -> Result<Listed<Pending>, Error> {
        let query = Query::new(Source::Table, keys::OUTBOX, limit);
        self.scan(query, limit, after, async |item: Item| {
            if is_announcement(&item) {
                return Ok(None);
            }
            let subject = Subject::of_mark(&item)?;
            let since = since_of(&item)?;
            let claim = self.claim_record(&subject).await?;
            let (failures, error) = (claim.failures, claim.error);
            Ok(Some(Pending { subject, since, failures, error }))
        })
        .await
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
