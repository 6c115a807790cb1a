//! Among many who write, and within a quota.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};

use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::grant::GrantState;
use turnpike_domain::id::ClientId;
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Follower, Quotas};

use super::plane::{
    Plane, blockers, code, deletion, new_server, only, owner, person, setup, update,
};

/// Changes a client over and over until it is told to stop; answers with how often.
async fn write(plane: &Plane, id: &ClientId, stop: &AtomicBool) -> usize {
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        let decide = || async {
            let mut client = plane.registry.client(id).await?.unwrap();
            let before = client.value.clone();
            client.value.enabled = !client.value.enabled;
            let mut change = setup();
            change.put_client(&client)?;
            let became = Became::Other(&before, &client.value);
            change.event(EventDraft::of_client(EventAction::ClientUpdated, became));
            Ok(Attempt::Change(Box::new(change), ()))
        };
        done += usize::from(plane.registry.transact(decide).await.is_ok());
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_finishes_while_others_write_all_the_time() {
    let plane = Plane::new().await;
    let server = plane.orders(&["read", "write"]).await;
    let mut clients = Vec::new();
    for n in 0..30 {
        clients.push(plane.client(&format!("Shop {n}")).await);
    }
    for client in &clients {
        plane.grant(client, &["orders/read", "orders/write"], GrantState::Active).await;
    }
    let mut writers = Vec::new();
    for n in 0..4 {
        writers.push(plane.client(&format!("Writer {n}")).await);
    }
    let stop = AtomicBool::new(false);
    let writes = writers.iter().map(|id| write(&plane, id, &stop));
    let deletes = async {
        // First a scope goes, with a part of each grant; then all of it, in several changes.
        let shrunk = plane.update(&owner(), only(&server, &["read"], true)).await.unwrap();
        let server = shrunk.resource_server.unwrap();
        let impact = plane.delete(&owner(), deletion(&server, true)).await.unwrap().impact;
        stop.store(true, Ordering::Relaxed);
        impact.unwrap().total_effects
    };
    let (written, effects) = tokio::join!(futures_util::future::join_all(writes), deletes);
    assert!(effects >= 30, "{effects}");
    assert!(written.iter().sum::<usize>() > 0);
    let get = pb::GetResourceServerRequest { identifier: "orders".to_owned() };
    assert_eq!(code(plane.get(&owner(), get).await), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_has_a_bounded_number() {
    let plane = Plane::new().await;
    let follower = Follower::start(plane.registry.clone()).await.unwrap();
    tokio::spawn(follower.run());
    let two = NonZeroU32::new(2).unwrap();
    plane.registry.limit(Quotas { clients: two, pending_grants: two, resource_servers: two });
    let first = plane.orders(&["read"]).await;
    plane.create(&owner(), new_server("second", "orders", &[])).await.unwrap();
    let third = new_server("third", "orders", &[]);
    let asked = pb::CreateResourceServerRequest { validate_only: true, ..third.clone() };
    for request in [asked, third.clone()] {
        let blockers = blockers(plane.create(&owner(), request).await);
        assert_eq!((blockers[0].kind, &blockers[0].subject[..]), ("QUOTA_REACHED", "teams/orders"));
        assert_eq!(blockers[0].description, "a team may have 2 resource servers");
    }
    let both = person("bea", &["orders", "others"], &[]);
    let theirs = plane.create(&both, new_server("theirs", "others", &[])).await.unwrap();
    let moved = |server: pb::ResourceServer, team: &str| {
        update(&pb::ResourceServer { team: team.to_owned(), ..server }, &["team"])
    };
    let theirs = moved(theirs.resource_server.unwrap(), "orders");
    assert_eq!(blockers(plane.update(&both, theirs).await)[0].kind, "QUOTA_REACHED");
    plane.update(&both, moved(first, "others")).await.unwrap();
    plane.create(&owner(), third).await.unwrap();
}
