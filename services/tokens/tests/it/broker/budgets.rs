//! What new tokens cost is bounded: of each client, and of all together.

use std::num::NonZeroU32;
use std::time::Duration;

use turnpike_tokens::BrokerSettings;

use crate::broker::{BOTH, client, world};
use crate::paid::{Answer, throttled};
use crate::world::World;

const fn number(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_gets_so_many_new_tokens_and_is_given_kept_ones_all_the_same() {
    let settings = BrokerSettings { client_burst: number(2), ..BrokerSettings::default() };
    let world = World::brokered(settings).await;
    let (secret, other) = (client(&world, "c1").await, client(&world, "c2").await);
    let kept = world.token("c1", &secret, "").await.token();
    world.token("c1", &secret, "&scope=shop/order").await.token();
    let reply = world.token("c1", &secret, "&scope=shop/list").await;
    reply.is_error(429, "temporarily_unavailable");
    assert_eq!(reply.headers["retry-after"], "10");
    assert_eq!(world.paid.calls(), 2);
    assert_eq!(world.counted(r#"turnpike_broker_refused_total{reason="client_budget"}"#), 1);
    assert_eq!(world.token("c1", &secret, "").await.token(), kept);
    world.token("c2", &other, "").await.token();
    world.clock.advance(Duration::from_secs(10));
    world.token("c1", &secret, "&scope=shop/list").await.token();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_uses_up_nothing_of_a_client() {
    let settings = BrokerSettings { client_burst: number(1), ..BrokerSettings::default() };
    let world = World::brokered(settings).await;
    let secret = client(&world, "c1").await;
    world.paid.on_calls((0..5).map(|_| Answer::Error(crate::paid::down())));
    for _ in 0..5 {
        world.token("c1", &secret, "").await.is_error(503, "temporarily_unavailable");
    }
    world.token("c1", &secret, "").await.token();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_together_ask_so_often_and_whoever_would_wait_too_long_is_told_when() {
    let a_minute = Duration::from_secs(60);
    let settings = BrokerSettings { interval: a_minute, burst: 1, ..BrokerSettings::default() };
    let world = World::brokered(settings).await;
    let (secret, other) = (client(&world, "c1").await, client(&world, "c2").await);
    let kept = world.token("c1", &secret, "").await.token();
    let reply = world.token("c2", &other, "").await;
    reply.is_error(503, "temporarily_unavailable");
    let after: u64 = reply.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((2..=60).contains(&after), "{after}");
    assert_eq!(world.paid.calls(), 1);
    assert_eq!(world.token("c1", &secret, "").await.token(), kept);
    assert_eq!(world.counted(r#"turnpike_broker_refused_total{reason="turns"}"#), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_floods_does_not_displace_another() {
    let interval = Duration::from_millis(50);
    let settings = BrokerSettings { interval, burst: 5, ..BrokerSettings::default() };
    let world = World::brokered(settings).await;
    let names: Vec<String> = (0..30).map(|n| format!("shop/s{n:02}")).collect();
    let scopes: Vec<&str> = names.iter().map(String::as_str).collect();
    let flooder = world.registered.client("flooder", &scopes).await;
    let quiet = world.registered.client("quiet", &BOTH).await;
    let forms: Vec<String> = names.iter().map(|name| format!("&scope={name}")).collect();
    let flood = futures_util::future::join_all(
        forms.iter().map(|form| world.token("flooder", flooder.expose(), form)),
    );
    let asks = async {
        world.paid.until_called(1).await;
        world.token("quiet", quiet.expose(), "").await.token();
    };
    tokio::join!(flood, asks);
    let asked = world.paid.asked_by();
    let place = asked.iter().position(|client| client == "quiet").unwrap();
    assert!(place < asked.len() - 5, "{place} of {asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_authorization_server_is_left_alone_for_a_while() {
    let world = world().await;
    let (secret, other) = (client(&world, "c1").await, client(&world, "c2").await);
    world.paid.on_calls([Answer::Error(throttled(3000))]);
    for (id, secret) in [("c1", &secret), ("c2", &other)] {
        let reply = world.token(id, secret, "").await;
        reply.is_error(503, "temporarily_unavailable");
        assert_eq!(reply.headers["retry-after"], "3");
    }
    assert_eq!(world.paid.calls(), 1);
    world.clock.advance(Duration::from_secs(3));
    world.token("c2", &other, "").await.token();
}
