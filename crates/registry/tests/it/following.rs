//! A policy that cannot follow the log says so, and stops deciding.

use std::time::Duration;

use turnpike_domain::Error;
use turnpike_domain::error::ErrorCode;
use turnpike_domain::id::ClientId;
use turnpike_registry::store::{Key, Store as _, Write};
use turnpike_registry::{Attempt, Bounds, Follower, Policy};

use crate::plane::{Plane, edit, longer};

const LONG: Duration = Duration::from_secs(3600);

/// Makes an event one that nobody can read.
async fn damage(plane: &Plane, sequence: u64) {
    let key = Key::new("LOG#0000000000", format!("{sequence:016}"));
    let mut item = plane.store.inner().get(&key).await.unwrap().unwrap();
    let version = item.version;
    item.body = b"no event".to_vec();
    item.version += 1;
    plane.store.inner().commit(&[Write::replace(item, version)]).await.unwrap();
}

async fn until_stale(policy: &Policy, stale: bool) {
    let waits = async {
        while policy.is_stale() != stale {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waits).await.unwrap();
}

fn enabled(policy: &Policy, id: &ClientId) -> Option<bool> {
    policy.client(id.as_str()).map(|client| client.enabled)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_makes_it_stale() {
    let plane = Plane::new().await;
    let id = plane.client("Shop", "partners").await;
    let bounds = Bounds { behind: Duration::from_millis(50), unheard: LONG };
    let follower = Follower::start_within(plane.replica(2).await, bounds).await.unwrap();
    let policy = follower.policy();
    let before = policy.epoch();
    edit(&plane.registry, &id, longer).await.unwrap();
    edit(&plane.registry, &id, |client| client.enabled = false).await.unwrap();
    damage(&plane, 2).await;
    tokio::spawn(follower.run());

    until_stale(&policy, true).await;
    let standing = policy.standing();
    assert_eq!((standing.applied, standing.known), (1, 3));
    assert_eq!(standing.failing, Some(ErrorCode::Internal));
    assert!(standing.stale && standing.age > bounds.behind);
    // What was decided before counts no longer, nor what is decided now.
    let epochs = [before, policy.epoch(), policy.epoch()];
    assert!(epochs[0] != epochs[1] && epochs[1] != epochs[2], "{epochs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_makes_it_stale_later_and_up_again_fresh() {
    let plane = Plane::new().await;
    plane.client("Shop", "partners").await;
    let follower = Follower::start_within(
        plane.registry.clone(),
        Bounds { behind: Duration::ZERO, unheard: LONG },
    );
    let patient = follower.await.unwrap().policy();
    let bounds = Bounds { behind: Duration::ZERO, unheard: Duration::from_secs(1) };
    let follower = Follower::start_within(plane.replica(2).await, bounds).await.unwrap();
    let policy = follower.policy();
    let epoch = policy.epoch();
    tokio::spawn(follower.run());

    plane.store.set_down(true);
    until_stale(&policy, true).await;
    assert_eq!(policy.standing().failing, Some(ErrorCode::Unavailable));
    // Nothing is known that it lacks: within its bound the other still decides.
    assert!(!patient.is_stale());
    assert_eq!(patient.standing().applied, patient.standing().known);

    plane.store.set_down(false);
    until_stale(&policy, false).await;
    assert_eq!((policy.standing().failing, policy.epoch()), (None, epoch));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_answered_when_it_is_in_force_or_nothing_is_decided() {
    let plane = Plane::new().await;
    let id = plane.client("Shop", "partners").await;
    let bounds = Bounds { behind: Duration::from_millis(50), unheard: LONG };
    let follower = Follower::start_within(plane.registry.clone(), bounds).await.unwrap();
    let policy = follower.policy();
    // It never follows.
    edit(&plane.registry, &id, |client| client.enabled = false).await.unwrap();
    assert_eq!(enabled(&policy, &id), Some(true));
    assert!(policy.is_stale());
}

#[tokio::test(flavor = "multi_thread")]
async fn that_nothing_needs_to_change_is_answered_when_what_was_read_is_in_force() {
    let plane = Plane::new().await;
    let id = plane.client("Shop", "partners").await;
    let follower = Follower::start(plane.registry.clone()).await.unwrap();
    let policy = follower.policy();
    let other = plane.replica(2).await;
    edit(&other, &id, |client| client.enabled = false).await.unwrap();

    let disable_again = async {
        let decide = || async {
            assert!(!plane.client_now(&id).await.enabled, "another has disabled it");
            Ok::<_, Error>(Attempt::Nothing(()))
        };
        plane.registry.transact(decide).await.unwrap();
        enabled(&policy, &id)
    };
    let follow_later = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        follower.catch_up().await.unwrap();
    };
    let (enabled, ()) = tokio::join!(disable_again, follow_later);
    assert_eq!(enabled, Some(false));
}
