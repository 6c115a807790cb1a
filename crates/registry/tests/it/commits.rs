//! Changes become durable together, in order, and once.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use turnpike_domain::error::ErrorCode;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::time::TokenLifetime;
use turnpike_registry::store::{Error, Store as _};
use turnpike_registry::{About, Attempt, Change, CommitError, Registry};
use turnpike_testkit::store::Fault;

use crate::plane::{Plane, change, client, creation, edit, identifier, longer, server, team};

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_of_one_thing_lose_nothing() {
    let plane = Plane::new().await;
    let id = plane.client("Shop", "partners").await;
    let edits = (0..40).map(|_| edit(&plane.registry, &id, longer));
    let done = join_all(edits).await.into_iter().filter(Result::is_ok).count();
    let seconds = TokenLifetime::DEFAULT.seconds() + i64::try_from(done).unwrap();
    assert_eq!(plane.client_now(&id).await.token_lifetime.seconds(), seconds);
    assert_eq!(plane.verify().await, 1 + done as u64);
    assert!(done > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_of_different_things_are_all_made() {
    let plane = Plane::new().await;
    let clients: Vec<_> =
        (0..200).map(|n| client(&plane.registry, &format!("Shop {n}"), "partners")).collect();
    let commits = clients.iter().map(|client| plane.registry.commit(creation(client)));
    let mut sequences: Vec<u64> =
        join_all(commits).await.into_iter().map(|answer| answer.unwrap()).collect();
    sequences.sort_unstable();
    assert!(sequences.iter().copied().eq(1..=200), "{sequences:?}");
    assert_eq!(plane.verify().await, 200);
    for client in &clients {
        assert_eq!(plane.client_now(&client.client_id).await, *client);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_over_one_store_write_one_log() {
    let plane = Plane::new().await;
    let id = plane.client("Shop", "partners").await;
    let replicas = [plane.registry.clone(), plane.replica(2).await, plane.replica(3).await];
    let edits = (0..45).map(|n| edit(&replicas[n % 3], &id, longer));
    let done = join_all(edits).await.into_iter().filter(Result::is_ok).count();
    let seconds = TokenLifetime::DEFAULT.seconds() + i64::try_from(done).unwrap();
    assert_eq!(plane.client_now(&id).await.token_lifetime.seconds(), seconds);
    assert_eq!(plane.verify().await, 1 + done as u64);
    assert!(done > 0);
}

/// The registration of a client that leans on that nothing is said of the team partners since.
fn exclusive(registry: &Registry, name: &str, since: u64, events: u64) -> Change {
    let mut change = creation(&client(registry, name, "partners"));
    change.leans_on(About::Team(team("partners")), since, events);
    change
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_leans_on_what_is_not_there_falls_when_it_is_added() {
    let plane = Plane::new().await;
    let registry = &plane.registry;
    plane.client("Shop", "partners").await;
    let before = registry.head().await.unwrap().sequence;
    plane.client("Another", "partners").await;
    plane.client("A stranger", "others").await;
    let answer = registry.commit(exclusive(registry, "Late", before, 0)).await;
    assert!(matches!(answer, Err(CommitError::Conflict)), "{answer:?}");
    // One event of that team is as many as it bears.
    let answer = registry.commit(exclusive(registry, "Bears one", before, 1)).await;
    assert_eq!(answer.unwrap(), 4);
    let answer = registry.commit(exclusive(registry, "Bears one", before, 1)).await;
    assert!(matches!(answer, Err(CommitError::Conflict)), "{answer:?}");
    let head = registry.head().await.unwrap().sequence;
    plane.client("A stranger", "others").await;
    assert_eq!(registry.commit(exclusive(registry, "In time", head, 0)).await.unwrap(), 6);
    assert_eq!(plane.verify().await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_does_it_miss_what_another_process_adds() {
    let plane = Plane::new().await;
    let other = plane.replica(2).await;
    let before = other.head().await.unwrap().sequence;
    plane.client("A stranger", "others").await;
    assert_eq!(other.commit(exclusive(&other, "In time", before, 0)).await.unwrap(), 2);
    let before = other.head().await.unwrap().sequence;
    plane.client("Shop", "partners").await;
    let answer = other.commit(exclusive(&other, "Late", before, 0)).await;
    assert!(matches!(answer, Err(CommitError::Conflict)), "{answer:?}");
    // Who has read further than its process has seen is not behind.
    plane.client("Another", "partners").await;
    let head = other.head().await.unwrap().sequence;
    assert_eq!(other.commit(exclusive(&other, "In time", head, 0)).await.unwrap(), 5);
    assert_eq!(plane.verify().await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_exclude_each_other_in_one_batch_one_is_made() {
    let plane = Plane::new().await;
    let registry = &plane.registry;
    let head = registry.head().await.unwrap().sequence;
    let commits =
        (0..8).map(|n| registry.commit(exclusive(registry, &format!("Shop {n}"), head, 0)));
    let made = join_all(commits).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(made, 1);
    assert_eq!(plane.verify().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_leans_on_what_is_not_there_does_not_starve() {
    let plane = Plane::new().await;
    plane.server("api", "orders", &["read"]).await;
    let id = plane.client("Shop", "partners").await;
    let other = plane.replica(2).await;
    let stop = AtomicBool::new(false);
    // Two processes that write all the time.
    let writes = async |registry: &Registry| {
        while !stop.load(Ordering::Relaxed) {
            let _ = edit(registry, &id, |client| client.enabled = !client.enabled).await;
        }
    };
    let decide = || async {
        let head = plane.registry.head().await?.sequence;
        let server = plane.registry.resource_server(&identifier("api")).await?.unwrap();
        // Whatever a decision looks at takes a while.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let mut change = change();
        change.leans_on(About::ResourceServer(identifier("api")), head, 0);
        change.delete_resource_server(&server);
        let became = Became::Gone(&server.value);
        let action = EventAction::ResourceServerDeleted;
        change.event(EventDraft::of_resource_server(action, became));
        Ok(Attempt::Change(Box::new(change), ()))
    };
    let deletes = async {
        let deleted = plane.registry.transact(decide).await;
        stop.store(true, Ordering::Relaxed);
        deleted.unwrap();
    };
    tokio::join!(writes(&plane.registry), writes(&plane.registry), writes(&other), deletes);
    assert!(plane.registry.resource_server(&identifier("api")).await.unwrap().is_none());
    plane.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_made_once() {
    let plane = Plane::new().await;
    plane.store.on_commits([Fault::LoseAnswer]);
    let id = plane.client("Shop", "partners").await;
    assert_eq!(plane.client_now(&id).await.display_name.as_str(), "Shop");
    assert_eq!(plane.verify().await, 1);

    // Nor does it matter that the log does not answer at first.
    plane.store.on_commits([Fault::LoseAnswer]);
    plane.store.on_reads([Fault::Pass, Fault::LoseAnswer, Fault::LoseAnswer]);
    edit(&plane.registry, &id, longer).await.unwrap();
    assert_eq!(plane.client_now(&id).await.token_lifetime.seconds(), 3601);
    assert_eq!(plane.verify().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_failed_is_tried_again() {
    let plane = Plane::new().await;
    let unavailable = || Fault::Fail(Error::Unavailable("no disk".into()));
    plane.store.on_commits([Fault::Fail(Error::Contended), unavailable(), unavailable()]);
    let id = plane.client("Shop", "partners").await;
    assert_eq!(plane.verify().await, 1);

    plane.store.on_commits((0..20).map(|_| unavailable()));
    let failed = edit(&plane.registry, &id, longer).await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::Unavailable);
    assert!(!failed.to_string().contains("disk"));
    assert_eq!(plane.client_now(&id).await.token_lifetime.seconds(), 3600);
    assert_eq!(plane.verify().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fits_no_store_harms_no_other() {
    let plane = Plane::new().await;
    let mut large = change();
    for n in 0..120 {
        let value = server(&format!("api-{n}"), "orders", &["read"], plane.registry.now());
        large.put_resource_server(&turnpike_registry::Versioned::new(value)).unwrap();
    }
    let small = client(&plane.registry, "Shop", "partners");
    let (large, small) =
        tokio::join!(plane.registry.commit(large), plane.registry.commit(creation(&small)));
    assert!(
        matches!(large, Err(CommitError::Failed(error)) if error.code() == ErrorCode::Internal)
    );
    assert_eq!(small.unwrap(), 1);
    assert_eq!(plane.verify().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_of_one_leaves_the_rest_of_its_batch() {
    let plane = Plane::new().await;
    let id = plane.client("Shop", "partners").await;
    let stale = plane.registry.client(&id).await.unwrap().unwrap();
    edit(&plane.registry, &id, longer).await.unwrap();
    let others: Vec<_> =
        (0..20).map(|n| client(&plane.registry, &format!("Shop {n}"), "partners")).collect();
    let mut change = change();
    change.put_client(&stale).unwrap();
    let became = Became::New(&stale.value);
    change.event(EventDraft::of_client(EventAction::ClientUpdated, became));
    let refused = plane.registry.commit(change);
    let made = join_all(others.iter().map(|other| plane.registry.commit(creation(other))));
    let (refused, made) = tokio::join!(refused, made);
    assert!(matches!(refused, Err(CommitError::Conflict)));
    assert!(made.iter().all(Result::is_ok));
    assert_eq!(plane.verify().await, 22);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_is_there_when_it_is_opened_again() {
    let plane = Plane::new().await;
    let id = plane.client("Shop", "partners").await;
    let again = plane.replica(9).await;
    assert_eq!(again.head().await.unwrap().sequence, 1);
    edit(&again, &id, longer).await.unwrap();
    assert_eq!(plane.verify().await, 2);
    let key = turnpike_registry::store::Key::new("HEAD", "META");
    assert_eq!(plane.store.get(&key).await.unwrap().unwrap().version, 2);
}
