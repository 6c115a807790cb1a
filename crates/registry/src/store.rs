//! The store seam: what Turnpike asks of the place that keeps its records.
//!
//! A [`Store`] keeps [`Item`]s. An item has a [`Key`] (partition and sort key), may have an entry in
//! each of two indexes, and carries a version and a body that the store does not look into. Records
//! and their codecs are written once, above the seam; each backend is a crate of its own and runs
//! one suite, `turnpike_testkit::store::store_conformance`.
//!
//! The comments of this module are the contract of every backend. They promise what both SQLite and
//! `DynamoDB` can keep; the limits are the smaller of the two and are held in one place, [`check`].

pub mod check;

mod query;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

pub use query::{Cursor, Order, Page, Query, Range, Source};

/// Keeps items, durably.
///
/// An acknowledged commit is durable: it survives the end of the process and a loss of power.
/// Dropping the future of a call does not undo it: a commit whose future was dropped may have
/// happened.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// The item with this key, or `None`. Sees every commit acknowledged before the call. Keys compare
    /// byte for byte: case, trailing spaces and Unicode forms all count.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a key that [`check::key`] refuses; else [`Error::Contended`],
    /// [`Error::Corrupt`] or [`Error::Unavailable`].
    async fn get(&self, key: &Key) -> Result<Option<Item>, Error>;

    /// The items of one partition, of the table or of an index, whose sort keys are in a range, in the
    /// order of the UTF-8 bytes of their sort keys.
    ///
    /// On the table it sees every commit acknowledged before the call. **On an index the answer may lag
    /// behind commits**, usually by less than a second and without a bound: what must be exact
    /// (uniqueness, authorization, one's own write) is read from the table. Items whose index keys are
    /// equal come in an order that is the same from page to page and otherwise unspecified; an item
    /// without the index's key is not in the index.
    ///
    /// A page holds `limit` items, and fewer only when it is the last; its `next` is `None` exactly when
    /// nothing more was there. A query is no snapshot: it may see one write of a commit that runs at the
    /// same time and miss another, and each page is read on its own.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a query that [`check::query`] refuses, such as one with the cursor of
    /// another partition, range or index; else [`Error::Contended`], [`Error::Corrupt`] or
    /// [`Error::Unavailable`].
    async fn query(&self, query: &Query) -> Result<Page, Error>;

    /// All of the writes, or none. Their order has no meaning: each precondition is about the state
    /// before the commit.
    ///
    /// Commits are serialisable against one another and against [`Store::get`]: of two that exclude each
    /// other one is made, and the other fails.
    ///
    /// # Errors
    /// - [`Error::Precondition`] with the lowest position of the writes found not to hold; nothing was
    ///   written.
    /// - [`Error::Contended`]: nothing was written, and the same commit may succeed later.
    /// - [`Error::Invalid`], [`Error::TooLarge`]: refused by [`check::commit`] before anything was sent.
    /// - [`Error::Unavailable`]: all was written, or nothing. Who tries again must expect that the
    ///   first attempt was made and is now what fails the precondition.
    /// - [`Error::Corrupt`]: nothing was written.
    async fn commit(&self, writes: &[Write]) -> Result<(), Error>;
}

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        (**self).get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, Error> {
        (**self).query(query).await
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), Error> {
        (**self).commit(writes).await
    }
}

/// What a store keeps: one record, encoded.
#[derive(Clone, Eq, PartialEq)]
pub struct Item {
    /// Where it is. At most one item has a key.
    pub key: Key,
    /// Its entry in the first index, written, moved and removed with the item.
    pub index1: Option<IndexKey>,
    /// Its entry in the second index.
    pub index2: Option<IndexKey>,
    /// Chosen by the writer, at most `i64::MAX`, and compared by [`Precondition::Version`]. The store
    /// gives it no other meaning.
    pub version: u64,
    /// The record, opaque to the store; may be empty.
    pub body: Vec<u8>,
}

impl Item {
    /// Its entry in an index, or `None` if it has none; the table has no index entries.
    pub const fn index(&self, source: Source) -> Option<&IndexKey> {
        match source {
            Source::Table => None,
            Source::Index1 => self.index1.as_ref(),
            Source::Index2 => self.index2.as_ref(),
        }
    }

    /// Bytes of keys and body: what [`check::ITEM_BYTES`] limits.
    pub fn bytes(&self) -> usize {
        let index = |entry: &Option<IndexKey>| {
            entry.as_ref().map_or(0, |entry| entry.pk.len() + entry.sk.len())
        };
        self.key.bytes() + index(&self.index1) + index(&self.index2) + self.body.len()
    }
}

