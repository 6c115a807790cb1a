//! The examples beside a real plane, where the demo does not look: what changes while they run.

use serde_json::{Value, json};
use turnpike_proto::v1 as pb;
use turnpike_tests::{OrdersApi, PartnerApp, Plane};

use crate::support::{client, grant, known_to_all, orders_api};

const PLACE: [&str; 5] = ["place", "--item", "oat bars", "--quantity", "12"];

/// Asks the orders API with a token until it answers with this status; a test that never gets it is
/// stopped by whoever runs it.
async fn until(api: &OrdersApi, token: &str, method: http::Method, status: u16) {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let order = json!({ "order_id": "1", "item": "walnuts", "quantity": 3 }).to_string();
    let http = api.http();
    while http.send(method.clone(), "/orders", &headers, order.clone()).await.status != status {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_grant_that_ends_takes_its_scopes_and_no_other() {
    let plane = Plane::start().await;
    let (olga, pavel) = (plane.caller("olga").await, plane.caller("pavel").await);
    let (_, api_secret) = orders_api(&olga).await;
    let (shop, secret) = client(&pavel, "Corner shop").await;
    grant(&pavel, &olga, &shop, &["place-order"]).await;
    let lists = grant(&pavel, &olga, &shop, &["list-orders"]).await;
    let api = OrdersApi::start(&plane, &api_secret).await;
    let token = plane.http().token(&shop.client_id, &secret, "").await.access_token();

    until(&api, &token, http::Method::POST, 201).await;
    until(&api, &token, http::Method::GET, 200).await;
    let revoke = pb::RevokeGrantRequest {
        grant_id: lists.grant_id,
        etag: lists.etag,
        reason: "they only place orders".to_owned(),
        ..pb::RevokeGrantRequest::default()
    };
    olga.grants().revoke_grant(revoke).await.unwrap();
    until(&api, &token, http::Method::GET, 403).await;
    until(&api, &token, http::Method::POST, 200).await;
}

#[tokio::test]
async fn an_api_that_cannot_ask_lets_nobody_in() {
    let mut plane = Plane::start().await;
    let (olga, pavel) = (plane.caller("olga").await, plane.caller("pavel").await);
    let (_, api_secret) = orders_api(&olga).await;
    let (shop, secret) = client(&pavel, "Corner shop").await;
    grant(&pavel, &olga, &shop, &["place-order"]).await;
    let api = OrdersApi::start(&plane, &api_secret).await;
    let stranger = OrdersApi::start(&plane, "tp_is_no_secret_of_this_api").await;
    let token = plane.http().token(&shop.client_id, &secret, "").await.access_token();

    until(&api, &token, http::Method::POST, 201).await;
    until(&stranger, &token, http::Method::POST, 503).await;
    plane.kill().await;
    until(&api, &token, http::Method::POST, 503).await;
}

#[tokio::test]
async fn an_order_that_waits_goes_out_when_the_client_may_again() {
    let plane = Plane::start().await;
    let (olga, pavel) = (plane.caller("olga").await, plane.caller("pavel").await);
    let (_, api_secret) = orders_api(&olga).await;
    let (shop, secret) = client(&pavel, "Corner shop").await;
    let api = OrdersApi::start(&plane, &api_secret).await;
    let app = PartnerApp::new(&plane, &api, &shop.client_id, &secret);
    let state = |stdout: &str| {
        let lines: Vec<Value> = stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        lines.iter().map(|line| line["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };

    // No grant, a grant, a secret that was taken away, and a client that is enabled again.
    let ended = app.run(&PLACE).await;
    assert_eq!((ended.code, state(&ended.stdout)), (Some(4), vec!["waiting".to_owned()]));
    grant(&pavel, &olga, &shop, &["place-order", "list-orders"]).await;
    known_to_all(&plane).await;
    let ended = app.run(&["send"]).await;
    assert_eq!((ended.code, state(&ended.stdout)), (Some(0), vec!["placed".to_owned()]));

    let disable =
        pb::DisableClientRequest { client_id: shop.client_id.clone(), ..Default::default() };
    pavel.clients().disable_client(disable).await.unwrap();
    known_to_all(&plane).await;
    let ended = app.run(&PLACE).await;
    assert_eq!((ended.code, state(&ended.stdout)), (Some(3), vec!["waiting".to_owned()]));
    let enable =
        pb::EnableClientRequest { client_id: shop.client_id.clone(), ..Default::default() };
    pavel.clients().enable_client(enable).await.unwrap();
    known_to_all(&plane).await;
    let ended = app.run(&["send"]).await;
    assert_eq!((ended.code, state(&ended.stdout)), (Some(0), vec!["placed".to_owned()]));

    let listed = app.run(&["list"]).await;
    let orders: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!((listed.code, orders.as_array().map(Vec::len)), (Some(0), Some(2)));
}
