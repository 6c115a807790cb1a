//! Indexes that show commits late hide nothing from those who decide.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::id::TokenId;
use turnpike_registry::store::{Key, Precondition, Store as _, Write};
use turnpike_registry::{ClientFilter, Follower, Registry, Versioned};
use turnpike_store_sqlite::SqliteStore;
use turnpike_testkit::clock::{SeededEntropy, TestClock};
use turnpike_testkit::store::LaggingStore;

use crate::plane::{change, client, creation, edit, server};

struct Lagging {
    registry: Registry,
    clock: Arc<TestClock>,
    store: Arc<LaggingStore<SqliteStore>>,
    _folder: TempDir,
}

async fn lagging() -> Lagging {
    let folder = TempDir::new().unwrap();
    let open = |name: &str| SqliteStore::open(&folder.path().join(name)).unwrap();
    let store = Arc::new(LaggingStore::new(open("now.db"), open("shown.db")));
    let clock = Arc::new(TestClock::default());
    let entropy = Arc::new(SeededEntropy::new(1));
    let registry = Registry::open(store.clone(), clock.clone(), entropy).await.unwrap();
    Lagging { registry, clock, store, _folder: folder }
}

/// A process that starts right after a change decides as one that saw it happen.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_knows_what_the_indexes_do_not_show_yet() {
    let Lagging { registry, clock, store, _folder } = lagging().await;
    let old = client(&registry, "Old", "partners");
    registry.commit(creation(&old)).await.unwrap();
    // The indexes follow up to here.
    for _ in 0..3 {
        registry.list_clients(&ClientFilter::default(), 9, None).await.unwrap();
    }
    store.hold(true);
    clock.advance(Duration::from_secs(3600));

    edit(&registry, &old.client_id, |client| client.enabled = false).await.unwrap();
    let new = client(&registry, "New", "partners");
    registry.commit(creation(&new)).await.unwrap();
    let api = server("api", "orders", &["read"], registry.now());
    let mut creation = change();
    creation.put_resource_server(&Versioned::new(api.clone())).unwrap();
    let created = EventAction::ResourceServerCreated;
    creation.event(EventDraft::of_resource_server(created, Became::New(&api)));
    registry.commit(creation).await.unwrap();
    let token = TokenId::parse("jti-1").unwrap();
    let mut revocation = change();
    revocation.put_revoked_token(&token, &new.client_id, registry.now().plus_seconds(3600));
    revocation.event(EventDraft {
        subject: format!("tokens/{token}"),
        ..EventDraft::of_client(EventAction::TokenRevoked, Became::New(&new))
    });
    registry.commit(revocation).await.unwrap();
    let listed = registry.list_clients(&ClientFilter::default(), 9, None).await.unwrap();
    assert_eq!(listed.items.len(), 1, "the index is held");

    let policy = Follower::start(registry.clone()).await.unwrap().policy();
    assert_eq!(policy.sequence(), 5);
    assert!(!policy.client(old.client_id.as_str()).unwrap().enabled);
    assert!(policy.client(new.client_id.as_str()).is_some());
    assert!(policy.resource_server("api").is_some());
    assert!(policy.is_revoked("jti-1"));
}

/// Only what the indexes may not show yet is read from the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_does_not_read_the_whole_log() {
    let Lagging { registry, clock, store, _folder } = lagging().await;
    for n in 0..120 {
        let client = client(&registry, &format!("Shop {n}"), "partners");
        registry.commit(creation(&client)).await.unwrap();
        clock.advance(Duration::from_secs(60));
    }
    // Nobody can start from events that nobody can read.
    for (sequence, starts) in [(1, true), (114, true), (118, false)] {
        let key = Key::new("LOG#0000000000", format!("{sequence:016}"));
        let mut item = store.get(&key).await.unwrap().unwrap();
        item.body = b"no event".to_vec();
        let precondition = Precondition::Exists;
        store.commit(&[Write::Put { item, precondition }]).await.unwrap();
        assert_eq!(Follower::start(registry.clone()).await.is_ok(), starts, "{sequence}");
    }
}
