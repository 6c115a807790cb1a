//! IntrospectionService.Introspect.

use tonic::Code;
use turnpike_domain::ports::Clock as _;
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::introspection_service_server::IntrospectionService as _;

use crate::world::{ISSUER, World, basic};

#[tokio::test(flavor = "multi_thread")]
async fn an_active_token_is_described_with_its_client() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["list", "order"]).await;
    world.registered.client("c1", &["shop/list", "shop/order", "other/x"]).await;
    let now = world.clock.now().seconds();
    let draft = world.draft("c1", "other/x shop/list shop/order").claim("jti", "\"the-token\"");
    let answer = world.ask_grpc("shop", shop.expose(), &draft.token()).await.unwrap();
    let second = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let expected = pb::IntrospectResponse {
        active: true,
        scopes: vec!["shop/list".to_owned(), "shop/order".to_owned()],
        client_id: "c1".to_owned(),
        client_display_name: "Shop".to_owned(),
        client_team: "partners".to_owned(),
        token_type: "Bearer".to_owned(),
        expire_time: second(now + 3600),
        issue_time: second(now),
        subject: "c1".to_owned(),
        issuer: ISSUER.to_owned(),
        token_id: "the-token".to_owned(),
    };
    assert_eq!(answer, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_callers_is_the_empty_answer() {
    let world = World::new().await;
    let other = world.registered.resource_server("other", &["x"]).await;
    let stranger = world.registered.client("c2", &["shop/order"]).await;
    world.registered.client("c1", &["shop/order"]).await;
    let token = world.draft("c1", "shop/order").token();
    for (id, secret) in [("other", other.expose()), ("c2", stranger.expose())] {
        let answer = world.ask_grpc(id, secret, &token).await.unwrap();
        assert_eq!(answer, pb::IntrospectResponse::default());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_must_show_its_own_secret() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    world.registered.client("c1", &["shop/order"]).await;
    let token = world.draft("c1", "shop/order").token();
    for header in [
        None,
        Some(basic("shop", "wrong")),
        Some(basic("nobody", shop.expose())),
        Some(format!("Bearer {token}")),
        Some("Basic !".to_owned()),
    ] {
        let mut request = tonic::Request::new(pb::IntrospectRequest { token: token.clone() });
        if let Some(header) = header {
            request.metadata_mut().insert("authorization", header.parse().unwrap());
        }
        let status = world.grpc.introspect(request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_no_question() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    let status = world.ask_grpc("shop", shop.expose(), "").await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_longer_than_tokens_are_is_inactive() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    for length in [8192, 8193, 1 << 20] {
        let answer = world.ask_grpc("shop", shop.expose(), &"x".repeat(length)).await.unwrap();
        assert_eq!(answer, pb::IntrospectResponse::default());
    }
}
