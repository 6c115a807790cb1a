//! What the token endpoint issues: RFC 6749 sections 3.3, 4.4 and 5.1.

use std::time::Duration;

use serde_json::json;
use turnpike_domain::Timestamp;
use turnpike_domain::ports::Clock as _;
use turnpike_issuer_embedded::Algorithm;

use crate::world::{World, part};

const BOTH: [&str; 2] = ["shop/list", "shop/order"];

#[tokio::test(flavor = "multi_thread")]
async fn success_is_200_with_the_members_of_section_5_1() {
    let world = World::with("https://issuer.example.com", Algorithm::Rs256, 1000).await;
    let secret = world.registered.client("c1", &BOTH).await;
    let reply = world.token("c1", secret.expose(), "").await;
    let token = reply.token();
    let expected = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "shop/list shop/order",
    });
    assert_eq!(reply.json(), expected, "no refresh token (section 4.4.3), and nothing else");
    assert!(reply.json()["expires_in"].is_number());
    assert_eq!(reply.headers["content-type"], "application/json");
    let claims = part(&token, 1);
    assert_eq!(claims["scope"], "shop/list shop/order");
    assert_eq!(claims["iss"], "https://issuer.example.com");
    assert_eq!(claims["client_id"], "c1");
    assert!(world.is_good(&token));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_must_not_be_stored() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &BOTH).await;
    for reply in [
        world.token("c1", secret.expose(), "").await,
        world.token("c1", "wrong", "").await,
        world.token("c1", secret.expose(), "&scope=other/x").await,
        world.get("/oauth2/token").await,
    ] {
        assert_eq!(reply.headers["cache-control"], "no-store", "{}", reply.status);
        assert_eq!(reply.headers["pragma"], "no-cache");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scope_is_a_set_and_always_in_the_answer() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &BOTH).await;
    for (asked, given) in [
        ("", "shop/list shop/order"),
        ("&scope=", "shop/list shop/order"),
        ("&scope=shop/order", "shop/order"),
        ("&scope=shop%2Forder+shop%2Flist", "shop/list shop/order"),
        ("&scope=shop/order%20shop/order", "shop/order"),
    ] {
        let reply = world.token("c1", secret.expose(), asked).await;
        assert_eq!(part(&reply.token(), 1)["scope"], given, "{asked}");
        assert_eq!(reply.json()["scope"], given, "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_is_not_held_is_invalid_scope() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &BOTH).await;
    for scope in [
        "shop/order+shop/other",
        "SHOP/order",
        "shop",
        "shop/order++shop/list",
        "+shop/order",
        "shop/order%0A",
        "shop/%22",
        "%C3%A4/x",
        "turnpike/registry.write",
    ] {
        let reply = world.token("c1", secret.expose(), &format!("&scope={scope}")).await;
        reply.is_error(400, "invalid_scope");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_scopes_gets_no_token() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &[]).await;
    world.token("c1", secret.expose(), "").await.is_error(400, "invalid_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_follow_the_grants_at_once() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &["shop/list"]).await;
    let end = world.clock.now().plus_seconds(10);
    world.registered.grant("c1", &["other/x"], Some(end)).await;
    let scope = async || world.token("c1", secret.expose(), "").await.json()["scope"].clone();
    assert_eq!(scope().await, "other/x shop/list");
    world.clock.set(end.plus_millis(-1));
    assert_eq!(scope().await, "other/x shop/list");
    world.clock.set(end);
    assert_eq!(scope().await, "shop/list", "nobody has written the end down");
    world.registered.end_grants("c1").await;
    world.token("c1", secret.expose(), "").await.is_error(400, "invalid_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_grant_type_is_unsupported() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &BOTH).await;
    for grant in
        ["password", "authorization_code", "refresh_token", "CLIENT_CREDENTIALS", "x%00y%22"]
    {
        let form = format!("grant_type={grant}");
        let reply = world.post("/oauth2/token", Some(("c1", secret.expose())), &form).await;
        let error =
            if grant.contains("%00") { "invalid_request" } else { "unsupported_grant_type" };
        reply.is_error(400, error);
    }
    for form in ["", "grant_type=", "scope=shop/list"] {
        let reply = world.post("/oauth2/token", Some(("c1", secret.expose())), form).await;
        reply.is_error(400, "invalid_request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_parameters_are_ignored() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &BOTH).await;
    let more = "&aws_client_metadata=%7B%7D&resource=https%3A%2F%2Fapi&x=1&y=";
    world.token("c1", secret.expose(), more).await.token();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_after_a_revocation_is_good() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &BOTH).await;
    let before = world.token("c1", secret.expose(), "").await.token();
    world.clock.advance(Duration::from_millis(300));
    let now = world.clock.now();
    world.registered.change_client("c1", |client| client.revoke_tokens(now)).await;
    assert!(!world.is_good(&before));

    // The second is not over: the request waits, and a clock that moves lets it go on.
    let clock = world.clock.clone();
    let moves = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        clock.advance(Duration::from_millis(1700));
    };
    let (reply, ()) = tokio::join!(world.token("c1", secret.expose(), ""), moves);
    let token = reply.token();
    assert_eq!(part(&token, 1)["iat"], now.seconds() + 2);
    assert!(world.is_good(&token));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_comes_back_in_the_same_second_is_good_too() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &["shop/list", "other/x"]).await;
    world.registered.end_grants("c1").await;
    world.registered.grant("c1", &["shop/list"], None).await;
    let clock = world.clock.clone();
    let moves = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        clock.advance(Duration::from_millis(2000));
    };
    let (reply, ()) = tokio::join!(world.token("c1", secret.expose(), ""), moves);
    assert!(world.is_good(&reply.token()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_disabled_while_waiting_gets_nothing() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &BOTH).await;
    let now = world.clock.now();
    world.registered.change_client("c1", |client| client.revoke_tokens(now)).await;
    let changes = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.registered.change_client("c1", |client| client.enabled = false).await;
        world.clock.advance(Duration::from_millis(2000));
    };
    let (reply, ()) = tokio::join!(world.token("c1", secret.expose(), ""), changes);
    reply.is_error(401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_that_does_not_end_is_not_waited_for() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &BOTH).await;
    let ahead = world.clock.now().plus_seconds(30);
    world.registered.change_client("c1", |client| client.revoke_tokens(ahead)).await;
    let reply = world.token("c1", secret.expose(), "").await;
    reply.is_error(503, "temporarily_unavailable");
    assert_eq!(reply.headers["retry-after"], "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_no_verifier_takes_is_not_issued() {
    let world = World::new().await;
    let long = "n".repeat(200);
    let scopes: Vec<String> = (0..50).map(|n| format!("api/{n}{long}")).collect();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let secret = world.registered.client("c1", &scopes).await;
    let reply = world.token("c1", secret.expose(), "").await;
    reply.is_error(400, "invalid_scope");
    assert!(reply.text.contains("fewer scopes"));
    let some = format!("&scope={}", scopes[..20].join("+"));
    assert!(world.is_good(&world.token("c1", secret.expose(), &some).await.token()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_a_503_with_retry_after() {
    use turnpike_registry::store::Error;
    use turnpike_testkit::store::Fault;

    let world = World::new().await;
    let secret = world.registered.client("c1", &BOTH).await;
    // The log is followed beside: each of its reads may take a fault, so there are more than one.
    world.store.on_reads((0..200).map(|_| Fault::Fail(Error::Unavailable("`gone`".into()))));
    let reply = world.token("c1", secret.expose(), "").await;
    reply.is_error(503, "temporarily_unavailable");
    assert_eq!(reply.headers["retry-after"], "1");
    assert!(!reply.text.contains("gone"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_use_of_a_secret_is_noted_once_a_minute() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &BOTH).await;
    let id = turnpike_domain::id::ClientId::parse("c1").unwrap();
    let noted = async |at_least: Timestamp| {
        for _ in 0..500 {
            let uses = world.registry.client_secret_uses(&id).await.unwrap();
            if let Some(time) = uses.values().next().filter(|time| **time >= at_least) {
                return *time;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no use is noted")
    };
    world.token("c1", "wrong", "").await;
    assert!(world.registry.client_secret_uses(&id).await.unwrap().is_empty());
    let first = world.clock.now();
    world.token("c1", secret.expose(), "").await.token();
    assert_eq!(noted(first).await, first);
    world.clock.advance(Duration::from_secs(59));
    world.token("c1", secret.expose(), "").await.token();
    world.clock.advance(Duration::from_secs(1));
    let second = world.clock.now();
    world.token("c1", secret.expose(), "").await.token();
    assert_eq!(noted(first.plus_millis(1)).await, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_many_clients_at_once_are_each_their_own() {
    let world = World::new().await;
    let mut secrets = Vec::new();
    for n in 0..8 {
        let scope = format!("api/s{n}");
        secrets.push(world.registered.client(&format!("c{n}"), &[&scope]).await);
    }
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..5 {
        let calls = secrets.iter().enumerate().map(async |(n, secret)| {
            let reply = world.token(&format!("c{n}"), secret.expose(), "").await;
            (n, part(&reply.token(), 1))
        });
        for (n, claims) in futures_util::future::join_all(calls).await {
            assert_eq!(claims["sub"], format!("c{n}"));
            assert_eq!(claims["scope"], format!("api/s{n}"));
            assert!(ids.insert(claims["jti"].as_str().unwrap().to_owned()));
        }
    }
}
