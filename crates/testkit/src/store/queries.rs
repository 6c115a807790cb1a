//! Partitions, order, ranges and pages.

use turnpike_registry::store::check::{PAGE_ITEMS, SK_BYTES};
use turnpike_registry::store::{
    Cursor, IndexKey, Item, Key, Order, Precondition, Query, Range, Source, Store,
};

use super::keys::ALIKE;
use super::{answers, commit, delete, fill, holds, invalid, item};

/// In the order of their UTF-8 bytes, which is not that of UTF-16, of case folding or of any language.
const ORDERED: [&str; 20] = [
    "\u{1}",
    "!",
    "#",
    "10",
    "2",
    "A",
    "B",
    "_",
    "a",
    "a\u{301}",
    "a!",
    "ab",
    "b",
    "~",
    "\u{7f}",
    "\u{e1}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{ffff}",
    "\u{10000}",
];

fn table(pk: &str) -> Query {
    Query::new(Source::Table, pk, 7)
}

/// The sort keys of an answer of one page.
async fn sort_keys(store: &impl Store, query: Query) -> Vec<String> {
    let page = store.query(&query).await.unwrap();
    assert_eq!(page.next, None);
    page.items.into_iter().map(|item| item.key.sk).collect()
}

pub async fn order_is_by_bytes(store: &impl Store) {
    let mut ordered = ORDERED.to_vec();
    ordered.sort_unstable();
    fill(store, ORDERED.iter().rev().map(|sk| item("p", sk))).await;
    let query = Query::new(Source::Table, "p", PAGE_ITEMS);
    assert_eq!(sort_keys(store, query.clone()).await, ordered);
    ordered.reverse();
    assert_eq!(sort_keys(store, query.backward()).await, ordered);
}

pub async fn partitions_are_apart(store: &impl Store) {
    let items = |pk: &str| ["a", "b", "c"].map(|sk| item(pk, sk));
    fill(store, ALIKE.iter().flat_map(|pk| items(pk))).await;
    for pk in ALIKE {
        holds(store, pk, &items(pk)).await;
        answers(store, &table(pk).backward(), &items(pk)).await;
    }
    holds(store, "aaa", &[]).await;
}

pub async fn ranges_include_their_bounds(store: &impl Store) {
    let items: Vec<_> = ORDERED.iter().map(|sk| item("p", sk)).collect();
    fill(store, items.iter().cloned()).await;
    let bounds = ["\u{1}", " ", "1", "A", "a", "a ", "ab", "\u{d7ff}", "\u{ffff}", "\u{10ffff}"];
    let mut ranges = vec![Range::All];
    for (n, from) in bounds.iter().enumerate() {
        ranges.extend([Range::From((*from).into()), Range::To((*from).into())]);
        ranges.extend(bounds[n..].iter().map(|to| Range::Between((*from).into(), (*to).into())));
    }
    for range in ranges {
        let within = |item: &&Item| range.contains(&item.key.sk);
        let expected: Vec<_> = items.iter().filter(within).cloned().collect();
        let query = table("p").range(range.clone());
        answers(store, &query, &expected).await;
        answers(store, &query.backward(), &expected).await;
    }
}

pub async fn prefixes(store: &impl Store) {
    const HIGHEST: &str = "\u{10ffff}";
    let sks = [
        "A",
        "a",
        "a#",
        "a#1",
        "a#1#x",
        "a#10",
        "a#2",
        "a$",
        "aa",
        "a\u{301}",
        "a\u{7f}",
        "a\u{10ffff}",
        "a\u{10ffff}z",
        "b",
        "%",
        "_",
        "a%",
        "\u{e1}",
        "\u{d7ff}",
        "\u{d7ff}x",
        "\u{e000}",
        "\u{ffff}x",
        HIGHEST,
        "\u{10ffff}\u{10ffff}",
        "\u{10ffff}z",
    ];
    let items: Vec<_> = sks.iter().map(|sk| item("p", sk)).collect();
    fill(store, items.iter().cloned()).await;
    for prefix in sks.iter().chain(&["a#1#", "a#3", "c", "\u{10fffe}"]) {
        let expected: Vec<_> =
            items.iter().filter(|item| item.key.sk.starts_with(prefix)).cloned().collect();
        let query = table("p").prefix(*prefix);
        answers(store, &query, &expected).await;
        answers(store, &query.backward(), &expected).await;
    }
}

