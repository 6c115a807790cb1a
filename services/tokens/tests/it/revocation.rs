//! RFC 7009.

use std::time::Duration;

use turnpike_domain::ports::Clock as _;
use turnpike_sdk::test_util::Issuer;

use crate::world::{Reply, World, part};

const SCOPE: [&str; 1] = ["shop/order"];

async fn revoke(world: &World, id: &str, secret: &str, form: &str) -> Reply {
    world.post("/oauth2/revoke", Some((id, secret)), form).await
}

#[track_caller]
fn is_done(reply: &Reply) {
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, "{}"), "{reply:?}");
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(reply.headers["cache-control"], "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_refused_from_the_answer_on() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let token = world.token("c1", secret.expose(), "").await.token();
    let other = world.token("c1", secret.expose(), "").await.token();
    assert!(world.is_good(&token));
    is_done(&revoke(&world, "c1", secret.expose(), &format!("token={token}")).await);
    assert!(!world.is_good(&token));
    assert!(world.is_good(&other), "one token, not all");
    let jti = part(&token, 1)["jti"].as_str().unwrap().to_owned();
    assert_eq!(world.said("token.revoked").await, [(format!("tokens/{jti}"), "c1".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_twice_is_the_same_and_one_event() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let token = world.token("c1", secret.expose(), "").await.token();
    for _ in 0..3 {
        is_done(&revoke(&world, "c1", secret.expose(), &format!("token={token}")).await);
    }
    assert_eq!(world.said("token.revoked").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hint_is_only_a_hint() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    for hint in ["access_token", "refresh_token", "nonsense", ""] {
        let token = world.token("c1", secret.expose(), "").await.token();
        let form = format!("token_type_hint={hint}&token={token}");
        is_done(&revoke(&world, "c1", secret.expose(), &form).await);
        assert!(!world.is_good(&token), "{hint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_none_is_no_error() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let stranger = Issuer::es256("https://issuer.example.com").token("c1", "shop/order");
    let long = "x".repeat(60_000);
    for token in ["garbage", "a.b.c", "%00", "%0D%0A", "%C3%A4", &stranger, &long, "..", "x+y"] {
        is_done(&revoke(&world, "c1", secret.expose(), &format!("token={token}")).await);
    }
    assert!(world.said("token.revoked").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_must_own_what_it_revokes() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let thief = world.registered.client("c2", &SCOPE).await;
    let token = world.token("c1", secret.expose(), "").await.token();
    is_done(&revoke(&world, "c2", thief.expose(), &format!("token={token}")).await);
    assert!(world.is_good(&token));
    assert!(world.said("token.revoked").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_must_authenticate() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let token = world.token("c1", secret.expose(), "").await.token();
    let form = format!("token={token}");
    revoke(&world, "c1", "wrong", &form).await.is_error(401, "invalid_client");
    world.post("/oauth2/revoke", None, &form).await.is_error(401, "invalid_client");
    let by_body = format!("{form}&client_id=c1&client_secret=wrong");
    world.post("/oauth2/revoke", None, &by_body).await.is_error(400, "invalid_client");
    assert!(world.is_good(&token));
    let by_body = format!("{form}&client_id=c1&client_secret={}", secret.expose());
    is_done(&world.post("/oauth2/revoke", None, &by_body).await);
    assert!(!world.is_good(&token));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_must_be_there_once() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    for form in ["", "token=", "token_type_hint=access_token", "token=a&token=b"] {
        revoke(&world, "c1", secret.expose(), form).await.is_error(400, "invalid_request");
    }
    let reply = world.post("/oauth2/revoke?token=a", Some(("c1", secret.expose())), "").await;
    reply.is_error(400, "invalid_request");
    let over = format!("token={}", "x".repeat(64 * 1024));
    revoke(&world, "c1", secret.expose(), &over).await.is_error(413, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_some_verifier_still_takes_can_be_revoked() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let token = world.token("c1", secret.expose(), "").await.token();
    world.clock.advance(Duration::from_secs(3600 + 59));
    is_done(&revoke(&world, "c1", secret.expose(), &format!("token={token}")).await);
    assert_eq!(world.said("token.revoked").await.len(), 1);
    let dead = world.token("c1", secret.expose(), "").await.token();
    world.clock.advance(Duration::from_secs(3600 + 60));
    is_done(&revoke(&world, "c1", secret.expose(), &format!("token={dead}")).await);
    assert_eq!(world.said("token.revoked").await.len(), 1, "nobody takes it: nothing to revoke");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_a_grant_left_stays_revoked_when_the_grant_comes_back() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &["shop/order", "other/x"]).await;
    let token = world.token("c1", secret.expose(), "").await.token();
    world.clock.advance(Duration::from_secs(1));
    let end = world.clock.now().plus_seconds(5);
    world.registered.end_grants("c1").await;
    world.registered.grant("c1", &["shop/order"], Some(end)).await;
    assert!(!world.is_good(&token), "its grants ended");
    is_done(&revoke(&world, "c1", secret.expose(), &format!("token={token}")).await);
    assert_eq!(world.said("token.revoked").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_503_and_the_token_stays() {
    use turnpike_registry::store::Error;
    use turnpike_testkit::store::Fault;

    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let token = world.token("c1", secret.expose(), "").await.token();
    // The note of the secret's use may take one of them, each try of the commit another.
    world.store.on_commits((0..40).map(|_| Fault::Fail(Error::Unavailable("gone".into()))));
    let reply = revoke(&world, "c1", secret.expose(), &format!("token={token}")).await;
    reply.is_error(503, "temporarily_unavailable");
    assert_eq!(reply.headers["retry-after"], "1");
    assert!(world.is_good(&token));
}
