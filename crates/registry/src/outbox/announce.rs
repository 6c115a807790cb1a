//! Announcements: what is asked of the pool and cannot be asked twice, committed before it is asked.
//!
//! The version of an announcement tells who holds it. Its outcome is committed under the version that its holder knows, and
//! whoever takes it over gives it another: from then on the holder before can commit nothing, and all that it made is an
//! orphan. The pool has no such condition, so that what a holder asked for may come to be after it was taken over; the
//! announcement stays until that is over, and bars nobody meanwhile.

use serde::{Deserialize, Serialize};
use turnpike_domain::Error;
use turnpike_domain::id::RequestId;

use crate::commit::unavailable;
use crate::fault;
use crate::record::{decode, encode};
use crate::registry::Registry;
use crate::store::{self, Item, Key, Precondition, Write};

/// How old an announcement is when whoever made it has ended, as a rule: a call of the pool takes 12 seconds at most.
const LEFT_MILLIS: i64 = 20_000;
/// How old it is when nobody can be at it any more: far older than any call becomes.
const ABANDONED_MILLIS: i64 = 90_000;
/// How old it is when what was asked of the pool cannot come to be any more.
const OVER_MILLIS: i64 = 15 * 60_000;
/// After how long whoever wants to look for orphans may, if the one before did not come to an end.
const LOOK_MILLIS: i64 = 30_000;

/// What an announcement says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Announcement {
    /// Since when somebody asks the pool, in milliseconds since the epoch.
    since: i64,
    /// For a secret: the pool's names of those that were there before all of this.
    before: Vec<String>,
    /// The caller's name of the request that it is made for.
    request: Option<String>,
    /// Whoever made it is not at it any more.
    left: bool,
    /// What an earlier holder asked of the pool may yet come to be, whatever becomes of this one.
    inherited: bool,
    /// When somebody shall look for orphans, in milliseconds since the epoch.
    look: i64,
}

/// An announcement that this process holds.
#[derive(Debug)]
pub(super) struct Announced {
    key: Key,
    version: u64,
    says: Announcement,
}

/// For whom a secret is made: whoever repeats the request does not wait for the call that it repeats.
#[derive(Clone, Copy, Debug)]
pub(super) struct For<'a>(pub(super) Option<&'a RequestId>);

impl Announcement {
    fn new(now: i64, before: Vec<String>, request: For<'_>) -> Self {
        let For(request) = request;
        Self {
            since: now,
            before,
            request: request.map(ToString::to_string),
            left: false,
            inherited: false,
            look: now + ABANDONED_MILLIS,
        }
    }

    /// Whether somebody who wants to make the same thing may take it over. That is a matter of manners: it is safe
    /// at any time.
    fn gives_way(&self, request: For<'_>, now: i64) -> bool {
        let For(request) = request;
        let repeats = request.is_some_and(|id| self.request.as_deref() == Some(id.as_str()));
        self.left || repeats || now - self.since >= LEFT_MILLIS
    }

    fn is_over(&self, now: i64) -> bool {
        now - self.since >= OVER_MILLIS
    }

    fn to_item(&self, key: &Key, version: u64) -> Result<Item, Error> {
        let body = encode(self)?;
        Ok(Item { key: key.clone(), index1: None, index2: None, version, body })
    }
}

impl Announced {
    /// For a secret: the pool's names of those that were there before.
    pub(super) fn before(&self) -> &[String] {
        &self.says.before
    }

    /// Whether an earlier holder may yet get what it asked for.
    pub(super) const fn is_inherited(&self) -> bool {
        self.says.inherited
    }

    /// Its end, in the commit that keeps its outcome; that fails if somebody has taken it over.
    pub(super) fn settled(&self) -> Result<Write, Error> {
        let Self { key, version, says } = self;
        if !says.inherited {
            let precondition = Precondition::Version(*version);
            return Ok(Write::Delete { key: key.clone(), precondition });
        }
        // Whoever looks knows by then what was kept.
        let rest = Announcement { left: true, ..says.clone() };
        Ok(Write::replace(rest.to_item(key, version + 1)?, *version))
    }
}

