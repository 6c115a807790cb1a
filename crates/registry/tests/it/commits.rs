//! Changes become durable together, in order, and once.

use futures_util::future::join_all;
use turnpike_domain::error::ErrorCode;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::time::TokenLifetime;
use turnpike_registry::CommitError;
use turnpike_registry::store::{Error, Store as _};
use turnpike_testkit::store::Fault;

use crate::plane::{Plane, change, client, creation, edit, longer, server};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_leans_on_what_is_not_there_falls_when_anything_is_added() {
    let plane = Plane::new().await;
    plane.client("Shop", "partners").await;
    let head = plane.registry.head().await.unwrap();
    plane.client("Another", "others").await;
    let mut late = creation(&client(&plane.registry, "Late", "partners"));
    late.serialize_after(head.sequence);
    let answer = plane.registry.commit(late).await;
    assert!(matches!(answer, Err(CommitError::Conflict)), "{answer:?}");

    let head = plane.registry.head().await.unwrap();
    let mut in_time = creation(&client(&plane.registry, "In time", "partners"));
    in_time.serialize_after(head.sequence);
    assert_eq!(plane.registry.commit(in_time).await.unwrap(), 3);
    assert_eq!(plane.verify().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_read_further_than_the_process_has_seen_is_not_behind() {
    let plane = Plane::new().await;
    let other = plane.replica(2).await;
    plane.client("Shop", "partners").await;
    let head = other.head().await.unwrap();
    let mut change = creation(&client(&other, "Another", "partners"));
    change.serialize_after(head.sequence);
    assert_eq!(other.commit(change).await.unwrap(), 2);
    assert_eq!(plane.verify().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_exclude_each_other_in_one_batch_one_is_made() {
    let plane = Plane::new().await;
    let head = plane.registry.head().await.unwrap();
    let commits = (0..8).map(|n| {
        let mut change = creation(&client(&plane.registry, &format!("Shop {n}"), "partners"));
        change.serialize_after(head.sequence);
        plane.registry.commit(change)
    });
    let made = join_all(commits).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(made, 1);
    assert_eq!(plane.verify().await, 1);
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
