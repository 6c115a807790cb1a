//! Guesses and floods: RFC 6749 section 2.3.1.

use std::time::Duration;

use turnpike_domain::ports::Clock as _;

use crate::world::{GRANT, World};
use turnpike_issuer_embedded::Algorithm;

const SCOPE: [&str; 1] = ["shop/order"];

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_slowed_down_and_only_where_they_come_from() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let other = world.registered.client("c2", &SCOPE).await;
    let ask = async |peer: &str, id: &str, secret: &str| {
        world.post_from(peer, "/oauth2/token", Some((id, secret)), GRANT).await
    };
    for _ in 0..10 {
        ask("192.0.2.1", "c1", "wrong").await.is_error(401, "invalid_client");
    }
    let reply = ask("192.0.2.1", "c1", "wrong").await;
    reply.is_error(429, "temporarily_unavailable");
    assert_eq!(reply.headers["retry-after"], "6");
    // Behind a proxy all have one address: guesses of others must not keep the right secret out.
    ask("192.0.2.1", "c1", secret.expose()).await.token();
    ask("192.0.2.2", "c1", "wrong").await.is_error(401, "invalid_client");
    ask("192.0.2.2", "c1", secret.expose()).await.token();
    ask("192.0.2.1", "c2", other.expose()).await.token();
    world.clock.advance(Duration::from_secs(6));
    ask("192.0.2.1", "c1", "wrong").await.is_error(401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_client_is_slowed_down_alike() {
    let world = World::new().await;
    for _ in 0..10 {
        let reply = world.post_from("192.0.2.1", "/oauth2/token", Some(("no", "x")), GRANT).await;
        reply.is_error(401, "invalid_client");
    }
    let reply = world.post_from("192.0.2.1", "/oauth2/token", Some(("no", "x")), GRANT).await;
    reply.is_error(429, "temporarily_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_a_header_is_not_believed() {
    let world = World::new().await;
    world.registered.client("c1", &SCOPE).await;
    let mut last = None;
    for n in 0..11 {
        let mut request = crate::world::request("/oauth2/token", Some(("c1", "wrong")), GRANT);
        for name in ["x-forwarded-for", "x-real-ip", "forwarded"] {
            let value = format!("for=192.0.2.{n}").parse().unwrap();
            request.headers_mut().insert(name, value);
        }
        let peer = turnpike_rpc::oauth::Peer("198.51.100.1".parse().unwrap());
        request.extensions_mut().insert(peer);
        last = Some(world.send(request).await);
    }
    last.unwrap().is_error(429, "temporarily_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn success_is_no_failure() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    for _ in 0..30 {
        world.token("c1", secret.expose(), "").await.token();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_gets_so_many_tokens_a_second() {
    let world = World::with("https://issuer.example.com", Algorithm::Es256, 2).await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let other = world.registered.client("c2", &SCOPE).await;
    for _ in 0..2 {
        world.token("c1", secret.expose(), "").await.token();
    }
    let reply = world.token("c1", secret.expose(), "").await;
    reply.is_error(429, "temporarily_unavailable");
    assert_eq!(reply.headers["retry-after"], "1");
    world.token("c2", other.expose(), "").await.token();
    // A stranger does not use up what the client has.
    world.token("c2", "wrong", "").await.is_error(401, "invalid_client");
    world.token("c2", other.expose(), "").await.token();
    world.clock.advance(Duration::from_millis(500));
    world.token("c1", secret.expose(), "").await.token();
    world.token("c1", secret.expose(), "").await.is_error(429, "temporarily_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_ends_while_its_request_waits_gets_nothing() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let now = world.clock.now();
    world.registered.change_client("c1", |client| client.revoke_tokens(now)).await;
    let changes = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let end = |client: &mut turnpike_domain::Client| {
            let id = client.secrets.list()[0].secret_id.clone();
            client.secrets.remove(&id);
        };
        world.registered.change_client("c1", end).await;
        world.clock.advance(Duration::from_secs(2));
    };
    let (reply, ()) = tokio::join!(world.token("c1", secret.expose(), ""), changes);
    reply.is_error(401, "invalid_client");
}
