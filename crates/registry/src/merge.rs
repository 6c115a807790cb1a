//! Reads queries page by page, several of one kind as one list.

use std::collections::VecDeque;

use turnpike_domain::Error;

use crate::list::{Listed, Place};
use crate::registry::Registry;
use crate::store::{Item, Order, Query, check};

/// How many items one call looks at before it answers with what it found so far.
const LOOKED_AT_MAX: usize = 1_000;
/// How many bytes one call looks at before it answers with what it found so far: a page of the largest records is a
/// short one.
const BYTES_LOOKED_AT_MAX: usize = 1024 * 1024;
/// How many items are read at once from each of many queries.
const SHARE_MIN: usize = 8;
/// The same at the most, however long the page: of the largest records that is some megabytes.
const SHARE_MAX: usize = 50;

/// One query that is read as far as it is needed.
struct Stream {
    query: Query,
    read: VecDeque<Item>,
    more: bool,
}

impl Registry {
    /// Reads a query until `limit` items were kept, or enough were looked at.
    pub(crate) async fn scan<T, F>(
        &self,
        query: Query,
        limit: usize,
        after: Option<Place>,
        keep: impl FnMut(Item) -> F + Send,
    ) -> Result<Listed<T>, Error>
    where
        T: Send,
        F: Future<Output = Result<Option<T>, Error>> + Send,
    {
        self.merge(vec![query], limit, after, keep).await
    }

    /// Reads partitions of one source as if they were one: in the order of sort keys, and what stands in
    /// several of them under the same sort key once. A place is one of all of them.
    pub(crate) async fn merge<T, F>(
        &self,
        queries: Vec<Query>,
        limit: usize,
        after: Option<Place>,
        mut keep: impl FnMut(Item) -> F + Send,
    ) -> Result<Listed<T>, Error>
    where
        T: Send,
        F: Future<Output = Result<Option<T>, Error>> + Send,
    {
        let mut streams = Stream::of(queries, limit, after.as_ref())?;
        let mut kept = Vec::new();
        let mut looked_at = 0;
        let mut bytes = 0;
        loop {
            for stream in &mut streams {
                self.fill(stream).await?;
            }
            let Some(item) = take_first(&mut streams) else {
                return Ok(Listed { items: kept, next: None });
            };
            let place = Place::of(&item, streams[0].query.source);
            bytes += item.bytes();
            kept.extend(keep(item).await?);
            looked_at += 1;
            let enough = looked_at == LOOKED_AT_MAX || bytes >= BYTES_LOOKED_AT_MAX;
            if kept.len() == limit || enough {
                let more = streams.iter().any(|s| s.more || !s.read.is_empty());
                return Ok(Listed { items: kept, next: more.then_some(place) });
            }
        }
    }

    /// Reads on if nothing is left of what was read.
    async fn fill(&self, stream: &mut Stream) -> Result<(), Error> {
        while stream.more && stream.read.is_empty() {
            let page = self.query(&stream.query).await?;
            stream.read.extend(page.items);
            stream.more = page.next.is_some();
            stream.query.after = page.next;
        }
        Ok(())
    }
}

impl Stream {
    fn of(queries: Vec<Query>, limit: usize, after: Option<&Place>) -> Result<Vec<Self>, Error> {
        let share = limit.div_ceil(queries.len().max(1)).clamp(SHARE_MIN, SHARE_MAX).min(limit);
        let stream = |query: Query| {
            let after = after.map(|place| place.cursor_of(&query));
            let query = Query { limit: share, ..query.after(after) };
            // A place is sealed before it leaves the process; one that does not fit its query is a
            // defect of ours.
            check::query(&query).map_err(Error::internal)?;
            Ok(Self { query, read: VecDeque::new(), more: true })
        };
        queries.into_iter().map(stream).collect()
    }

    /// The sort key of what comes next.
    fn next(&self) -> Option<&str> {
        self.query.sort_key(self.read.front()?)
    }
}

/// Takes what comes first in the streams' order, from each stream that has it.
fn take_first(streams: &mut [Stream]) -> Option<Item> {
    let nexts = streams.iter().filter_map(Stream::next);
    let first = match streams.first()?.query.order {
        Order::Backward => nexts.max(),
        Order::Forward => nexts.min(),
    };
    let first = first?.to_owned();
    let having = streams.iter_mut().filter(|stream| stream.next() == Some(&first));
    having.filter_map(|stream| stream.read.pop_front()).last()
}