impl Registry {
    /// Announces what is about to be asked of the pool for the first time.
    pub(super) async fn announce(
        &self,
        key: Key,
        before: Vec<String>,
        request: For<'_>,
    ) -> Result<Announced, Error> {
        let now = self.now().millis();
        let says = Announcement::new(now, before, request);
        // Another than any announcement of it that was there and is forgotten had.
        let version = now.unsigned_abs();
        let announced = Announced { key, version, says };
        let write = Write::insert(announced.says.to_item(&announced.key, version)?);
        self.begin(write, announced).await
    }

    /// The same where there may be an announcement already: it is taken over if it gives way, and then is
    /// [inherited](Announced::is_inherited).
    pub(super) async fn announce_again(
        &self,
        key: Key,
        before: Vec<String>,
        request: For<'_>,
    ) -> Result<Announced, Error> {
        let Some(item) = self.get(&key).await? else {
            return self.announce(key, before, request).await;
        };
        let now = self.now().millis();
        let there: Announcement = decode(&item.body)?;
        if !there.gives_way(request, now) {
            return Err(busy());
        }
        let says =
            Announcement { inherited: true, ..Announcement::new(now, there.before, request) };
        let announced = Announced { key, version: item.version + 1, says };
        let write = announced.says.to_item(&announced.key, announced.version)?;
        self.begin(Write::replace(write, item.version), announced).await
    }

    async fn begin(&self, write: Write, announced: Announced) -> Result<Announced, Error> {
        match self.store().commit(&[write]).await {
            Ok(()) => {
                fault::reached("announced");
                Ok(announced)
            }
            Err(store::Error::Precondition(_)) => Err(busy()),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Takes over an announcement that is due to be looked at, from whoever made it; `None` if it is not due, or
    /// somebody else is at it.
    pub(super) async fn take_over(&self, item: &Item) -> Result<Option<Announced>, Error> {
        let now = self.now().millis();
        let there: Announcement = decode(&item.body)?;
        if now < there.look {
            return Ok(None);
        }
        let says = Announcement { left: true, look: now + LOOK_MILLIS, ..there };
        Ok(self.replace(&item.key, item.version, says).await)
    }

    /// After a look that ended well: it is forgotten if no orphan can come any more, else looked at again.
    pub(super) async fn looked(&self, announced: Announced, found_all: bool) -> bool {
        let Announced { key, version, says } = announced;
        let now = self.now().millis();
        if found_all || says.is_over(now) {
            self.forget(Announced { key, version, says }).await;
            return true;
        }
        let abandoned = says.since + ABANDONED_MILLIS;
        let look = if now < abandoned { abandoned } else { says.since + OVER_MILLIS };
        self.replace(&key, version, Announcement { look, ..says }).await;
        false
    }

    /// Says that its holder is not at it any more, though something may come of it: whoever looks, looks at once. `None`
    /// if it was settled or taken over.
    pub(super) async fn leave(&self, announced: Announced) -> Option<Announced> {
        let Announced { key, version, says } = announced;
        let look = self.now().millis();
        self.replace(&key, version, Announcement { left: true, look, ..says }).await
    }

    /// Nothing came of it, and nothing will.
    pub(super) async fn forget(&self, announced: Announced) {
        let precondition = Precondition::Version(announced.version);
        let write = Write::Delete { key: announced.key, precondition };
        if let Err(error) = self.store().commit(&[write]).await {
            // It is found again, and then there is nothing to do.
            tracing::debug!(error = %error, "outbox.announcement_left");
        }
    }

    /// Whether it is still this process that holds it.
    pub(super) async fn holds(&self, announced: &Announced) -> Result<bool, Error> {
        let there = self.get(&announced.key).await?;
        Ok(there.is_some_and(|item| item.version == announced.version))
    }

    async fn replace(&self, key: &Key, version: u64, says: Announcement) -> Option<Announced> {
        let item = says.to_item(key, version + 1).ok()?;
        let announced = Announced { key: key.clone(), version: version + 1, says };
        self.store().commit(&[Write::replace(item, version)]).await.ok().map(|()| announced)
    }
}

fn busy() -> Error {
    Error::Unavailable("another secret of the client is being made".into())
}
