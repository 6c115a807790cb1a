//! Items and their keys come back as they went in, or are refused.

use turnpike_registry::store::check::{ITEM_BYTES, PK_BYTES, SK_BYTES};
use turnpike_registry::store::{IndexKey, Item, Key, Precondition, Query, Source, Store, Write};

use super::{check, delete, fill, holds, invalid, item, too_large};

/// Texts that something between us and the disk might take for one another.
pub const ALIKE: [&str; 30] = [
    "a",
    "A",
    "a ",
    " a",
    "a\t",
    "a\n",
    "a\r\n",
    "aa",
    "\u{e1}",
    "a\u{301}",
    "\u{c1}",
    "\u{ff41}",
    "\u{430}",
    "\u{df}",
    "ss",
    "\u{131}",
    "i",
    "I",
    "\u{feff}a",
    "a\u{200b}",
    "1",
    "01",
    "1.0",
    "1e0",
    "%",
    "_",
    "*",
    "'",
    "\"",
    "\u{1f600}",
];

pub async fn nothing_is_there_at_first(store: &impl Store) {
    assert_eq!(store.get(&Key::new("p", "s")).await.unwrap(), None);
    for source in [Source::Table, Source::Index1, Source::Index2] {
        let page = store.query(&Query::new(source, "p", 1)).await.unwrap();
        assert!(page.items.is_empty() && page.next.is_none(), "{source:?}: {page:?}");
    }
}

pub async fn everything_comes_back(store: &impl Store) {
    let entries = [None, Some(IndexKey::new("i", "\u{10ffff}"))];
    let bodies = [Vec::new(), vec![0], (0..=u8::MAX).collect(), b"\xff\xfe{}\0".to_vec()];
    let mut items = Vec::new();
    for version in [0, 1, i64::MAX.unsigned_abs()] {
        for index1 in &entries {
            for index2 in &entries {
                for body in &bodies {
                    items.push(Item {
                        key: Key::new("p", format!("{:03}", items.len())),
                        index1: index1.clone(),
                        index2: index2.clone(),
                        version,
                        body: body.clone(),
                    });
                }
            }
        }
    }
    fill(store, items.clone()).await;
    for item in &items {
        assert_eq!(store.get(&item.key).await.unwrap().as_ref(), Some(item));
    }
    holds(store, "p", &items).await;
}

pub async fn keys_compare_byte_for_byte(store: &impl Store) {
    let by_pk = ALIKE.map(|text| item(text, "s"));
    let by_sk = ALIKE.map(|text| item("p", text));
    fill(store, by_pk.clone().into_iter().chain(by_sk.clone())).await;
    for item in by_pk.iter().chain(&by_sk) {
        assert_eq!(store.get(&item.key).await.unwrap().as_ref(), Some(item));
    }
    for item in by_pk {
        holds(store, &item.key.pk, std::slice::from_ref(&item)).await;
    }
    holds(store, "p", &by_sk).await;
}

pub async fn longest_keys_are_kept(store: &impl Store) {
    // Two bytes each; the last character is what tells the keys apart.
    let long = |bytes: usize, last: &str| "\u{e9}".repeat(bytes / 2 - 1) + last;
    let mut items = Vec::new();
    for last in ["\u{e9}", "\u{ea}"] {
        for other in ["\u{e9}", "\u{ea}"] {
            let (pk, sk) = (long(PK_BYTES, last), long(SK_BYTES, other));
            let index = Some(IndexKey::new(pk.clone(), sk.clone()));
            items.push(Item { index1: index.clone(), index2: index, ..item(&pk, &sk) });
        }
    }
    fill(store, items.clone()).await;
    for item in &items {
        assert_eq!(store.get(&item.key).await.unwrap().as_ref(), Some(item));
    }
    holds(store, &items[0].key.pk, &items[..2]).await;
}

pub async fn unusable_keys_are_refused(store: &impl Store) {
    let texts = |most: usize| [String::new(), "a".repeat(most + 1), "\0".into(), "a\0b".into()];
    let pairs = (texts(PK_BYTES).map(|pk| (pk, "s".to_owned())).into_iter())
        .chain(texts(SK_BYTES).map(|sk| ("p".to_owned(), sk)));
    for (pk, sk) in pairs {
        let key = Key::new(pk.clone(), sk.clone());
        let index = Some(IndexKey::new(pk.clone(), sk.clone()));
        invalid(store.get(&key).await);
        for write in [
            Write::insert(Item { key: key.clone(), ..item("p", "s") }),
            Write::insert(Item { index1: index.clone(), ..item("p", "s") }),
            Write::insert(Item { index2: index, ..item("p", "s") }),
            delete(&key, Precondition::Any),
            check(&key, Precondition::Absent),
        ] {
            invalid(store.commit(&[write]).await);
        }
    }
    for pk in texts(PK_BYTES) {
        for source in [Source::Table, Source::Index1, Source::Index2] {
            invalid(store.query(&Query::new(source, pk.clone(), 1)).await);
        }
    }
    assert_eq!(store.get(&Key::new("p", "s")).await.unwrap(), None);
}

pub async fn largest_item_is_kept_and_a_larger_refused(store: &impl Store) {
    let entry = Some(IndexKey::new("i".repeat(PK_BYTES), "i".repeat(SK_BYTES)));
    let bare = Item { index1: entry.clone(), index2: entry, ..item("p", "s") };
    let room = ITEM_BYTES - 2 * (PK_BYTES + SK_BYTES) - 2;
    let sized = |bytes: usize| Item { body: vec![0x5a; bytes], ..bare.clone() };

    too_large(store.commit(&[Write::insert(sized(room + 1))]).await);
    assert_eq!(store.get(&bare.key).await.unwrap(), None);
    fill(store, [sized(room)]).await;
    assert_eq!(store.get(&bare.key).await.unwrap(), Some(sized(room)));
}

pub async fn versions_above_an_sql_integer_are_refused(store: &impl Store) {
    let high = i64::MAX.unsigned_abs() + 1;
    let it = item("p", "s");
    for write in [
        Write::insert(Item { version: high, ..it.clone() }),
        Write::replace(it.clone(), u64::MAX),
        delete(&it.key, Precondition::Version(high)),
        check(&it.key, Precondition::Version(high)),
    ] {
        invalid(store.commit(&[write]).await);
    }
}