/// Shows the length of the body, not the body: records may hold what no log should.
impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item")
            .field("key", &self.key)
            .field("index1", &self.index1)
            .field("index2", &self.index2)
            .field("version", &self.version)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// The place of an item in the table. Ordered as the store orders: by bytes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key {
    /// The partition: 1 to [`check::PK_BYTES`] bytes, no NUL.
    pub pk: String,
    /// The place in the partition: 1 to [`check::SK_BYTES`] bytes, no NUL.
    pub sk: String,
}

impl Key {
    /// A key of these two parts; the store checks them.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Key {
        Key { pk: pk.into(), sk: sk.into() }
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.pk.len() + self.sk.len()
    }
}

/// The place of an item in an index. Several items may have the same.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct IndexKey {
    /// The partition of the index: 1 to [`check::PK_BYTES`] bytes, no NUL.
    pub pk: String,
    /// The place in the partition: 1 to [`check::SK_BYTES`] bytes, no NUL.
    pub sk: String,
}

impl IndexKey {
    /// An index key of these two parts; the store checks them.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> IndexKey {
        IndexKey { pk: pk.into(), sk: sk.into() }
    }
}

/// One part of a commit. No two writes of a commit may have the same key.
#[derive(Clone, Debug)]
pub enum Write {
    /// Writes nothing, and fails the commit if the precondition does not hold.
    /// [`Precondition::Any`] says nothing here and is refused.
    Check {
        /// Of the item, or of its absence.
        key: Key,
        /// What must hold.
        precondition: Precondition,
    },
    /// Removes the item and its index entries; with [`Precondition::Any`] an absent item is no error.
    /// [`Precondition::Absent`] would remove nothing and is refused.
    Delete {
        /// Of the item to remove.
        key: Key,
        /// What must hold.
        precondition: Precondition,
    },
    /// Writes the whole item in place of what was there.
    Put {
        /// The new item.
        item: Item,
        /// What must hold of the item that it replaces.
        precondition: Precondition,
    },
}

impl Write {
    /// Puts an item that must not be there yet.
    pub const fn insert(item: Item) -> Write {
        Write::Put { item, precondition: Precondition::Absent }
    }

    /// Puts an item over the one that must be there with this version.
    pub const fn replace(item: Item, version: u64) -> Write {
        Write::Put { item, precondition: Precondition::Version(version) }
    }

    /// The key that it is about.
    pub const fn key(&self) -> &Key {
        match self {
            Write::Check { key, .. } | Write::Delete { key, .. } => key,
            Write::Put { item, .. } => &item.key,
        }
    }

    /// Bytes of the item that it puts; none if it puts none.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Write::Put { item, .. } => item.bytes(),
            Write::Check { .. } | Write::Delete { .. } => 0,
        }
    }

    /// What must hold.
    pub const fn precondition(&self) -> Precondition {
        match self {
            Write::Check { precondition, .. }
            | Write::Delete { precondition, .. }
            | Write::Put { precondition, .. } => *precondition,
        }
    }
}

/// What must hold of a key before a commit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Precondition {
    /// There is no item.
    Absent,
    /// Nothing.
    Any,
    /// There is an item, whatever its version.
    Exists,
    /// There is an item, and it has this version.
    Version(u64),
}

impl Precondition {
    /// Whether it holds, given the version of the item that is there, if one is.
    pub const fn holds(self, current: Option<u64>) -> bool {
        match (self, current) {
            (Precondition::Any, _)
            | (Precondition::Absent, None)
            | (Precondition::Exists, Some(_)) => true,
            (Precondition::Version(wanted), Some(found)) => wanted == found,
            _ => false,
        }
    }
}

/// Why a store did not answer, or did not write.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Others were at it. Nothing was written; the same call may succeed when made again.
    #[error("the store is contended")]
    Contended,
    /// What is stored cannot be read back. No retry helps.
    #[error("the store is damaged")]
    Corrupt(#[source] Box<dyn StdError + Send + Sync>),
    /// A defect of the caller: no state of the store would make this call right.
    #[error("refused by the store: {0}")]
    Invalid(&'static str),
    /// The precondition of the write at this position of the commit does not hold; the lowest position
    /// if there are several. Nothing was written.
    #[error("the precondition of write {0} does not hold")]
    Precondition(usize),
    /// More than a store takes at once. Nothing was written; a smaller commit may succeed.
    #[error("too large for the store: {0}")]
    TooLarge(&'static str),
    /// No answer. A read may succeed when made again; a commit has either been made whole or not at all.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
}