pub async fn pages_are_full_and_end_exactly(store: &impl Store) {
    let items: Vec<_> = (0..12).map(|n| item("p", &format!("{n:02}"))).collect();
    fill(store, items.iter().cloned()).await;
    for order in [Order::Forward, Order::Backward] {
        for limit in [1, 2, 3, 4, 5, 6, 11, 12, 13, PAGE_ITEMS] {
            let mut query = Query { order, ..Query::new(Source::Table, "p", limit) };
            let mut expected = items.clone();
            if order == Order::Backward {
                expected.reverse();
            }
            let mut pages = expected.chunks(limit).peekable();
            while let Some(expected) = pages.next() {
                let page = store.query(&query).await.unwrap();
                assert_eq!(page.items, expected, "{query:?}");
                assert_eq!(page.next.is_some(), pages.peek().is_some(), "{query:?}");
                query.after = page.next;
            }
        }
        // The same where a range ends the answer, not the partition.
        for limit in [2, 3, 6] {
            let query = Query { order, ..Query::new(Source::Table, "p", limit) };
            let query = query.range(Range::Between("03".into(), "08".into()));
            answers(store, &query, &items[3..9]).await;
        }
    }
}

/// More than a megabyte, at which `DynamoDB` breaks off.
pub async fn a_page_of_large_items_is_full(store: &impl Store) {
    let items: Vec<_> =
        (0..12).map(|n| Item { body: vec![n; 300_000], ..item("p", &format!("{n:02}")) }).collect();
    for items in items.chunks(6) {
        fill(store, items.iter().cloned()).await;
    }
    answers(store, &Query::new(Source::Table, "p", 12), &items).await;
    answers(store, &Query::new(Source::Table, "p", 9).backward(), &items).await;
}

pub async fn a_cursor_outlives_its_item(store: &impl Store) {
    let items = ["a", "b", "c", "d", "e"].map(|sk| item("p", sk));
    fill(store, items.clone()).await;
    for (query, rest) in [
        (Query::new(Source::Table, "p", 2), ["bb", "c", "d", "e"]),
        (Query::new(Source::Table, "p", 2).backward(), ["cc", "c", "b", "a"]),
    ] {
        let page = store.query(&query).await.unwrap();
        let last = &page.items[1];
        commit(store, &[delete(&last.key, Precondition::Exists)]).await.unwrap();
        fill(store, [item("p", rest[0])]).await;
        let next = Query { limit: 9, ..query }.after(page.next);
        assert_eq!(sort_keys(store, next).await, rest);

        commit(store, &[delete(&Key::new("p", rest[0]), Precondition::Exists)]).await.unwrap();
        fill(store, [last.clone()]).await;
    }
}

pub async fn foreign_cursors_are_refused(store: &impl Store) {
    fill(store, ["a", "b", "c"].map(|sk| item("p", sk))).await;
    let cursor = |pk: &str, sk: &str| Some(Cursor { key: Key::new(pk, sk), index: None });
    let query = table("p").range(Range::Between("b".into(), "c".into()));

    answers(store, &query.clone().after(cursor("p", "b")), &[item("p", "c")]).await;
    invalid(store.query(&query.clone().after(cursor("q", "b"))).await);
    invalid(store.query(&query.clone().after(cursor("P", "b"))).await);
    invalid(store.query(&query.clone().after(cursor("p", "a"))).await);
    invalid(store.query(&query.clone().after(cursor("p", "cc"))).await);
    invalid(store.query(&query.clone().after(cursor("p", ""))).await);
    invalid(store.query(&table("p").prefix("b").after(cursor("p", "c"))).await);
    let index = Some(IndexKey::new("p", "b"));
    let of_index = Some(Cursor { key: Key::new("p", "b"), index });
    invalid(store.query(&query.after(of_index)).await);
}

pub async fn unusable_queries_are_refused(store: &impl Store) {
    fill(store, [item("p", "a")]).await;
    for limit in [0, PAGE_ITEMS + 1, usize::MAX] {
        invalid(store.query(&Query::new(Source::Table, "p", limit)).await);
    }
    let ranges = [
        Range::Between("b".into(), "a".into()),
        Range::Between(String::new(), "a".into()),
        Range::From(String::new()),
        Range::To(String::new()),
        Range::Prefix(String::new()),
        Range::Prefix("a\0".into()),
        Range::From("a".repeat(SK_BYTES + 1)),
    ];
    for range in ranges {
        invalid(store.query(&table("p").range(range)).await);
    }
}
