//! IntrospectionService.RevokeToken.

use std::time::Duration;

use tonic::Code;
use turnpike_domain::actor::Role;
use turnpike_domain::ports::Clock as _;
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::introspection_service_server::IntrospectionService as _;
use turnpike_sdk::test_util::Issuer;
use turnpike_testkit::registered::{CLIENT_TEAM, RESOURCE_SERVER_TEAM};

use crate::world::{ISSUER, World, basic};

fn message(token: &str) -> pb::RevokeTokenRequest {
    pb::RevokeTokenRequest {
        token: token.to_owned(),
        reason: "leaked in a log".to_owned(),
        validate_only: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owning_team_ends_a_token_and_the_log_says_so() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    world.registered.client("c1", &["shop/order"]).await;
    let token = world.draft("c1", "shop/order").claim("jti", "\"the-token\"").token();
    assert!(world.ask_grpc("shop", shop.expose(), &token).await.unwrap().active);
    for _ in 0..2 {
        let answer = world.revoke(CLIENT_TEAM, &[], message(&token)).await.unwrap();
        assert_eq!((answer.client_id.as_str(), answer.token_id.as_str()), ("c1", "the-token"));
        assert!(!world.ask_grpc("shop", shop.expose(), &token).await.unwrap().active);
        world.ask("shop", shop.expose(), &token).await.is_inactive();
    }
    let events = world.said("token.revoked").await;
    assert_eq!(events.len(), 1, "the second time nothing changed");
    let event = &events[0];
    assert_eq!(event.subject, "tokens/the-token");
    assert_eq!((event.client_id.as_str(), event.team.as_str()), ("c1", CLIENT_TEAM));
    assert_eq!(event.reason, "leaked in a log");
    assert_eq!(event.actor.id, format!("someone-of-{CLIENT_TEAM}"));
    assert!(!event.line.contains(&token));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_and_who_may_not() {
    let world = World::new().await;
    world.registered.client("c1", &["shop/order"]).await;
    let token = || world.draft("c1", "shop/order").token();
    let code = async |team: &str, roles: &[Role]| {
        world.revoke(team, roles, message(&token())).await.map_or_else(|s| s.code(), |_| Code::Ok)
    };
    assert_eq!(code(CLIENT_TEAM, &[]).await, Code::Ok);
    assert_eq!(code("platform", &[Role::PlatformAdmin]).await, Code::Ok);
    assert_eq!(code("security", &[Role::Auditor]).await, Code::PermissionDenied);
    assert_eq!(code(RESOURCE_SERVER_TEAM, &[]).await, Code::NotFound, "not theirs to know of");
    assert_eq!(world.said("token.revoked").await.len(), 2);
    assert_eq!(world.said("call.refused").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_token_and_none_are_one_answer() {
    let world = World::new().await;
    world.registered.client("c1", &["shop/order"]).await;
    let token = world.draft("c1", "shop/order").token();
    let hidden = world.revoke("strangers", &[], message(&token)).await.unwrap_err();
    let none = world.revoke("strangers", &[], message("garbage")).await.unwrap_err();
    assert_eq!((hidden.code(), hidden.message()), (none.code(), none.message()));
    assert!(!hidden.message().contains(&token));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ours_is_not_found() {
    let world = World::new().await;
    world.registered.client("c1", &["shop/order"]).await;
    let foreign = Issuer::es256(ISSUER).token("c1", "shop/order");
    let unknown_client = world.draft("gone", "shop/order").token();
    let over = world.draft("c1", "shop/order").claim("exp", world.clock.now().seconds() - 60);
    let over = over.claim("iat", world.clock.now().seconds() - 3660).token();
    for token in ["garbage", "a.b.c", "\0", &foreign, &unknown_client, &over, &"x".repeat(9000)] {
        let status = world.revoke(CLIENT_TEAM, &[Role::PlatformAdmin], message(token)).await;
        assert_eq!(status.unwrap_err().code(), Code::NotFound, "{token:.40}");
    }
    assert!(world.said("token.revoked").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_disabled_client_does_not_come_back_with_it() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    world.registered.client("c1", &["shop/order"]).await;
    let token = world.draft("c1", "shop/order").token();
    world.registered.change_client("c1", |client| client.enabled = false).await;
    world.revoke(CLIENT_TEAM, &[], message(&token)).await.unwrap();
    world.registered.change_client("c1", |client| client.enabled = true).await;
    assert!(!world.ask_grpc("shop", shop.expose(), &token).await.unwrap().active);
    let other = world.draft("c1", "shop/order").token();
    assert!(world.ask_grpc("shop", shop.expose(), &other).await.unwrap().active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_outlives_what_a_verifier_allows_for_clocks() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    world.registered.client("c1", &["shop/order"]).await;
    let token = world.draft("c1", "shop/order").token();
    world.revoke(CLIENT_TEAM, &[], message(&token)).await.unwrap();
    world.clock.advance(Duration::from_secs(3600 + 59));
    world.registry.sweep().await.unwrap();
    let id = world.said("token.revoked").await[0].subject.replace("tokens/", "");
    let id = turnpike_domain::id::TokenId::parse(&id).unwrap();
    assert!(world.registry.revoked_token(&id).await.unwrap().is_some());
    assert!(!world.ask_grpc("shop", shop.expose(), &token).await.unwrap().active);
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_only_checks_everything_and_changes_nothing() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    world.registered.client("c1", &["shop/order"]).await;
    let token = world.draft("c1", "shop/order").token();
    let only = |token: &str| pb::RevokeTokenRequest { validate_only: true, ..message(token) };
    assert_eq!(world.revoke(CLIENT_TEAM, &[], only(&token)).await.unwrap().client_id, "c1");
    assert!(world.revoke("strangers", &[], only(&token)).await.is_err());
    assert!(world.ask_grpc("shop", shop.expose(), &token).await.unwrap().active);
    assert!(world.said("token.revoked").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_that_breaks_a_rule_is_named() {
    use tonic_types::StatusExt as _;

    let world = World::new().await;
    let reason = "x".repeat(1001);
    let bad = pb::RevokeTokenRequest { token: String::new(), reason, validate_only: false };
    let status = world.revoke(CLIENT_TEAM, &[], bad).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    let fields: Vec<&str> = details
        .bad_request()
        .unwrap()
        .field_violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(fields, ["token", "reason"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_does_not_revoke_here() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &["shop/order"]).await;
    let token = world.draft("c1", "shop/order").token();
    let mut request = tonic::Request::new(message(&token));
    let header = basic("c1", secret.expose());
    request.metadata_mut().insert("authorization", header.parse().unwrap());
    let status = world.grpc.revoke_token(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_revokes_with_the_scope_to_write() {
    let world = World::new().await;
    world.registered.client("c1", &["shop/order"]).await;
    let scopes = ["turnpike/registry.read", "turnpike/registry.write"];
    world.registered.client("ci", &scopes).await;
    let code = async |scope: &str| {
        let token = world.draft("c1", "shop/order").token();
        let mut request = tonic::Request::new(message(&token));
        let header = format!("Bearer {}", world.draft("ci", scope).token());
        request.metadata_mut().insert("authorization", header.parse().unwrap());
        world.grpc.revoke_token(request).await.map_or_else(|status| status.code(), |_| Code::Ok)
    };
    assert_eq!(code(&scopes.join(" ")).await, Code::Ok);
    assert_eq!(code(scopes[0]).await, Code::PermissionDenied);
    assert_eq!(code("shop/order").await, Code::Unauthenticated);
}
