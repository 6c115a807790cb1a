//! The story of the product, by program: register, ask, approve, token, introspect, disable, refuse.

use serde_json::json;
use turnpike_proto::v1 as pb;
use turnpike_tests::{Answer, Plane};

use crate::support::{basic, client, grant, orders_api, reason, within};

/// What introspection says of a token, once it says whether that is `active`.
async fn introspect(plane: &Plane, secret: &str, token: &str, active: bool) -> serde_json::Value {
    let authorization = basic("lj-health-food", secret);
    let look = async || {
        let headers = [("authorization", authorization.as_str())];
        plane.http().form("/oauth2/introspect", &headers, &[("token", token)]).await
    };
    let fits = |answer: &Answer| answer.status == 200 && answer.json()["active"] == active;
    let answer = within(plane.lag(), look, fits).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["active"], active);
    answer.json()
}

#[tokio::test]
async fn a_partner_gets_what_was_approved_and_nothing_else_until_it_is_taken_away() {
    play(&Plane::start().await).await;
}

/// Register, ask, approve, token, introspect, disable, refuse; and what is not approved is not given.
pub async fn play(plane: &Plane) {
    let http = plane.http();
    let olga = plane.caller("olga").await;
    let pavel = plane.caller("pavel").await;

    let (_, api_secret) = orders_api(&olga).await;
    let (shop, shop_secret) = client(&pavel, "Partner shop").await;

    // Nothing is granted yet.
    let early = http.token(&shop.client_id, &shop_secret, "lj-health-food/place-order").await;
    assert_eq!((early.status.as_u16(), &early.json()["error"]), (400, &json!("invalid_scope")));

    let granted = grant(&pavel, &olga, &shop, &["place-order"]).await;
    assert_eq!(granted.state(), pb::GrantState::Active);
    assert_eq!(granted.decider.unwrap().id, "olga");

    let answer = http.token(&shop.client_id, &shop_secret, "").await;
    let token = answer.access_token();
    assert_eq!(answer.json()["scope"], "lj-health-food/place-order");
    assert_eq!(answer.header("cache-control"), "no-store");
    let more = http.token(&shop.client_id, &shop_secret, "lj-health-food/list-orders").await;
    assert_eq!(more.json()["error"], "invalid_scope");

    let seen = introspect(plane, &api_secret, &token, true).await;
    assert_eq!(seen["client_id"], shop.client_id);
    assert_eq!(seen["scope"], "lj-health-food/place-order");

    let disable =
        pb::DisableClientRequest { client_id: shop.client_id.clone(), validate_only: false };
    pavel.clients().disable_client(disable).await.unwrap();
    let seen = introspect(plane, &api_secret, &token, false).await;
    assert_eq!(seen, json!({"active": false}));
    let refused = http.token(&shop.client_id, &shop_secret, "").await;
    assert_eq!(refused.json()["error"], "invalid_client");

    // It comes back, its old token does not.
    let enable =
        pb::EnableClientRequest { client_id: shop.client_id.clone(), validate_only: false };
    pavel.clients().enable_client(enable).await.unwrap();
    introspect(plane, &api_secret, &token, false).await;
    let fresh = http.token(&shop.client_id, &shop_secret, "").await.access_token();
    introspect(plane, &api_secret, &fresh, true).await;
}

#[tokio::test]
async fn whoever_asked_does_not_decide() {
    let plane = Plane::start().await;
    let (olga, pavel, ada) =
        (plane.caller("olga").await, plane.caller("pavel").await, plane.caller("ada").await);
    orders_api(&olga).await;
    let (shop, _) = client(&pavel, "Partner shop").await;
    let request = pb::RequestGrantRequest {
        client_id: shop.client_id,
        resource_server: "lj-health-food".to_owned(),
        scopes: vec!["lj-health-food/list-orders".to_owned()],
        reason: "to see the orders".to_owned(),
        ..pb::RequestGrantRequest::default()
    };
    let asked = ada.grants().request_grant(request).await.unwrap().into_inner().grant.unwrap();
    assert_eq!(asked.state(), pb::GrantState::Pending);
    let approve = pb::ApproveGrantRequest {
        grant_id: asked.grant_id.clone(),
        etag: asked.etag,
        ..pb::ApproveGrantRequest::default()
    };
    for caller in [&ada, &pavel] {
        let refused = caller.grants().approve_grant(approve.clone()).await.unwrap_err();
        assert_eq!(reason(&refused).0, "NOT_ALLOWED");
    }
    olga.grants().approve_grant(approve.clone()).await.unwrap();
    let twice = olga.grants().approve_grant(approve).await.unwrap_err();
    assert!(["STALE_ETAG", "IN_THE_WAY"].contains(&reason(&twice).0.as_str()));
}

#[tokio::test]
async fn the_log_tells_the_story_and_holds() {
    let plane = Plane::start().await;
    let (olga, pavel, aino) =
        (plane.caller("olga").await, plane.caller("pavel").await, plane.caller("aino").await);
    orders_api(&olga).await;
    let (shop, _) = client(&pavel, "Partner shop").await;
    grant(&pavel, &olga, &shop, &["place-order"]).await;

    let list =
        pb::ListEventsRequest { client_id: shop.client_id, ..pb::ListEventsRequest::default() };
    let events = aino.audit().list_events(list).await.unwrap().into_inner().events;
    let actions: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["grant.approved", "grant.requested", "client.created"]);

    let verified = aino.audit().verify_log(pb::VerifyLogRequest::default()).await.unwrap();
    let verified = verified.into_inner();
    assert!(verified.intact, "{}", verified.problem);
    assert_eq!(verified.last_sequence, verified.head_sequence);
    assert_eq!(verified.last_hash, events[0].hash);

    let refused = pavel.audit().verify_log(pb::VerifyLogRequest::default()).await.unwrap_err();
    assert_eq!(reason(&refused).0, "NOT_ALLOWED");
}

#[tokio::test]
async fn nothing_is_lost_by_a_restart() {
    let plane = Plane::start().await;
    let (olga, pavel) = (plane.caller("olga").await, plane.caller("pavel").await);
    let (_, api_secret) = orders_api(&olga).await;
    let (shop, secret) = client(&pavel, "Partner shop").await;
    grant(&pavel, &olga, &shop, &["place-order"]).await;
    let plane = plane.restart().await;
    let fresh = plane.http().token(&shop.client_id, &secret, "").await.access_token();
    introspect(&plane, &api_secret, &fresh, true).await;
}
