//! What every backend takes, and what none does. Each backend asks here first, before it sends or
//! locks anything, so that all refuse the same calls with the same words.
//!
//! The figures are `DynamoDB`'s (Developer Guide, "Service, account, and table quotas"), less what it
//! counts besides our bytes: attribute names, the version, the transaction's envelope.

use std::collections::HashSet;

use super::{Cursor, Error, IndexKey, Item, Key, Precondition, Query, Range, Source, Write};

/// Longest partition key, in bytes.
pub const PK_BYTES: usize = 2_048;
/// Longest sort key, in bytes.
pub const SK_BYTES: usize = 1_024;
/// Largest item, in bytes of keys, index keys and body: `DynamoDB`'s 400 KB, less 1 KB for the rest.
pub const ITEM_BYTES: usize = 399 * 1_024;
/// Most writes in one commit.
pub const COMMIT_WRITES: usize = 100;
/// Largest commit, in bytes of the items put and of the keys deleted or checked. `DynamoDB` takes 4 MB; bodies
/// travel as base64, a third longer, and this is under 4 MB also for one who counts those.
pub const COMMIT_BYTES: usize = 3_000_000;
/// Most items on one page.
pub const PAGE_ITEMS: usize = 1_000;

/// Refuses a key that is empty, too long, or holds a NUL (SQL text functions stop at one).
///
/// # Errors
/// [`Error::Invalid`].
pub fn key(key: &Key) -> Result<(), Error> {
    partition_key(&key.pk)?;
    sort_key(&key.sk)
}

/// Refuses a query with an unusable key, bound or limit, or with a cursor that is not one of its own.
///
/// # Errors
/// [`Error::Invalid`].
pub fn query(query: &Query) -> Result<(), Error> {
    partition_key(&query.pk)?;
    match &query.range {
        Range::All => {}
        Range::Between(from, to) if from > to => {
            return Err(Error::Invalid("a range ends before it begins"));
        }
        Range::Between(from, to) => {
            sort_key(from)?;
            sort_key(to)?;
        }
        Range::From(bound) | Range::Prefix(bound) | Range::To(bound) => sort_key(bound)?,
    }
    if !(1..=PAGE_ITEMS).contains(&query.limit) {
        return Err(Error::Invalid("a page is 1 to 1000 items"));
    }
    query.after.as_ref().map_or(Ok(()), |after| cursor(query, after))
}

/// Refuses a commit that no store would take: without a write or with more than [`COMMIT_WRITES`],
/// with two writes of one key, with an unusable key or version, with a precondition that makes no sense
/// where it stands, or too large.
///
/// # Errors
/// [`Error::TooLarge`] for a number or size over its limit, [`Error::Invalid`] for the rest.
pub fn commit(writes: &[Write]) -> Result<(), Error> {
    if writes.is_empty() {
        return Err(Error::Invalid("a commit has no write"));
    }
    if writes.len() > COMMIT_WRITES {
        return Err(Error::TooLarge("a commit has more than 100 writes"));
    }
    let mut keys = HashSet::new();
    let mut bytes = 0;
    for write in writes {
        key(write.key())?;
        if !keys.insert(write.key()) {
            return Err(Error::Invalid("two writes of a commit have the same key"));
        }
        if let Precondition::Version(wanted) = write.precondition() {
            version(wanted)?;
        }
        bytes += match write {
            Write::Check { precondition: Precondition::Any, .. } => {
                return Err(Error::Invalid("a check checks nothing"));
            }
            Write::Delete { precondition: Precondition::Absent, .. } => {
                return Err(Error::Invalid("a delete deletes nothing"));
            }
            Write::Check { key, .. } | Write::Delete { key, .. } => key.bytes(),
            Write::Put { item, .. } => put(item)?,
        };
    }
    if bytes > COMMIT_BYTES {
        return Err(Error::TooLarge("a commit is more than 3 MB"));
    }
    Ok(())
}

/// The size of an item that may be put.
fn put(item: &Item) -> Result<usize, Error> {
    for IndexKey { pk, sk } in item.index1.iter().chain(&item.index2) {
        partition_key(pk)?;
        sort_key(sk)?;
    }
    version(item.version)?;
    let bytes = item.bytes();
    if bytes > ITEM_BYTES {
        return Err(Error::TooLarge("an item is more than 399 KB"));
    }
    Ok(bytes)
}

fn cursor(query: &Query, Cursor { key: place, index }: &Cursor) -> Result<(), Error> {
    key(place)?;
    let (pk, sk) = match (query.source, index) {
        (Source::Table, None) => (&place.pk, &place.sk),
        (Source::Index1 | Source::Index2, Some(entry)) => (&entry.pk, &entry.sk),
        _ => return Err(Error::Invalid("a cursor is of another source")),
    };
    sort_key(sk)?;
    if *pk != query.pk || !query.range.contains(sk) {
        return Err(Error::Invalid("a cursor is of another partition or range"));
    }
    Ok(())
}

fn partition_key(pk: &str) -> Result<(), Error> {
    match pk {
        "" => Err(Error::Invalid("a partition key is empty")),
        _ if pk.len() > PK_BYTES => Err(Error::Invalid("a partition key is too long")),
        _ if pk.contains('\0') => Err(Error::Invalid("a partition key holds a NUL")),
        _ => Ok(()),
    }
}

fn sort_key(sk: &str) -> Result<(), Error> {
    match sk {
        "" => Err(Error::Invalid("a sort key or bound is empty")),
        _ if sk.len() > SK_BYTES => Err(Error::Invalid("a sort key or bound is too long")),
        _ if sk.contains('\0') => Err(Error::Invalid("a sort key or bound holds a NUL")),
        _ => Ok(()),
    }
}

/// SQL integers are signed.
fn version(version: u64) -> Result<(), Error> {
    i64::try_from(version).map_or(Err(Error::Invalid("a version is too high")), |_| Ok(()))
}
