//! What every backend of the store seam must do, and stores that fail on demand or lag.
//!
//! A difference ever found between two backends becomes a case of this suite.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a suite reports by panicking")]

mod commits;
mod flaky;
mod indexes;
mod keys;
mod lagging;
mod model;
mod queries;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep};
use turnpike_registry::store::{
    Error, IndexKey, Item, Key, Order, Precondition, Query, Source, Store, Write, check::PAGE_ITEMS,
};

pub use flaky::{Fault, FlakyStore};
pub use lagging::LaggingStore;

/// How long an index may lag before the suite gives up on it.
const LAG: Duration = Duration::from_secs(10);

/// Runs every case of the store seam's contract, each on a store of its own from `fresh`, which must
/// be empty. Needs a multi-threaded tokio runtime.
///
/// # Panics
/// If a case fails; the message names all that did, and what each expected is printed before.
pub async fn store_conformance<S: Store>(fresh: impl AsyncFn() -> S) {
    let mut failed = Vec::new();
    macro_rules! run {
        ($($module:ident: $($case:ident)*;)*) => {$($(
            let store = fresh().await;
            let case = AssertUnwindSafe(Box::pin($module::$case(&store)));
            if case.catch_unwind().await.is_err() {
                failed.push(concat!(stringify!($module), "::", stringify!($case)));
            }
        )*)*};
    }
    run! {
        keys:
            nothing_is_there_at_first
            everything_comes_back
            keys_compare_byte_for_byte
            longest_keys_are_kept
            unusable_keys_are_refused
            largest_item_is_kept_and_a_larger_refused
            versions_above_an_sql_integer_are_refused;
        commits:
            each_precondition_on_each_state
            the_first_failing_write_is_named
            a_failing_commit_leaves_nothing
            a_commit_mixes_its_writes
            removing_twice
            an_unchanged_item_is_replaced_once
            a_hundred_writes_and_not_one_more
            the_largest_commit_is_made_and_a_larger_refused
            meaningless_commits_are_refused
            a_write_is_read_at_once
            one_of_many_inserts_wins
            no_increment_is_lost
            commits_that_exclude_each_other
            concurrent_commits_are_all_kept;
        queries:
            order_is_by_bytes
            partitions_are_apart
            ranges_include_their_bounds
            prefixes
            pages_are_full_and_end_exactly
            a_page_of_large_items_is_full
            a_cursor_outlives_its_item
            foreign_cursors_are_refused
            unusable_queries_are_refused;
        indexes:
            entries_follow_their_item
            an_index_holds_only_items_with_its_key
            indexes_and_table_are_apart
            order_and_ranges_in_an_index
            items_may_share_an_index_key
            an_index_gives_whole_items
            a_failing_commit_leaves_indexes_alone
            foreign_index_cursors_are_refused;
        model:
            any_history_agrees_with_the_model;
    }
    assert!(failed.is_empty(), "cases that the store fails: {}", failed.join(", "));
}

/// An item of version 1 without index entries, whose body says where it is.
fn item(pk: &str, sk: &str) -> Item {
    let body = format!("{pk}/{sk}").into_bytes();
    Item { key: Key::new(pk, sk), index1: None, index2: None, version: 1, body }
}

/// The same item, with an entry in an index.
fn indexed(item: Item, source: Source, pk: &str, sk: &str) -> Item {
    let entry = Some(IndexKey::new(pk, sk));
    match source {
        Source::Index1 => Item { index1: entry, ..item },
        Source::Index2 => Item { index2: entry, ..item },
        Source::Table => panic!("the table is not an index"),
    }
}

/// The same item with another version.
fn at(version: u64, item: &Item) -> Item {
    Item { version, ..item.clone() }
}

fn delete(key: &Key, precondition: Precondition) -> Write {
    Write::Delete { key: key.clone(), precondition }
}

fn check(key: &Key, precondition: Precondition) -> Write {
    Write::Check { key: key.clone(), precondition }
}

