//! A cut of tokens that takes long to become durable.

use turnpike_domain::client::Cut;
use turnpike_domain::error::ErrorCode;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::grant::GrantState;
use turnpike_domain::id::ClientId;
use turnpike_domain::{Client, Error, Timestamp};
use turnpike_registry::store::Error as StoreError;
use turnpike_registry::{Attempt, Event};
use turnpike_testkit::store::Fault;

use crate::plane::{Plane, change, edit};

/// Changes a client, and takes a while between the decision and the commit.
async fn slowly(
    plane: &Plane,
    id: &ClientId,
    seconds: i64,
    edit: impl Fn(&mut Client, Timestamp) + Sync,
) -> Result<(), Error> {
    let edit = &edit;
    plane
        .registry
        .transact(async || {
            let mut client = plane.registry.client(id).await?.unwrap();
            let before = client.value.clone();
            let now = plane.registry.now();
            edit(&mut client.value, now);
            plane.clock.set(now.plus_seconds(seconds));
            let mut change = change();
            change.put_client(&client)?;
            let became = Became::Other(&before, &client.value);
            change.event(EventDraft::of_client(EventAction::ClientUpdated, became));
            Ok(Attempt::Change(Box::new(change), ()))
        })
        .await
}

async fn actions(plane: &Plane) -> Vec<String> {
    let head = plane.registry.head().await.unwrap().sequence;
    let lines = plane.registry.lines(1, head).await.unwrap();
    lines.iter().map(|line| Event::parse(line).unwrap().action).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_that_was_issued_before_it_was_durable_outlives_it() {
    let plane = Plane::new().await;
    let id = plane.client("Shop", "partners").await;
    // As fast as it should be: one change.
    let now = plane.registry.now();
    slowly(&plane, &id, 1, |client, now| client.revoke_tokens(now)).await.unwrap();
    assert_eq!(plane.client_now(&id).await.tokens_revoked, Some(Cut::at(now)));
    assert_eq!(actions(&plane).await, ["client.created", "client.updated"]);

    // Ten seconds later there is a token of nine seconds later.
    let now = plane.registry.now();
    slowly(&plane, &id, 10, |client, now| client.revoke_tokens(now)).await.unwrap();
    let revoked = plane.client_now(&id).await.tokens_revoked.unwrap();
    assert!(revoked.refuses(now.plus_seconds(10).seconds()));
    assert!(!revoked.refuses(now.plus_seconds(11).seconds()));
    let moved = ["client.updated", "client.tokens_revoked"];
    assert_eq!(actions(&plane).await[2..], moved);
    assert_eq!(plane.verify().await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_of_a_scope_moves_alone() {
    let plane = Plane::new().await;
    plane.server("api", "orders", &["read", "write"]).await;
    let id = plane.client("Shop", "partners").await;
    let read = plane.grant(&id, &["api/read"], GrantState::Active, None).await;
    let write = plane.grant(&id, &["api/write"], GrantState::Active, None).await;
    let end = async |grant_id, seconds| {
        let mut grant = plane.grant_now(grant_id).await;
        grant.state = GrantState::Revoked;
        let now = plane.registry.now();
        let take = |client: &mut Client, now| client.take_grant(&grant, now).unwrap();
        slowly(&plane, &id, seconds, take).await.unwrap();
        now
    };
    let early = end(&read, 0).await;
    plane.clock.set(early.plus_seconds(60));
    let late = end(&write, 5).await;
    let cuts = plane.client_now(&id).await.scope_cuts;
    let cuts: Vec<_> = cuts.iter().map(|(scope, cut)| (scope.as_str(), *cut)).collect();
    let through = Cut::through(late.plus_seconds(5));
    assert_eq!(cuts, [("api/read", Cut::at(early)), ("api/write", through)]);
    assert_eq!(plane.client_now(&id).await.tokens_revoked, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cuts_nothing_may_take_as_long_as_it_likes() {
    let plane = Plane::new().await;
    let id = plane.client("Shop", "partners").await;
    edit(&plane.registry, &id, |client| client.revoke_tokens(Timestamp::from_millis(0)))
        .await
        .unwrap();
    slowly(&plane, &id, 3600, |client, _| client.enabled = false).await.unwrap();
    assert_eq!(actions(&plane).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_that_cannot_be_moved_is_not_acknowledged() {
    let plane = Plane::new().await;
    let id = plane.client("Shop", "partners").await;
    let down = || Fault::Fail(StoreError::Unavailable("no disk".into()));
    plane.store.on_commits([Fault::Pass].into_iter().chain((0..20).map(|_| down())));
    let failed =
        slowly(&plane, &id, 10, |client, now| client.revoke_tokens(now)).await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::Unavailable);
    plane.store.heal();
    slowly(&plane, &id, 0, |client, now| client.revoke_tokens(now)).await.unwrap();
    let now = plane.registry.now();
    assert!(plane.client_now(&id).await.tokens_revoked.unwrap().refuses(now.seconds()));
}
