//! The authorization server refuses what the registry holds to be right: it has not been told yet, or
//! somebody else has changed it.

use turnpike_domain::Error;
use turnpike_domain::authorization_server::GRANT_REFUSED;

use crate::broker::{client, world};
use crate::paid::{Answer, scope_refused};
use crate::world::World;

fn invalid_client() -> Error {
    Error::Unauthenticated("invalid_client")
}

fn grant_refused() -> Error {
    Error::blocked(GRANT_REFUSED, "clients/c1", "unauthorized_client")
}

async fn told(world: &World) {
    world.tell().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_has_not_been_told_the_caller_is_asked_to_come_back() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    for error in [scope_refused(), invalid_client(), grant_refused()] {
        world.paid.on_calls([Answer::Error(error)]);
        let reply = world.token("c1", &secret, "").await;
        reply.is_error(503, "temporarily_unavailable");
        assert_eq!(reply.headers["retry-after"], "1");
    }
    assert_eq!(world.paid.calls(), 3);
    assert_eq!(world.counted(r#"turnpike_broker_refused_total{reason="pending"}"#), 3);
    world.token("c1", &secret, "").await.token();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_server_that_it_has_not_been_told_of_counts_too() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    told(&world).await;
    world.registered.resource_server("shop", &["list", "order"]).await;
    world.paid.on_calls([Answer::Error(scope_refused())]);
    world.token("c1", &secret, "").await.is_error(503, "temporarily_unavailable");
    // One that has nothing to do with it does not.
    told(&world).await;
    world.registered.resource_server("other", &["x"]).await;
    world.paid.on_calls([Answer::Error(scope_refused()), Answer::Error(scope_refused())]);
    world.token("c1", &secret, "").await.is_error(400, "invalid_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_told_meanwhile_is_asked_once_more() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    told(&world).await;
    world.paid.on_calls([Answer::Error(scope_refused())]);
    world.token("c1", &secret, "").await.token();
    assert_eq!((world.paid.calls(), world.paid.issued()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_refuses_for_good_is_an_error_of_the_rfc() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    told(&world).await;
    let basic = Some(("c1", secret.as_str()));
    let in_body = format!("{}&client_id=c1&client_secret={secret}", crate::world::GRANT);
    for (error, status, code) in [
        (scope_refused as fn() -> Error, 400, "invalid_scope"),
        (grant_refused, 400, "unauthorized_client"),
        (invalid_client, 401, "invalid_client"),
    ] {
        world.paid.on_calls([Answer::Error(error()), Answer::Error(error())]);
        world.post("/oauth2/token", basic, crate::world::GRANT).await.is_error(status, code);
        world.paid.on_calls([Answer::Error(error()), Answer::Error(error())]);
        world.post("/oauth2/token", None, &in_body).await.is_error(400, code);
    }
    world.token("c1", &secret, "").await.token();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_it_leaves_out_in_silence_is_refused() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    told(&world).await;
    world.paid.on_calls([Answer::LeavesOut, Answer::LeavesOut]);
    world.token("c1", &secret, "").await.is_error(400, "invalid_scope");
    assert_eq!(world.counted("turnpike_broker_paid_total"), 2, "they are billed");
    assert_eq!(world.counted("turnpike_broker_kept_tokens"), 0);
    let reply = world.token("c1", &secret, "").await;
    assert_eq!(crate::world::part(&reply.token(), 1)["scope"], reply.json()["scope"]);
}
