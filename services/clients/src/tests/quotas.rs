//! A team has a bounded number of clients and of undecided grants.

use std::num::NonZeroU32;

use turnpike_domain::error::Error;
use turnpike_proto::v1 as pb;
use turnpike_registry::{Follower, Quotas};

use super::plane::{Plane, admin, approval, ask, blockers, new_client, owner, partner, person};

/// A plane whose teams may have so much.
async fn limited(clients: u32, pending_grants: u32) -> Plane {
    let plane = Plane::new().await;
    let follower = Follower::start(plane.registry.clone()).await.unwrap();
    tokio::spawn(follower.run());
    let number = |number| NonZeroU32::new(number).unwrap();
    plane.registry.limit(Quotas {
        clients: number(clients),
        pending_grants: number(pending_grants),
        resource_servers: number(1),
    });
    plane
}

#[track_caller]
fn is_reached<T: std::fmt::Debug>(answer: Result<T, Error>, words: &str) {
    let blockers = blockers(answer);
    assert_eq!((blockers[0].kind, &blockers[0].subject[..]), ("QUOTA_REACHED", "teams/partners"));
    assert_eq!(blockers[0].description, words);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_made_and_taken_over_up_to_the_quota() {
    let plane = limited(2, 50).await;
    plane.shop(&[]).await;
    let second = plane.shop(&[]).await.client.unwrap();
    let words = "a team may have 2 clients";
    let third = new_client("Third", "partners", &[]);
    let asked = pb::CreateClientRequest { validate_only: true, ..third.clone() };
    is_reached(plane.create(&partner(), asked).await, words);
    is_reached(plane.create(&partner(), third.clone()).await, words);
    // It is the team's, whoever makes it.
    is_reached(plane.create(&admin(), third.clone()).await, words);

    let bert = person("bert", &["buyers", "partners"], &[]);
    let other = plane.create(&bert, new_client("Theirs", "buyers", &[])).await.unwrap();
    let moved = |client: pb::Client, team: &str| pb::UpdateClientRequest {
        client: Some(pb::Client { team: team.to_owned(), ..client }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["team".to_owned()] }),
        validate_only: false,
    };
    let other = other.client.unwrap();
    is_reached(plane.update(&bert, moved(other.clone(), "partners")).await, words);
    plane.update(&bert, moved(second, "buyers")).await.unwrap();
    plane.update(&bert, moved(other, "partners")).await.unwrap();
    is_reached(plane.create(&partner(), third).await, words);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_force_may_be_changed_beyond_it() {
    let plane = Plane::new().await;
    let clients = [plane.shop(&[]).await, plane.shop(&[]).await];
    let follower = Follower::start(plane.registry.clone()).await.unwrap();
    tokio::spawn(follower.run());
    let one = NonZeroU32::MIN;
    plane.registry.limit(Quotas { clients: one, pending_grants: one, resource_servers: one });
    let client = clients[0].client.clone().unwrap();
    let renamed = pb::UpdateClientRequest {
        client: Some(pb::Client { display_name: "New".to_owned(), ..client }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["display_name".to_owned()] }),
        validate_only: false,
    };
    plane.update(&partner(), renamed).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_are_asked_for_until_too_many_wait() {
    let plane = limited(50, 2).await;
    let (id, first) = plane.waiting(&["orders/read"]).await;
    let other = plane.shop(&[]).await.client.unwrap().client_id;
    plane.request(&partner(), ask(&other, "orders", &["orders/read"])).await.unwrap();
    let words = "a team may have 2 undecided grants";
    let more = ask(&id, "orders", &["orders/write"]);
    is_reached(plane.request(&partner(), more.clone()).await, words);
    let with = new_client("Third", "partners", &["orders/read"]);
    is_reached(plane.create(&partner(), with).await, words);
    // What its own team decides does not wait.
    plane.request(&partner(), ask(&id, "shop", &["shop/read"])).await.unwrap();
    plane.approve(&owner(), approval(&first)).await.unwrap();
    plane.request(&partner(), more).await.unwrap();
}