/// Inserts items, in as many commits as it takes.
async fn fill(store: &impl Store, items: impl IntoIterator<Item = Item>) {
    let writes: Vec<_> = items.into_iter().map(Write::insert).collect();
    for writes in writes.chunks(25) {
        commit(store, writes).await.unwrap();
    }
}

/// Commits as a caller would who takes `Contended` at its word.
async fn commit(store: &impl Store, writes: &[Write]) -> Result<(), Error> {
    for _ in 0..1_000 {
        match store.commit(writes).await {
            Err(Error::Contended) => sleep(Duration::from_millis(5)).await,
            answer => return answer,
        }
    }
    Err(Error::Contended)
}

/// All items of a query, page by page; an error is a broken promise about pages.
async fn walk(store: &impl Store, query: &Query) -> Result<Vec<Item>, String> {
    let mut items: Vec<Item> = Vec::new();
    let mut seen = HashSet::new();
    let mut query = query.clone();
    loop {
        let page = store.query(&query).await.unwrap();
        if page.items.is_empty() && query.after.is_some() {
            return Err(format!("an empty page after {:?}", query.after));
        }
        if page.items.len() > query.limit || (page.next.is_some() && page.items.len() < query.limit)
        {
            return Err(format!("{} items on a page of {}", page.items.len(), query.limit));
        }
        // Also what keeps a cursor that does not move from going round for ever.
        if let Some(twice) = page.items.iter().find(|item| !seen.insert(item.key.clone())) {
            return Err(format!("{twice:?} is there twice"));
        }
        items.extend(page.items);
        if page.next.is_none() {
            return Ok(items);
        }
        query.after = page.next;
    }
}

/// Holds a query's whole answer, read page by page, against what is expected, in any order. The order
/// of the answer is held against the contract. An index is given time to catch up.
async fn answers(store: &impl Store, query: &Query, expected: &[Item]) {
    // Items with one index key have no order, so both sides get the same.
    let sort = |items: &mut Vec<Item>| {
        items.sort_by(|a, b| (query.sort_key(a), &a.key).cmp(&(query.sort_key(b), &b.key)));
    };
    let mut expected = expected.to_vec();
    sort(&mut expected);

    let until = Instant::now() + LAG;
    loop {
        let result = walk(store, query).await.and_then(|mut items| {
            let sorted = match query.order {
                Order::Forward => items.is_sorted_by_key(|item| query.sort_key(item)),
                Order::Backward => items.iter().rev().is_sorted_by_key(|item| query.sort_key(item)),
            };
            sort(&mut items);
            if !sorted {
                Err(format!("out of order: {items:?}"))
            } else if items != expected {
                Err(format!("expected {expected:?}, got {items:?}"))
            } else {
                Ok(())
            }
        });
        match result {
            Ok(()) => return,
            Err(_) if query.source != Source::Table && Instant::now() < until => {
                sleep(Duration::from_millis(20)).await;
            }
            Err(problem) => panic!("{query:?}: {problem}"),
        }
    }
}

/// The items of a partition of the table are these.
async fn holds(store: &impl Store, pk: &str, expected: &[Item]) {
    answers(store, &Query::new(Source::Table, pk, PAGE_ITEMS), expected).await;
}

#[track_caller]
fn invalid<T: std::fmt::Debug>(answer: Result<T, Error>) {
    assert!(matches!(answer, Err(Error::Invalid(_))), "expected a refusal as invalid: {answer:?}");
}

#[track_caller]
fn too_large(answer: Result<(), Error>) {
    assert!(
        matches!(answer, Err(Error::TooLarge(_))),
        "expected a refusal as too large: {answer:?}"
    );
}

/// The write at this position is what failed the commit.
#[track_caller]
fn refused_at(position: usize, answer: Result<(), Error>) {
    assert!(
        matches!(answer, Err(Error::Precondition(found)) if found == position),
        "expected the precondition of write {position} to fail: {answer:?}",
    );
}
