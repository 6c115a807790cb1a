//! The store does not answer: what is kept is given, by what the policy of the process knows, and nothing
//! new.

use std::time::Duration;

use turnpike_registry::Bounds;
use turnpike_tokens::BrokerSettings;

use crate::broker::{client, world};
use crate::world::{Setup, World};

#[tokio::test(flavor = "multi_thread")]
async fn fresh_tokens_are_given_and_nothing_new() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let kept = world.token("c1", &secret, "").await;
    let calls = world.paid.calls();
    world.store.set_down(true);
    let again = world.token("c1", &secret, "").await;
    assert_eq!(again.json(), kept.json());
    assert_eq!(world.counted(r#"turnpike_broker_served_total{from="outage"}"#), 1);
    let reply = world.token("c1", &secret, "&scope=shop/order").await;
    reply.is_error(503, "temporarily_unavailable");
    assert_eq!(reply.headers["retry-after"], "1");
    world.token("c1", "wrong", "").await.is_error(401, "invalid_client");
    world.token("nobody", "wrong", "").await.is_error(401, "invalid_client");
    let form = format!("token={}", kept.token());
    let reply = world.post("/oauth2/revoke", Some(("c1", &secret)), &form).await;
    reply.is_error(503, "temporarily_unavailable");

    // For as long as the authorization server's outage would be bridged.
    world.clock.advance(Duration::from_secs(3540));
    assert_eq!(world.token("c1", &secret, "").await.token(), kept.token());
    world.clock.advance(Duration::from_secs(1));
    world.token("c1", &secret, "").await.is_error(503, "temporarily_unavailable");
    assert_eq!(world.paid.calls(), calls);
    assert_eq!(world.counted(r#"turnpike_broker_refused_total{reason="store_down"}"#), 2);

    world.store.set_down(false);
    assert_ne!(world.token("c1", &secret, "").await.token(), kept.token());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_before_stays_so() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    let other = client(&world, "c2").await;
    let revoked = world.token("c1", &secret, "").await.token();
    world.token("c2", &other, "").await.token();
    let form = format!("token={revoked}");
    assert_eq!(world.post("/oauth2/revoke", Some(("c1", &secret)), &form).await.status, 200);
    world.registered.change_client("c2", |client| client.enabled = false).await;
    world.store.set_down(true);
    world.token("c1", &secret, "").await.is_error(503, "temporarily_unavailable");
    world.token("c2", &other, "").await.is_error(401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_hangs_is_one_that_is_down() {
    let settings =
        BrokerSettings { store_time: Duration::from_millis(50), ..BrokerSettings::default() };
    let world = World::brokered(settings).await;
    let secret = client(&world, "c1").await;
    let kept = world.token("c1", &secret, "").await.token();
    world.store.set_hanging(true);
    let again = tokio::time::timeout(Duration::from_secs(20), world.token("c1", &secret, ""));
    assert_eq!(again.await.unwrap().token(), kept);
    world.store.set_hanging(false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_too_old_gives_nothing() {
    let bounds = Bounds { behind: Duration::from_secs(1), unheard: Duration::from_secs(1) };
    let world =
        World::of(Setup { broker: Some(BrokerSettings::default()), bounds, ..Setup::default() });
    let world = world.await;
    let secret = client(&world, "c1").await;
    let kept = world.token("c1", &secret, "").await.token();
    world.store.set_down(true);
    let given_up = async {
        loop {
            let reply = world.token("c1", &secret, "").await;
            if reply.status == 503 {
                return reply;
            }
            assert_eq!(reply.token(), kept);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let reply = tokio::time::timeout(Duration::from_secs(20), given_up).await.unwrap();
    reply.is_error(503, "temporarily_unavailable");
    world.store.set_down(false);
    assert_eq!(world.token("c1", &secret, "").await.token(), kept);
}
