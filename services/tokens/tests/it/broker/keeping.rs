//! A token is given again while it is fresh, to whom it was given, and as what it is.

use std::time::Duration;

use serde_json::json;
use turnpike_domain::time::TokenLifetime;
use turnpike_tokens::BrokerSettings;

use crate::broker::{BOTH, ORDER, client, expires_in, world};
use crate::world::{World, part};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_given_again_while_more_than_a_quarter_of_its_life_is_left() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let first = world.token("c1", &secret, "").await;
    assert_eq!(expires_in(&first), 3600);
    world.clock.advance(Duration::from_millis(2_699_999));
    let again = world.token("c1", &secret, "").await;
    let expected = json!({
        "access_token": first.token(),
        "token_type": "Bearer",
        "expires_in": 901,
        "scope": "shop/list shop/order",
    });
    assert_eq!(again.json(), expected);
    assert_eq!(again.headers["cache-control"], "no-store");
    assert!(world.is_good(&again.token()));

    world.clock.advance(Duration::from_millis(1));
    let new = world.token("c1", &secret, "").await;
    assert_ne!(new.token(), first.token());
    assert_eq!((expires_in(&new), world.paid.issued()), (3600, 2));
    assert_eq!(world.token("c1", &secret, "").await.token(), new.token());

    let counted = |name: &str| world.counted(&format!("turnpike_broker_{name}"));
    assert_eq!((counted("asked_total"), counted("paid_total")), (4, 2));
    assert_eq!(counted(r#"served_total{from="issuer"}"#), 2);
    assert_eq!(counted(r#"served_total{from="cache"}"#), 2);
    assert_eq!(counted("kept_tokens"), 1);
    assert!(counted("kept_bytes") > 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_a_set_and_none_means_all() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let all = world.token("c1", &secret, "").await;
    for same in ["&scope=", "&scope=shop/order+shop/list", "&scope=shop/list+shop/order+shop/list"]
    {
        let reply = world.token("c1", &secret, same).await;
        assert_eq!(reply.token(), all.token(), "{same}");
        assert_eq!(reply.json()["scope"], "shop/list shop/order");
    }
    let one = world.token("c1", &secret, "&scope=shop/order").await;
    assert_eq!(part(&one.token(), 1)["scope"], ORDER);
    assert_eq!(one.json()["scope"], ORDER);
    assert_eq!(world.token("c1", &secret, "&scope=shop/order").await.token(), one.token());
    assert_eq!(world.paid.issued(), 2);
    // A scope more is another token, at once.
    world.registered.grant("c1", &["other/x"], None).await;
    let more = world.token("c1", &secret, "").await;
    assert_eq!(more.json()["scope"], "other/x shop/list shop/order");
    assert_eq!(part(&more.token(), 1)["scope"], more.json()["scope"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_client_and_each_secret_has_its_own() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let other = client(&world, "c2").await;
    let second = world.registered.add_secret("c1").await;
    let tokens = [
        world.token("c1", &secret, "").await.token(),
        world.token("c1", second.expose(), "").await.token(),
        world.token("c2", &other, "").await.token(),
    ];
    assert_eq!(world.paid.issued(), 3);
    assert!(tokens[0] != tokens[1] && part(&tokens[2], 1)["client_id"] == "c2");
    assert_eq!(world.token("c1", second.expose(), "").await.token(), tokens[1]);
    world.token("c1", &other, "").await.is_error(401, "invalid_client");
    assert_eq!(world.paid.calls(), 3, "a wrong secret is refused here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_tokens_shall_live_shorter_gets_no_longer_one() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    world.token("c1", &secret, "").await.token();
    let shorter = TokenLifetime::from_seconds(300).unwrap();
    world.registered.change_client("c1", |client| client.token_lifetime = shorter).await;
    assert_eq!(expires_in(&world.token("c1", &secret, "").await), 300);
    world.clock.advance(4 * MINUTE);
    assert_eq!(expires_in(&world.token("c1", &secret, "").await), 300);
    assert_eq!(world.paid.issued(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_is_forgotten() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    world.token("c1", &secret, "").await.token();
    world.token("c1", &secret, "&scope=shop/order").await.token();
    assert_eq!(world.counted("turnpike_broker_kept_tokens"), 2);
    world.clock.advance(60 * MINUTE);
    let forgotten = async {
        while world.counted("turnpike_broker_kept_tokens") > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), forgotten).await.unwrap();
    assert_eq!(world.counted("turnpike_broker_kept_bytes"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_room_for_none_each_token_is_new() {
    let world =
        World::brokered(BrokerSettings { tokens_max: 0, ..BrokerSettings::default() }).await;
    let secret = world.registered.client("c1", &BOTH).await;
    let first = world.token("c1", secret.expose(), "").await.token();
    assert_ne!(world.token("c1", secret.expose(), "").await.token(), first);
    assert_eq!(world.paid.issued(), 2);
}
