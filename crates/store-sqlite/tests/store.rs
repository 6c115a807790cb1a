//! The SQLite side of the store seam: the contract, and what is its own (files, locks, schema).

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use rusqlite::Connection;
use tempfile::TempDir;
use turnpike_registry::store::{Error, IndexKey, Item, Key, Query, Source, Store, Write};
use turnpike_store_sqlite::{OpenError, SqliteStore};
use turnpike_testkit::store::{Fault, FlakyStore, LaggingStore, store_conformance};

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract() {
    let folder = TempDir::new().unwrap();
    let stores = AtomicUsize::new(0);
    store_conformance(async || {
        let number = stores.fetch_add(1, Ordering::Relaxed);
        SqliteStore::open(&folder.path().join(format!("{number}.db"))).unwrap()
    })
    .await;
}

/// The contract lets indexes lag, so its suite must bear it.
#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_also_with_indexes_that_lag() {
    let folder = TempDir::new().unwrap();
    let stores = AtomicUsize::new(0);
    store_conformance(async || {
        let number = stores.fetch_add(1, Ordering::Relaxed);
        let open = |which: &str| {
            SqliteStore::open(&folder.path().join(format!("{number}-{which}.db"))).unwrap()
        };
        LaggingStore::new(open("now"), open("shown"))
    })
    .await;
}

fn item(sk: &str) -> Item {
    let key = Key::new("p", sk);
    Item { index1: Some(IndexKey::new("i", sk)), index2: None, version: 1, body: vec![1], key }
}

async fn insert(store: &impl Store, sk: &str) -> Result<(), Error> {
    store.commit(&[Write::insert(item(sk))]).await
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_what_it_creates() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = TempDir::new().unwrap();
    let outer = folder.path().join("new");
    let inner = outer.join("newer");
    let store = SqliteStore::open(&inner.join("t.db")).unwrap();
    insert(&store, "a").await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode(&outer), mode(&inner)], [0o700; 2]);
    let mut files: Vec<_> =
        fs::read_dir(&inner).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["t.db", "t.db-shm", "t.db-wal", "t.db.lock"]);
    for file in files {
        assert_eq!(mode(&inner.join(&file)), 0o600, "{file:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_there_and_open_to_others_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = TempDir::new().unwrap();
    let inner = folder.path().join("data");
    let path = inner.join("t.db");
    let store = SqliteStore::open(&path).unwrap();
    insert(&store, "a").await.unwrap();
    // What lies beside it while it is open stays when the process dies.
    let wal = fs::read(inner.join("t.db-wal")).unwrap();
    drop(store);
    fs::write(inner.join("t.db-wal"), wal).unwrap();
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let reopened = || SqliteStore::open(&path).map(drop);
    set(&inner.join("t.db-wal"), 0o600);
    reopened().unwrap();

    for (file, mode) in [("t.db", 0o644), ("t.db", 0o660), ("t.db", 0o604), ("t.db.lock", 0o666)] {
        set(&inner.join(file), mode);
        let refused = reopened().unwrap_err();
        let words = refused.to_string();
        assert!(matches!(refused, OpenError::Exposed { .. }), "{refused:?}");
        assert!(words.contains(file) && words.contains(&format!("{mode:04o}")), "{words}");
        assert!(words.contains("chmod 600"), "{words}");
        let kept = fs::metadata(inner.join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(kept, mode, "it is not mended in silence");
        set(&inner.join(file), 0o600);
        reopened().unwrap();
    }
    for (mode, fine) in [
        (0o777, false),
        (0o770, false),
        (0o1777, true),
        (0o755, true),
        (0o750, true),
        (0o700, true),
    ] {
        set(&inner, mode);
        match reopened() {
            Ok(()) => assert!(fine, "{mode:o}"),
            Err(refused) => {
                assert!(!fine && refused.to_string().contains("chmod 700"), "{mode:o}: {refused}");
            }
        }
    }
}

#[tokio::test]
async fn a_second_opening_is_refused_while_the_first_lasts() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("t.db");
    let store = SqliteStore::open(&path).unwrap();
    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused:?}");
    let expected = format!("`{}` is in use", path.canonicalize().unwrap().display());
    assert!(refused.to_string().starts_with(&expected), "{refused}");
    #[cfg(unix)]
    {
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let refused = SqliteStore::open(&link).unwrap_err();
        assert!(matches!(refused, OpenError::InUse { .. }), "{refused:?}");
    }
    insert(&store, "a").await.unwrap();
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.get(&Key::new("p", "a")).await.unwrap(), Some(item("a")));
}

#[test]
fn a_foreign_file_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let other_program = folder.path().join("other.db");
    let sql = "PRAGMA application_id = 77; PRAGMA user_version = 1; CREATE TABLE items (pk)";
    Connection::open(&other_program).unwrap().execute_batch(sql).unwrap();
    let no_name = folder.path().join("no-name.db");
    Connection::open(&no_name).unwrap().execute_batch("CREATE TABLE mine (n)").unwrap();
    let text = folder.path().join("text.db");
    fs::write(&text, "to do: everything else\n".repeat(100)).unwrap();

    for path in [other_program, no_name, text] {
        let before = fs::read(&path).unwrap();
        let refused = SqliteStore::open(&path).unwrap_err();
        assert!(matches!(refused, OpenError::Foreign { .. }), "{path:?}: {refused:?}");
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(refused.to_string().contains(name), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), before, "{path:?}");
    }
}

