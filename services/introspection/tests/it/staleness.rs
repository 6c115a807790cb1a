//! A policy that no longer follows the log calls no token active.

use std::time::Duration;

use tonic::Code;
use turnpike_registry::Bounds;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn it_is_unavailable_and_comes_back() {
    let second = Duration::from_secs(1);
    let bounds = Bounds { behind: second, unheard: second };
    let world = World::impatient(bounds).await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    world.registered.client("c1", &["shop/order"]).await;
    // One that was decided on before, one that was not.
    let tokens = [world.draft("c1", "shop/order").token(), world.draft("c1", "shop/order").token()];
    assert_eq!(world.ask("shop", shop.expose(), &tokens[0]).await.json()["active"], true);

    world.store.set_down(true);
    let ask = async |token: &str| world.ask("shop", shop.expose(), token).await;
    let until = async |status: u16| {
        let waits = async {
            while ask(&tokens[0]).await.status.as_u16() != status {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waits).await.unwrap();
    };
    until(503).await;
    for token in [&tokens[0], &tokens[1], "garbage"] {
        let reply = ask(token).await;
        reply.is_error(503, "temporarily_unavailable");
        assert!(reply.headers.contains_key("retry-after"));
        let status = world.ask_grpc("shop", shop.expose(), token).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
    }
    // Whether a secret is right is not told either: it may have been removed.
    world.ask("shop", "wrong", &tokens[0]).await.is_error(503, "temporarily_unavailable");

    world.store.set_down(false);
    until(200).await;
    for token in &tokens {
        assert_eq!(ask(token).await.json()["active"], true);
    }
}
