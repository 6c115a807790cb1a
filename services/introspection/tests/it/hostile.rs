//! Every hostile token is `{"active":false}` and nothing else, whoever asks and however.

use turnpike_domain::ports::Clock as _;
use turnpike_proto::v1 as pb;
use turnpike_sdk::test_util::Issuer;
use turnpike_sdk::test_util::hostile::{Forge, kinds};

use crate::world::{ISSUER, World};

#[tokio::test(flavor = "multi_thread")]
async fn each_is_inactive_over_http_and_grpc() {
    let issuer = Issuer::rs256(ISSUER);
    let world = World::with(issuer.keys()).await;
    let api = world.registered.resource_server("lj-health-food", &["place-order", "list"]).await;
    let own = world.registered.client("1example23456789", &["lj-health-food/place-order"]).await;
    let now = world.clock.now().seconds();
    let forge = Forge::new(issuer, "1example23456789", "lj-health-food/place-order", now);

    let callers = [("lj-health-food", api.expose()), ("1example23456789", own.expose())];
    let mut wrong = Vec::new();
    for (id, secret) in callers {
        let good = world.ask(id, secret, &forge.good()).await;
        assert_eq!(good.json()["active"], true, "the set-up accepts a good token");
        assert!(world.ask_grpc(id, secret, &forge.good()).await.unwrap().active);
        for kind in kinds() {
            let token = kind.token(&forge);
            let reply = world.ask(id, secret, &token).await;
            if (reply.status.as_u16(), reply.text.as_str()) != (200, r#"{"active":false}"#) {
                wrong.push(format!("{}: {} {}", kind.name(), reply.status, reply.text));
            }
            match world.ask_grpc(id, secret, &token).await {
                Ok(answer) if answer == pb::IntrospectResponse::default() => {}
                other => wrong.push(format!("{} over gRPC: {other:?}", kind.name())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(kinds().count() >= 150);
}
