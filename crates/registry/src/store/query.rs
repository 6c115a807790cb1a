//! What is asked of one partition, and the page that answers.

use super::{IndexKey, Item, Key};

/// Which items of which partition, in which order, and how many at once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Query {
    /// The table or an index.
    pub source: Source,
    /// The partition key, in the table or in the index.
    pub pk: String,
    /// Which sort keys.
    pub range: Range,
    /// In which order.
    pub order: Order,
    /// How many items a page holds: 1 to [`super::check::PAGE_ITEMS`].
    pub limit: usize,
    /// Start after this place: the `next` of the page before. The item need not be there any more.
    pub after: Option<Cursor>,
}

impl Query {
    /// The first `limit` items of a partition, forward.
    pub fn new(source: Source, pk: impl Into<String>, limit: usize) -> Query {
        let pk = pk.into();
        Query { source, pk, range: Range::All, order: Order::Forward, limit, after: None }
    }

    /// Only sort keys in this range.
    #[must_use]
    pub fn range(self, range: Range) -> Query {
        Query { range, ..self }
    }

    /// Only sort keys that begin with this.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Query {
        self.range(Range::Prefix(prefix.into()))
    }

    /// The last first.
    #[must_use]
    pub fn backward(self) -> Query {
        Query { order: Order::Backward, ..self }
    }

    /// The page after the one that gave this cursor; `None` is the first page.
    #[must_use]
    pub fn after(self, after: Option<Cursor>) -> Query {
        Query { after, ..self }
    }

    /// The sort key of an item in this query's source; `None` if the item is not in that index.
    pub fn sort_key<'a>(&self, item: &'a Item) -> Option<&'a str> {
        match self.source {
            Source::Table => Some(&item.key.sk),
            Source::Index1 | Source::Index2 => Some(&item.index(self.source)?.sk),
        }
    }
}

/// Where a query looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// Items that have an entry in the first index, by that entry.
    Index1,
    /// Items that have an entry in the second index, by that entry.
    Index2,
    /// All items, by their keys.
    Table,
}

/// A range of sort keys, compared as UTF-8 bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Range {
    /// The whole partition.
    All,
    /// From the first to the second, both included. The first is not above the second.
    Between(String, String),
    /// From this one on, itself included.
    From(String),
    /// All that begin with this, itself included.
    Prefix(String),
    /// Up to this one, itself included.
    To(String),
}

impl Range {
    /// Whether a sort key is in it.
    pub fn contains(&self, sk: &str) -> bool {
        match self {
            Range::All => true,
            Range::Between(from, to) => from.as_str() <= sk && sk <= to.as_str(),
            Range::From(from) => from.as_str() <= sk,
            Range::Prefix(prefix) => sk.starts_with(prefix.as_str()),
            Range::To(to) => sk <= to.as_str(),
        }
    }
}

/// The order of an answer, by the UTF-8 bytes of sort keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// The highest first.
    Backward,
    /// The lowest first.
    Forward,
}

/// The place of an item in a query's order. A plain value: what leaves the process as a page token is
/// sealed above the store, and bound to the query that gave it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cursor {
    /// The item's place in the table.
    pub key: Key,
    /// Its place in the index that is queried; `None` exactly when the table is.
    pub index: Option<IndexKey>,
}

/// One page of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page {
    /// The items, at most the query's limit.
    pub items: Vec<Item>,
    /// Where the next page starts; `None` exactly when there is no more.
    pub next: Option<Cursor>,
}

impl Page {
    /// The page of a query, from its first items in order. The backend reads one item more than the
    /// limit if there is one: it only shows that there is a next page.
    pub fn of(query: &Query, mut items: Vec<Item>) -> Page {
        let more = items.len() > query.limit;
        items.truncate(query.limit);
        let next = items
            .last()
            .filter(|_| more)
            .map(|last| Cursor { key: last.key.clone(), index: last.index(query.source).cloned() });
        Page { items, next }
    }
}
