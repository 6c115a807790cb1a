//! While the authorization server gives nothing new, tokens that are kept are given for longer.

use std::num::NonZeroU32;
use std::time::Duration;

use turnpike_domain::Error;
use turnpike_tokens::BrokerSettings;

use crate::broker::{client, expires_in, world};
use crate::paid::{Answer, throttled};
use crate::world::World;

/// Three quarters of the life of a token.
const STALE: Duration = Duration::from_secs(2700);

fn bridged(world: &World) -> u64 {
    world.counted(r#"turnpike_broker_served_total{from="bridge"}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_bridged_until_a_minute_before_the_end() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let kept = world.token("c1", &secret, "").await.token();
    world.clock.advance(STALE);
    world.paid.set_down(true);
    let reply = world.token("c1", &secret, "").await;
    assert_eq!((reply.token(), expires_in(&reply)), (kept.clone(), 900));
    assert!(world.is_good(&kept));
    // It is not asked again at each request.
    let calls = world.paid.calls();
    world.token("c1", &secret, "").await.token();
    assert_eq!((world.paid.calls(), bridged(&world)), (calls, 2));
    // Whoever has none hears that there is none.
    world.token("c1", &secret, "&scope=shop/order").await.is_error(503, "temporarily_unavailable");

    world.clock.advance(Duration::from_secs(840));
    let reply = world.token("c1", &secret, "").await;
    assert_eq!((reply.token(), expires_in(&reply)), (kept.clone(), 60));
    world.clock.advance(Duration::from_secs(1));
    let reply = world.token("c1", &secret, "").await;
    reply.is_error(503, "temporarily_unavailable");
    assert_eq!(reply.headers["retry-after"], "1");

    world.paid.set_down(false);
    assert_ne!(world.token("c1", &secret, "").await.token(), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_it_is_over_tokens_are_renewed_again() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let kept = world.token("c1", &secret, "").await.token();
    world.clock.advance(STALE);
    world.paid.set_down(true);
    assert_eq!(world.token("c1", &secret, "").await.token(), kept);
    world.paid.set_down(false);
    world.clock.advance(Duration::from_secs(5));
    let new = world.token("c1", &secret, "").await;
    assert!(new.token() != kept && expires_in(&new) == 3600);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_bridged() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let kept = world.token("c1", &secret, "").await.token();
    world.clock.advance(STALE);
    world.paid.on_calls([Answer::Error(throttled(1000))]);
    for _ in 0..3 {
        assert_eq!(world.token("c1", &secret, "").await.token(), kept);
    }
    assert_eq!((world.paid.calls(), bridged(&world)), (2, 3));
    world.clock.advance(Duration::from_secs(1));
    assert_ne!(world.token("c1", &secret, "").await.token(), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_used_up_is_bridged() {
    let one = NonZeroU32::MIN;
    let settings =
        BrokerSettings { client_burst: one, client_per_minute: one, ..BrokerSettings::default() };
    let world = World::brokered(settings).await;
    let secret = client(&world, "c1").await;
    let first = world.token("c1", &secret, "&scope=shop/order").await.token();
    world.clock.advance(STALE);
    world.token("c1", &secret, "&scope=shop/list").await.token();
    let again = world.token("c1", &secret, "&scope=shop/order").await.token();
    assert_eq!((again, bridged(&world)), (first, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_is_not_waited_for_where_a_token_will_do_and_is_of_use_to_the_next() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let kept = world.token("c1", &secret, "").await.token();
    world.clock.advance(STALE);
    world.paid.hold();
    assert_eq!(world.token("c1", &secret, "").await.token(), kept);
    assert_eq!(bridged(&world), 1);
    world.paid.let_through(1);
    let renewed = async {
        while world.token("c1", &secret, "").await.token() == kept {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), renewed).await.unwrap();
    assert_eq!(world.paid.calls(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_at_all_ends_after_a_while() {
    let settings =
        BrokerSettings { answer_time: Duration::from_millis(50), ..BrokerSettings::default() };
    let world = World::brokered(settings).await;
    let secret = client(&world, "c1").await;
    world.paid.on_calls([Answer::Never]);
    world.token("c1", &secret, "").await.is_error(503, "temporarily_unavailable");
    world.token("c1", &secret, "").await.token();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_is_not_bridged() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    world.token("c1", &secret, "").await.token();
    world.clock.advance(STALE);
    world.paid.set_down(true);
    world.token("c1", &secret, "").await.token();
    let now = world.registry.now();
    world.registered.change_client("c1", |client| client.revoke_tokens(now)).await;
    world.clock.advance(Duration::from_secs(2));
    world.token("c1", &secret, "").await.is_error(503, "temporarily_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_defect_is_no_outage() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    world.paid.on_calls([Answer::Error(Error::internal("the cause"))]);
    let reply = world.token("c1", &secret, "").await;
    reply.is_error(500, "server_error");
    assert!(!reply.text.contains("cause"));
}
