//! What is said of tokens: RFC 7662 sections 2.1, 2.2 and 4.

use std::time::Duration;

use serde_json::json;
use turnpike_domain::ports::Clock as _;
use turnpike_domain::secret::SecretValue;
use turnpike_sdk::Keys;

use crate::world::{ISSUER, World, request};

const SCOPES: &str = "other/x shop/list shop/order";

/// A shop with two scopes, another API with one, and a client that holds all three.
async fn shop(world: &World) -> (SecretValue, SecretValue) {
    let shop = world.registered.resource_server("shop", &["list", "order"]).await;
    let other = world.registered.resource_server("other", &["x"]).await;
    world.registered.client("c1", &["shop/list", "shop/order", "other/x"]).await;
    (shop, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_active_token_is_described_for_the_one_that_asks() {
    let world = World::new().await;
    let (shop, other) = shop(&world).await;
    let now = world.clock.now().seconds();
    let token = world.draft("c1", SCOPES).claim("jti", "\"the-token\"").token();
    let reply = world.ask("shop", shop.expose(), &token).await;
    let expected = json!({
        "active": true,
        "scope": "shop/list shop/order",
        "client_id": "c1",
        "token_type": "Bearer",
        "exp": now + 3600,
        "iat": now,
        "sub": "c1",
        "iss": ISSUER,
        "jti": "the-token",
    });
    assert_eq!(reply.json(), expected);
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(reply.headers["cache-control"], "no-store");
    // A second time it is remembered, and for another caller it is another answer.
    assert_eq!(world.ask("shop", shop.expose(), &token).await.text, reply.text);
    assert_eq!(world.ask("other", other.expose(), &token).await.json()["scope"], "other/x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_another_api_is_inactive() {
    let world = World::new().await;
    let (shop, other) = shop(&world).await;
    let token = world.draft("c1", "shop/order").token();
    world.ask("other", other.expose(), &token).await.is_inactive();
    assert_eq!(world.ask("shop", shop.expose(), &token).await.json()["active"], true);
}

/// Identifiers may be prefixes of one another, with slashes in them.
#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_within_an_identifier_is_another_api() {
    let world = World::new().await;
    let outer = world.registered.resource_server("https://api", &["v1"]).await;
    let inner = world.registered.resource_server("https://api/v1", &["read"]).await;
    world.registered.client("c1", &["https://api/v1/read"]).await;
    let token = world.draft("c1", "https://api/v1/read").token();
    world.ask("https%3A%2F%2Fapi", outer.expose(), &token).await.is_inactive();
    let reply = world.ask("https%3A%2F%2Fapi%2Fv1", inner.expose(), &token).await;
    assert_eq!(reply.json()["scope"], "https://api/v1/read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_ask_about_its_own_tokens_only() {
    let world = World::new().await;
    shop(&world).await;
    let own = world.registered.client("c2", &["shop/list", "other/x"]).await;
    let token = world.draft("c2", "other/x shop/list").token();
    assert_eq!(world.ask("c2", own.expose(), &token).await.json()["scope"], "other/x shop/list");
    world.ask("c2", own.expose(), &world.draft("c1", SCOPES).token()).await.is_inactive();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_hint_does_not_stop_the_search() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    let token = world.draft("c1", SCOPES).token();
    for hint in ["access_token", "refresh_token", "nonsense", ""] {
        let form = format!("token={token}&token_type_hint={hint}");
        let reply = world.post(Some(("shop", shop.expose())), &form).await;
        assert_eq!(reply.json()["active"], true, "{hint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_acts_at_once_also_on_a_token_that_is_remembered() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    let ask = async |token: &str| world.ask("shop", shop.expose(), token).await;
    let token = world.draft("c1", SCOPES).token();
    assert_eq!(ask(&token).await.json()["active"], true);

    world.registered.change_client("c1", |client| client.enabled = false).await;
    ask(&token).await.is_inactive();
    world.registered.change_client("c1", |client| client.enabled = true).await;
    assert_eq!(ask(&token).await.json()["active"], true);

    let now = world.clock.now();
    world.registered.change_client("c1", |client| client.revoke_tokens(now)).await;
    ask(&token).await.is_inactive();
    world.clock.advance(Duration::from_secs(2));
    let token = world.draft("c1", SCOPES).token();
    assert_eq!(ask(&token).await.json()["active"], true);

    world.registered.end_grants("c1").await;
    ask(&token).await.is_inactive();
    world.registered.grant("c1", &["shop/order"], None).await;
    ask(&token).await.is_inactive();
    world.clock.advance(Duration::from_secs(2));
    let token = world.draft("c1", SCOPES).token();
    assert_eq!(ask(&token).await.json()["scope"], "shop/order", "only what is granted");

    world.registered.delete_client("c1").await;
    ask(&token).await.is_inactive();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_with_an_end_ends_by_itself() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    let end = world.clock.now().plus_seconds(60);
    world.registered.client("c2", &["shop/list"]).await;
    world.registered.grant("c2", &["shop/order"], Some(end)).await;
    let token = world.draft("c2", "shop/list shop/order").token();
    let scope = async || world.ask("shop", shop.expose(), &token).await.json()["scope"].clone();
    assert_eq!(scope().await, "shop/list shop/order");
    world.clock.set(end.plus_millis(-1));
    assert_eq!(scope().await, "shop/list shop/order");
    world.clock.set(end);
    assert_eq!(scope().await, "shop/list");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_longer_grant_of_the_same_scope_counts() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    let end = world.clock.now().plus_seconds(60);
    world.registered.client("c2", &[]).await;
    world.registered.grant("c2", &["shop/order"], Some(end.plus_seconds(60))).await;
    world.registered.grant("c2", &["shop/order"], Some(end)).await;
    let token = world.draft("c2", "shop/order").token();
    let ask = async || world.ask("shop", shop.expose(), &token).await;
    assert_eq!(ask().await.json()["active"], true);
    world.clock.set(end.plus_seconds(59));
    assert_eq!(ask().await.json()["active"], true);
    world.clock.set(end.plus_seconds(60));
    ask().await.is_inactive();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_active_until_its_end_and_no_second_longer() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    let token = world.draft("c1", SCOPES).token();
    let ask = async || world.ask("shop", shop.expose(), &token).await;
    world.clock.advance(Duration::from_millis(3_599_999));
    assert_eq!(ask().await.json()["active"], true);
    world.clock.advance(Duration::from_millis(1));
    ask().await.is_inactive();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_no_longer_published_makes_its_tokens_inactive() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    let token = world.draft("c1", SCOPES).token();
    assert_eq!(world.ask("shop", shop.expose(), &token).await.json()["active"], true);
    let other = turnpike_sdk::test_util::Issuer::es256(ISSUER);
    world.keys.replace(turnpike_sdk::KeySet::from_jwks(&other.jwks()).unwrap());
    world.ask("shop", shop.expose(), &token).await.is_inactive();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_no_key_is_known_nothing_is_decided() {
    let world = World::with(Keys::default()).await;
    let (shop, _) = shop(&world).await;
    let token = world.draft("c1", SCOPES).token();
    let reply = world.ask("shop", shop.expose(), &token).await;
    reply.is_error(503, "temporarily_unavailable");
    assert_eq!(reply.headers["retry-after"], "1");
    let status = world.ask_grpc("shop", shop.expose(), &token).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_must_be_there_once() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    for form in ["", "token=", "token_type_hint=access_token", "token=a&token=a", "token=%"] {
        world.post(Some(("shop", shop.expose())), form).await.is_error(400, "invalid_request");
    }
    let mut in_url = request(Some(("shop", shop.expose())), "");
    *in_url.uri_mut() = "/oauth2/introspect?token=a".parse().unwrap();
    world.send(in_url).await.is_error(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_post_with_a_form_is_taken() {
    use axum::body::Body;

    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    for method in ["GET", "PUT", "DELETE", "HEAD"] {
        let mut get = request(Some(("shop", shop.expose())), "");
        *get.method_mut() = method.parse().unwrap();
        let reply = world.send(get).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.headers["allow"]),
            (405, &"POST".parse().unwrap())
        );
    }
    let mut json = request(Some(("shop", shop.expose())), r#"{"token":"x"}"#);
    json.headers_mut().insert("content-type", "application/json".parse().unwrap());
    world.send(json).await.is_error(400, "invalid_request");
    let mut bytes = request(Some(("shop", shop.expose())), "");
    *bytes.body_mut() = Body::from(&b"token=\xff"[..]);
    world.send(bytes).await.is_error(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_token_is_inactive_and_an_oversized_body_is_413() {
    let world = World::new().await;
    let (shop, _) = shop(&world).await;
    let form = format!("token={}", "x".repeat(60_000));
    world.post(Some(("shop", shop.expose())), &form).await.is_inactive();
    let form = format!("token={}", "x".repeat(64 * 1024));
    world.post(Some(("shop", shop.expose())), &form).await.is_error(413, "invalid_request");
}
