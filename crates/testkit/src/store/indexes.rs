//! Entries of an index follow their items, in time.

use turnpike_registry::store::{
    Cursor, IndexKey, Item, Key, Order, Precondition, Query, Range, Source, Store, Write,
};

use super::keys::ALIKE;
use super::{answers, at, check, commit, delete, fill, indexed, invalid, item, refused_at};

const INDEXES: [Source; 2] = [Source::Index1, Source::Index2];

pub async fn entries_follow_their_item(store: &impl Store) {
    for source in INDEXES {
        let bare = item("p", &format!("{source:?}"));
        let here = indexed(bare.clone(), source, "here", "s");
        let there = at(2, &indexed(bare.clone(), source, "there", "s"));
        let moved = at(3, &indexed(bare.clone(), source, "there", "t"));
        let steps = [
            (Write::insert(here.clone()), Some(&here), None),
            (Write::replace(there.clone(), 1), None, Some(&there)),
            (Write::replace(moved.clone(), 2), None, Some(&moved)),
            (Write::replace(at(4, &bare), 3), None, None),
            (Write::replace(at(5, &here), 4), Some(&at(5, &here)), None),
            (delete(&bare.key, Precondition::Exists), None, None),
        ];
        for (write, in_here, in_there) in steps {
            commit(store, &[write]).await.unwrap();
            for (pk, found) in [("here", in_here), ("there", in_there)] {
                let expected: Vec<_> = found.into_iter().cloned().collect();
                answers(store, &Query::new(source, pk, 2), &expected).await;
            }
        }
    }
}

pub async fn an_index_holds_only_items_with_its_key(store: &impl Store) {
    let bare = item("p", "bare");
    let one = indexed(item("p", "one"), Source::Index1, "i", "s");
    let two = indexed(item("p", "two"), Source::Index2, "i", "s");
    let both = indexed(item("p", "both"), Source::Index1, "i", "s");
    let both = indexed(both, Source::Index2, "i", "s");
    fill(store, [bare, one.clone(), two.clone(), both.clone()]).await;
    answers(store, &Query::new(Source::Index1, "i", 9), &[one, both.clone()]).await;
    answers(store, &Query::new(Source::Index2, "i", 9), &[two, both]).await;
}

/// One text as partition key of the table and of both indexes, and many that look like it.
pub async fn indexes_and_table_are_apart(store: &impl Store) {
    let items = ALIKE.map(|pk| {
        let first = indexed(item(pk, "s"), Source::Index1, pk, "1");
        indexed(first, Source::Index2, &format!("{pk}+"), pk)
    });
    fill(store, items.clone()).await;
    for (pk, item) in ALIKE.iter().zip(&items) {
        let expected = std::slice::from_ref(item);
        answers(store, &Query::new(Source::Index1, *pk, 9), expected).await;
        answers(store, &Query::new(Source::Index2, format!("{pk}+"), 9), expected).await;
        answers(store, &Query::new(Source::Index2, *pk, 9), &[]).await;
    }
}

pub async fn order_and_ranges_in_an_index(store: &impl Store) {
    let sks =
        ["!", "A", "B", "a", "a#", "a#1", "a\u{10ffff}", "b", "\u{e1}", "\u{ffff}", "\u{10000}"];
    for source in INDEXES {
        // The order of the table is another one.
        let items: Vec<_> = (sks.iter().rev().enumerate())
            .map(|(n, sk)| indexed(item(&format!("{source:?}{n}"), "s"), source, "i", sk))
            .collect();
        fill(store, items.iter().cloned()).await;
        for range in [
            Range::All,
            Range::Between("A".into(), "a#".into()),
            Range::From("a".into()),
            Range::To("a".into()),
            Range::Prefix("a".into()),
            Range::Prefix("a#".into()),
            Range::Prefix("\u{10000}".into()),
            Range::Prefix("x".into()),
        ] {
            let probe = Query::new(source, "i", 2).range(range);
            let expected: Vec<_> = (items.iter())
                .filter(|item| probe.sort_key(item).is_some_and(|sk| probe.range.contains(sk)))
                .cloned()
                .collect();
            for limit in [1, 2, 3, 100] {
                let query = Query { limit, ..probe.clone() };
                answers(store, &query, &expected).await;
                answers(store, &query.backward(), &expected).await;
            }
        }
    }
}

pub async fn items_may_share_an_index_key(store: &impl Store) {
    for source in INDEXES {
        let items: Vec<_> = (0..9)
            .map(|n| item(&format!("{source:?}{}", n % 3), &n.to_string()))
            .map(|item| indexed(item, source, "i", "same"))
            .collect();
        fill(store, items.iter().cloned()).await;
        for order in [Order::Forward, Order::Backward] {
            for limit in [1, 2, 3, 9, 10] {
                let query = Query { order, ..Query::new(source, "i", limit) };
                answers(store, &query, &items).await;
                answers(store, &query.prefix("same"), &items).await;
            }
        }
    }
}

pub async fn an_index_gives_whole_items(store: &impl Store) {
    let it = Item {
        version: 41,
        body: (0..=u8::MAX).cycle().take(100_000).collect(),
        index1: Some(IndexKey::new("i", "1")),
        index2: Some(IndexKey::new("j", "2")),
        ..item("p", "s")
    };
    fill(store, [it.clone()]).await;
    answers(store, &Query::new(Source::Index1, "i", 1), std::slice::from_ref(&it)).await;
    answers(store, &Query::new(Source::Index2, "j", 1), &[it]).await;
}

pub async fn a_failing_commit_leaves_indexes_alone(store: &impl Store) {
    for source in INDEXES {
        let pk = format!("{source:?}");
        let it = indexed(item(&pk, "s"), source, "i", "s");
        fill(store, [it.clone()]).await;
        let writes = [
            Write::replace(indexed(at(2, &it), source, "i", "moved"), 1),
            Write::insert(indexed(item(&pk, "new"), source, "i", "new")),
            check(&Key::new(pk, "none"), Precondition::Exists),
        ];
        refused_at(2, commit(store, &writes).await);
        // What comes after shows that the index has caught up with what came before.
        let later = indexed(item("later", &format!("{source:?}")), source, "i", "later");
        fill(store, [later.clone()]).await;
        answers(store, &Query::new(source, "i", 9), &[it, later]).await;
    }
}

pub async fn foreign_index_cursors_are_refused(store: &impl Store) {
    let key = Key::new("p", "s");
    let cursor = |index| Some(Cursor { key: key.clone(), index });
    for source in INDEXES {
        let query = Query::new(source, "i", 2).prefix("a");
        store.query(&query.clone().after(cursor(Some(IndexKey::new("i", "ab"))))).await.unwrap();
        for index in [
            None,
            Some(IndexKey::new("j", "ab")),
            Some(IndexKey::new("i", "b")),
            Some(IndexKey::new("i", "")),
        ] {
            invalid(store.query(&query.clone().after(cursor(index))).await);
        }
        let nowhere = Cursor { key: Key::new("", "s"), index: Some(IndexKey::new("i", "ab")) };
        invalid(store.query(&query.after(Some(nowhere))).await);
    }
}
