//! Who may ask: RFC 7662 sections 2.1, 2.3 and 4.

use std::time::Duration;

use tonic::Code;
use tonic_types::StatusExt as _;
use turnpike_domain::Identifier;
use turnpike_domain::ports::Clock as _;

use crate::world::{World, request};

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_must_authenticate() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    world.registered.client("c1", &["shop/order"]).await;
    let token = world.draft("c1", "shop/order").token();
    let form = format!("token={token}");
    world.post(None, &form).await.is_error(401, "invalid_client");
    for (id, secret) in
        [("shop", "wrong"), ("shop", ""), ("nobody", shop.expose()), ("c1", shop.expose())]
    {
        let reply = world.post(Some((id, secret)), &form).await;
        reply.is_error(401, "invalid_client");
        assert!(!reply.text.contains("active"));
    }
    for (id, secret) in [("shop", "wrong"), ("nobody", "wrong")] {
        let form = format!("{form}&client_id={id}&client_secret={secret}");
        world.post(None, &form).await.is_error(401, "invalid_client");
    }
    for header in [format!("Bearer {token}"), "Basic !".to_owned(), "Negotiate x".to_owned()] {
        let mut request = request(None, &form);
        request.headers_mut().insert("authorization", header.parse().unwrap());
        world.send(request).await.is_error(401, "invalid_client");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn basic_and_body_both_work_and_not_together() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    world.registered.client("c1", &["shop/order"]).await;
    let form = format!("token={}", world.draft("c1", "shop/order").token());
    let secret = shop.expose();
    let by_body = format!("{form}&client_id=shop&client_secret={secret}");
    assert_eq!(world.post(None, &by_body).await.json()["active"], true);
    assert_eq!(world.post(Some(("shop", secret)), &form).await.json()["active"], true);
    world.post(Some(("shop", secret)), &by_body).await.is_error(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_that_is_a_clients_id_too_is_told_apart_by_the_secret() {
    let world = World::new().await;
    let server = world.registered.resource_server("same", &["x"]).await;
    let client = world.registered.client("same", &["same/x", "other/y"]).await;
    let token = world.draft("same", "other/y same/x").token();
    let scope =
        async |secret: &str| world.ask("same", secret, &token).await.json()["scope"].clone();
    assert_eq!(scope(server.expose()).await, "same/x");
    assert_eq!(scope(client.expose()).await, "other/y same/x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_client_is_not_a_caller() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &["shop/order"]).await;
    world.registered.change_client("c1", |client| client.enabled = false).await;
    world.ask("c1", secret.expose(), "x").await.is_error(401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_slowed_down() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    for _ in 0..10 {
        world.ask("shop", "wrong", "x").await.is_error(401, "invalid_client");
    }
    let reply = world.ask("shop", "wrong", "x").await;
    reply.is_error(429, "temporarily_unavailable");
    assert_eq!(reply.headers["retry-after"], "6");
    // Nobody is locked out by the guesses of others.
    world.ask("shop", shop.expose(), "x").await.is_inactive();
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_over_grpc_and_over_http_are_counted_together() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    for _ in 0..5 {
        world.ask("shop", "wrong", "x").await.is_error(401, "invalid_client");
        let status = world.ask_grpc("shop", "wrong", "x").await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
    }
    let status = world.ask_grpc("shop", "wrong", "x").await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let retry = status.get_error_details().retry_info().unwrap().retry_delay;
    assert_eq!(retry, Some(Duration::from_secs(6)));
    world.ask("shop", "wrong", "x").await.is_error(429, "temporarily_unavailable");
    assert!(!world.ask_grpc("shop", shop.expose(), "x").await.unwrap().active);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_not_slowed_down() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    for _ in 0..200 {
        world.ask("shop", shop.expose(), "x").await.is_inactive();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_use_of_a_resource_servers_secret_is_noted() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    let identifier = Identifier::parse("shop").unwrap();
    world.ask("shop", shop.expose(), "x").await.is_inactive();
    for _ in 0..500 {
        let uses = world.registry.resource_server_secret_uses(&identifier).await.unwrap();
        if let Some(time) = uses.values().next() {
            assert_eq!(*time, world.clock.now());
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    unreachable!("the use is never noted");
}
