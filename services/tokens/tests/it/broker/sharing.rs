//! One call for all who want the same at the same moment.

use std::time::Duration;

use futures_util::future::join_all;

use crate::broker::{BOTH, client, world};
use crate::paid::{Answer, down};

#[tokio::test(flavor = "multi_thread")]
async fn those_who_miss_at_once_share_one_call() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    world.paid.hold();
    let asks = join_all((0..20).map(|_| world.token("c1", &secret, "")));
    let lets = async {
        world.paid.until_called(1).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(world.paid.calls(), 1);
        world.paid.let_through(1);
    };
    let (replies, ()) = tokio::join!(asks, lets);
    let tokens: Vec<String> = replies.iter().map(crate::world::Reply::token).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0] && world.is_good(token)));
    assert_eq!((world.paid.calls(), world.paid.issued()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_not_shared() {
    let world = world().await;
    let (secret, other) = (client(&world, "c1").await, client(&world, "c2").await);
    world.paid.hold();
    let asks = async {
        tokio::join!(
            world.token("c1", &secret, ""),
            world.token("c1", &secret, "&scope=shop/order"),
            world.token("c2", &other, ""),
        )
    };
    let lets = async {
        world.paid.until_called(3).await;
        world.paid.let_through(3);
    };
    let ((a, b, c), ()) = tokio::join!(asks, lets);
    assert_eq!(a.json()["scope"], BOTH.join(" "));
    assert_eq!(b.json()["scope"], "shop/order");
    assert_eq!(crate::world::part(&c.token(), 1)["client_id"], "c2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_shared_and_not_kept() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    world.paid.hold();
    world.paid.on_calls([Answer::Error(down())]);
    let asks = join_all((0..10).map(|_| world.token("c1", &secret, "")));
    let lets = async {
        world.paid.until_called(1).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.paid.let_through(1);
    };
    let (replies, ()) = tokio::join!(asks, lets);
    for reply in &replies {
        reply.is_error(503, "temporarily_unavailable");
        assert_eq!(reply.headers["retry-after"], "1");
    }
    assert_eq!(world.paid.calls(), 1);
    assert_eq!(world.counted(r#"turnpike_broker_refused_total{reason="down"}"#), 10);
    world.paid.let_through(1);
    world.token("c1", &secret, "").await.token();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_hangs_up_leaves_the_token_to_the_next() {
    let world = world().await;
    let secret = client(&world, "c1").await;
    world.paid.hold();
    let hangs_up = tokio::time::timeout(Duration::from_millis(200), world.token("c1", &secret, ""));
    assert!(hangs_up.await.is_err());
    world.paid.until_called(1).await;
    world.paid.let_through(1);
    world.token("c1", &secret, "").await.token();
    assert_eq!(world.paid.calls(), 1);
}
