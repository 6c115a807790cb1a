//! A team never has more than its quota, whoever adds at the same moment.

use std::num::NonZeroU32;

use futures_util::future::join_all;
use turnpike_domain::Error;
use turnpike_domain::error::ErrorCode;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::grant::GrantState;
use turnpike_domain::id::ClientId;
use turnpike_registry::{Attempt, Follower, Quota, Quotas, Registry};

use crate::plane::{Plane, change, client, creation, team};

fn quotas(max: u32) -> Quotas {
    let max = NonZeroU32::new(max).unwrap();
    Quotas { clients: max, resource_servers: max, pending_grants: max }
}

/// A process that holds quotas.
async fn limited(registry: Registry, max: u32) -> Registry {
    let follower = Follower::start(registry.clone()).await.unwrap();
    tokio::spawn(follower.run());
    registry.limit(quotas(max));
    registry
}

/// Registers a client for the team partners, if there is room.
async fn register(registry: &Registry) -> Result<ClientId, Error> {
    let decide = || async {
        let room = registry.room(Quota::Clients, &team("partners"), 1).await?;
        let client = client(registry, "Shop", "partners");
        let mut change = creation(&client);
        change.within(&room);
        Ok(Attempt::Change(Box::new(change), client.client_id))
    };
    registry.transact(decide).await
}

fn is_refused(error: &Error) {
    let Error::Precondition(blockers) = error else { panic!("{error:?}") };
    assert_eq!(
        (blockers[0].kind, blockers[0].subject.as_str()),
        ("QUOTA_REACHED", "teams/partners")
    );
}

async fn count(registry: &Registry) -> usize {
    let filter = turnpike_registry::ClientFilter::default();
    registry.list_clients(&filter, 1000, None).await.unwrap().items.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_at_once_never_exceed_it() {
    let plane = Plane::new().await;
    plane.client("A stranger", "others").await;
    let one = limited(plane.registry.clone(), 20).await;
    let two = limited(plane.replica(2).await, 20).await;
    for round in 0..6 {
        let made = join_all((0..16).map(|n| register(if n % 2 == 0 { &one } else { &two }))).await;
        for error in made.into_iter().filter_map(Result::err) {
            match error.code() {
                // Too many at once for the last places: nobody was promised one.
                ErrorCode::Unavailable => {}
                _ => is_refused(&error),
            }
        }
        let there = count(&one).await - 1;
        assert!(there <= 20, "round {round}: {there}");
    }
    while let Ok(_) | Err(Error::Unavailable(_)) = register(&one).await {}
    assert_eq!(count(&one).await, 21, "and all places are taken in the end");
    is_refused(&register(&two).await.unwrap_err());
    plane.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_makes_room_at_once_also_for_another_process() {
    let plane = Plane::new().await;
    let one = limited(plane.registry.clone(), 1).await;
    let two = limited(plane.replica(2).await, 1).await;
    for _ in 0..5 {
        let id = register(&one).await.unwrap();
        is_refused(&register(&two).await.unwrap_err());
        let there = one.client(&id).await.unwrap().unwrap();
        let mut deletion = change();
        deletion.delete_client(&there);
        let became = Became::Gone(&there.value);
        deletion.event(EventDraft::of_client(EventAction::ClientDeleted, became));
        one.commit(deletion).await.unwrap();
        let id = register(&two).await.unwrap();
        let there = two.client(&id).await.unwrap().unwrap();
        let mut deletion = change();
        deletion.delete_client(&there);
        let became = Became::Gone(&there.value);
        deletion.event(EventDraft::of_client(EventAction::ClientDeleted, became));
        two.commit(deletion).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_count_while_nobody_has_decided_them() {
    let plane = Plane::new().await;
    plane.server("api", "orders", &["read", "write", "list"]).await;
    let id = plane.client("Shop", "partners").await;
    let registry = &plane.registry;
    let follower = Follower::start(registry.clone()).await.unwrap();
    registry.limit(quotas(2));
    let room = async |more| {
        follower.catch_up().await.unwrap();
        registry.room(Quota::PendingGrants, &team("partners"), more).await
    };
    plane.grant(&id, &["api/read"], GrantState::Active, None).await;
    plane.grant(&id, &["api/write"], GrantState::Pending, None).await;
    let _ = room(1).await.unwrap();
    is_refused(&room(2).await.unwrap_err());
    let _ = room(0).await.unwrap();
    plane.grant(&id, &["api/list"], GrantState::Pending, None).await;
    is_refused(&room(1).await.unwrap_err());
    let others = registry.room(Quota::PendingGrants, &team("others"), 2).await;
    let _ = others.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_follows_the_log_nothing_is_added() {
    let plane = Plane::new().await;
    let bounds = turnpike_registry::Bounds {
        behind: std::time::Duration::ZERO,
        unheard: std::time::Duration::from_secs(3600),
    };
    let _follower = Follower::start_within(plane.registry.clone(), bounds).await.unwrap();
    plane.registry.limit(quotas(5));
    plane.client("Shop", "partners").await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let refused = register(&plane.registry).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unavailable);
}