#[test]
fn a_newer_schema_is_refused_by_its_number() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("t.db");
    drop(SqliteStore::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7000).unwrap();
    let refused = SqliteStore::open(&path).unwrap_err().to_string();
    assert!(refused.contains("t.db` has schema version 7000"), "{refused}");
    assert!(refused.contains("knows versions up to 1"), "{refused}");
}

#[test]
fn an_empty_file_becomes_a_database() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("t.db");
    fs::write(&path, "").unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    drop(SqliteStore::open(&path).unwrap());
    drop(SqliteStore::open(&path).unwrap());
}

#[test]
fn what_cannot_be_a_file_is_refused() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("t.db")).unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for path in [&folder.path().join("t.db"), &folder.path().join("file/t.db"), Path::new("/")] {
        let refused = SqliteStore::open(path).unwrap_err();
        assert!(matches!(refused, OpenError::Io { .. }), "{path:?}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_writers_share_transactions_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("t.db");
    let store = SqliteStore::open(&path).unwrap();
    insert(&store, "counter").await.unwrap();
    // Each commit adds an entry under the number that it found in the counter, as the log does.
    let writer = async |writer: usize| {
        for n in 0..25 {
            loop {
                let counter = store.get(&Key::new("p", "counter")).await.unwrap().unwrap();
                let entry = Item {
                    key: Key::new("log", format!("{:06}", counter.version)),
                    body: format!("{writer} {n}").into_bytes(),
                    ..item("entry")
                };
                let next = Item { version: counter.version + 1, ..counter.clone() };
                let writes = [Write::replace(next, counter.version), Write::insert(entry)];
                match store.commit(&writes).await {
                    Ok(()) => break,
                    Err(Error::Precondition(0)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    };
    join_all((0..16).map(writer)).await;

    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    let log = store.query(&Query::new(Source::Table, "log", 1000)).await.unwrap().items;
    assert_eq!(log.len(), 16 * 25);
    let numbers = (1..).map(|number: u64| format!("{number:06}"));
    assert!(log.iter().map(|entry| &entry.key.sk).cloned().eq(numbers.take(log.len())));
    let mut bodies: Vec<_> = log.into_iter().map(|entry| entry.body).collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 16 * 25);
}

#[tokio::test]
async fn closed_it_is_one_file_and_opened_again_it_has_everything() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("t.db");
    let items: Vec<_> = (0..300).map(|n| item(&format!("{n:03}"))).collect();
    let store = SqliteStore::open(&path).unwrap();
    for items in items.chunks(50) {
        let writes: Vec<_> = items.iter().cloned().map(Write::insert).collect();
        store.commit(&writes).await.unwrap();
    }
    drop(store);
    assert!(!folder.path().join("t.db-wal").exists());

    let store = SqliteStore::open(&path).unwrap();
    for (source, pk) in [(Source::Table, "p"), (Source::Index1, "i")] {
        assert_eq!(store.query(&Query::new(source, pk, 1000)).await.unwrap().items, items);
    }
}

#[tokio::test]
async fn what_cannot_be_read_back_is_corrupt() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("t.db");
    let store = SqliteStore::open(&path).unwrap();
    insert(&store, "a").await.unwrap();
    insert(&store, "b").await.unwrap();
    drop(store);
    let sql = "UPDATE items SET version = -1 WHERE sk = 'a'";
    Connection::open(&path).unwrap().execute(sql, []).unwrap();

    let store = SqliteStore::open(&path).unwrap();
    let answer = store.get(&Key::new("p", "a")).await;
    assert!(matches!(answer, Err(Error::Corrupt(_))), "{answer:?}");
    assert_eq!(store.get(&Key::new("p", "b")).await.unwrap(), Some(item("b")));
    drop(store);

    // All but the first page, which holds the schema.
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0xaa);
    fs::write(&path, bytes).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    let answer = store.get(&Key::new("p", "b")).await;
    assert!(matches!(answer, Err(Error::Corrupt(_))), "{answer:?}");
    let answer = insert(&store, "c").await;
    assert!(matches!(answer, Err(Error::Corrupt(_))), "{answer:?}");
}

#[tokio::test]
async fn a_flaky_store_does_as_it_is_told() {
    let folder = TempDir::new().unwrap();
    let store = FlakyStore::new(SqliteStore::open(&folder.path().join("t.db")).unwrap());
    let key = |sk: &str| Key::new("p", sk);
    store.on_commits([Fault::Pass, Fault::LoseAnswer, Fault::Fail(Error::Contended)]);
    insert(&store, "passed").await.unwrap();
    assert!(matches!(insert(&store, "lost").await, Err(Error::Unavailable(_))));
    assert!(matches!(insert(&store, "failed").await, Err(Error::Contended)));
    insert(&store, "after").await.unwrap();
    for (sk, there) in [("passed", true), ("lost", true), ("failed", false), ("after", true)] {
        assert_eq!(store.get(&key(sk)).await.unwrap().is_some(), there, "{sk}");
    }

    store.on_reads([Fault::Fail(Error::Contended), Fault::LoseAnswer]);
    assert!(matches!(store.get(&key("passed")).await, Err(Error::Contended)));
    let query = Query::new(Source::Table, "p", 9);
    assert!(matches!(store.query(&query).await, Err(Error::Unavailable(_))));
    assert_eq!(store.query(&query).await.unwrap().items.len(), 3);
}
