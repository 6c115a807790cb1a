//! What the client's record no longer holds is not given, from the moment that the change is answered.

use std::time::Duration;

use turnpike_domain::ports::Clock as _;

use crate::broker::{client, world};
use crate::world::World;

/// The second of the change is over.
fn second_passes(world: &World) {
    world.clock.advance(Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_before_a_revocation_is_not_given_after_it() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let before = world.token("c1", &secret, "").await.token();
    let now = world.clock.now();
    world.registered.change_client("c1", |client| client.revoke_tokens(now)).await;
    second_passes(&world);
    let after = world.token("c1", &secret, "").await.token();
    assert!(before != after && !world.is_good(&before) && world.is_good(&after));
    assert_eq!(world.token("c1", &secret, "").await.token(), after, "the new one is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_second_of_a_revocation_a_request_waits() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let before = world.token("c1", &secret, "").await.token();
    let now = world.clock.now();
    world.registered.change_client("c1", |client| client.revoke_tokens(now)).await;
    let moves = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        second_passes(&world);
    };
    let (after, ()) = tokio::join!(world.token("c1", &secret, ""), moves);
    assert!(after.token() != before && world.is_good(&after.token()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_client_gets_nothing_and_later_nothing_of_before() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let before = world.token("c1", &secret, "").await.token();
    let now = world.clock.now();
    let disable = |client: &mut turnpike_domain::Client| {
        client.enabled = false;
        client.revoke_tokens(now);
    };
    world.registered.change_client("c1", disable).await;
    let reply = world.token("c1", &secret, "").await;
    reply.is_error(401, "invalid_client");
    assert_eq!(reply.json()["error_description"], "the client is disabled");
    second_passes(&world);
    world.registered.change_client("c1", |client| client.enabled = true).await;
    assert_ne!(world.token("c1", &secret, "").await.token(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_removed_opens_nothing() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let second = world.registered.add_secret("c1").await;
    world.token("c1", &secret, "").await.token();
    let kept = world.token("c1", second.expose(), "").await.token();
    let remove_first = |client: &mut turnpike_domain::Client| {
        let id = client.secrets.list()[0].secret_id.clone();
        client.secrets.remove(&id);
    };
    world.registered.change_client("c1", remove_first).await;
    world.token("c1", &secret, "").await.is_error(401, "invalid_client");
    assert_eq!(world.token("c1", second.expose(), "").await.token(), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_whose_grant_ended_is_not_given() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let end = world.clock.now().plus_seconds(100);
    world.registered.grant("c1", &["other/x"], Some(end)).await;
    let before = world.token("c1", &secret, "").await.token();
    world.token("c1", &secret, "&scope=other/x").await.token();
    world.clock.set(end);
    world.token("c1", &secret, "&scope=other/x").await.is_error(400, "invalid_scope");
    let after = world.token("c1", &secret, "").await;
    assert!(after.token() != before && world.is_good(&after.token()));
    assert_eq!(after.json()["scope"], "shop/list shop/order");

    world.registered.end_grants("c1").await;
    world.token("c1", &secret, "").await.is_error(400, "invalid_scope");
    // Granted anew: tokens of before stay dead.
    world.registered.grant("c1", &crate::broker::BOTH, None).await;
    second_passes(&world);
    let again = world.token("c1", &secret, "").await.token();
    assert!(again != after.token() && world.is_good(&again) && !world.is_good(&after.token()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_its_client_revoked_is_not_given_to_it_again() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let before = world.token("c1", &secret, "").await.token();
    let form = format!("token={before}");
    let reply = world.post("/oauth2/revoke", Some(("c1", &secret)), &form).await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, "{}"));
    assert!(!world.is_good(&before));
    let after = world.token("c1", &secret, "").await.token();
    assert!(after != before && world.is_good(&after));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_gone_gets_nothing() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    world.token("c1", &secret, "").await.token();
    world.registered.delete_client("c1").await;
    world.token("c1", &secret, "").await.is_error(401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_says_is_over_is_not_even_kept() {
    let world = world().await;
    let (secret, other) = (client(&world, "c1").await, client(&world, "c2").await);
    world.token("c1", &secret, "").await.token();
    world.token("c1", &secret, "&scope=shop/order").await.token();
    let kept = world.token("c2", &other, "").await.token();
    assert_eq!(world.counted("turnpike_broker_kept_tokens"), 3);
    world.registered.change_client("c1", |client| client.enabled = false).await;
    let dropped = async {
        while world.counted("turnpike_broker_kept_tokens") > 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), dropped).await.unwrap();
    assert_eq!(world.token("c2", &other, "").await.token(), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_during_the_call_counts() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    world.paid.hold();
    let disables = async {
        world.paid.until_called(1).await;
        world.registered.change_client("c1", |client| client.enabled = false).await;
        world.paid.let_through(1);
    };
    let (reply, ()) = tokio::join!(world.token("c1", &secret, ""), disables);
    reply.is_error(401, "invalid_client");

    let secret = client(&world, "c2").await;
    let revokes = async {
        world.paid.until_called(2).await;
        let now = world.clock.now();
        world.registered.change_client("c2", |client| client.revoke_tokens(now)).await;
        second_passes(&world);
        world.paid.let_through(2);
    };
    let (reply, ()) = tokio::join!(world.token("c2", &secret, ""), revokes);
    assert!(world.is_good(&reply.token()));
    assert_eq!(world.paid.issued(), 3, "the first was overtaken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_ahead_there_outruns_no_revocation() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    world.paid.set_ahead(1);
    let revokes = async {
        world.paid.until_called(1).await;
        // Within the second by which the token pretends to be younger than it is.
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.registered.change_client("c1", |client| client.enabled = false).await;
    };
    let (reply, ()) = tokio::join!(world.token("c1", &secret, ""), revokes);
    reply.is_error(401, "invalid_client");
}
