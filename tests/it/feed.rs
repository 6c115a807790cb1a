//! APIs that follow their policy, through the gateway and whichever replica answers.

use std::time::Duration;

use turnpike_proto::v1 as pb;
use turnpike_tests::{Caller, OrdersApi, Plane};

use crate::support::{client, grant, orders_api};

/// Asks who follows until as many do, and all of them know the newest change; answers with that change.
async fn all_know(caller: &Caller, identifier: &str, total: i32) -> i64 {
    let list = pb::ListVerifiersRequest { identifier: identifier.to_owned(), ..Default::default() };
    loop {
        let answer = caller.introspection().list_verifiers(list.clone()).await.unwrap();
        let pb::ListVerifiersResponse {
            verifiers, total: count, up_to_date, changed_sequence, ..
        } = answer.into_inner();
        if (count, up_to_date) == (total, total) {
            assert!(verifiers.iter().all(|verifier| verifier.up_to_date), "{verifiers:?}");
            return changed_sequence;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn whoever_revokes_sees_that_every_process_knows() {
    let plane = Plane::start().await;
    let (olga, pavel) = (plane.caller("olga").await, plane.caller("pavel").await);
    let (server, api_secret) = orders_api(&olga).await;
    let (shop, secret) = client(&pavel, "Corner shop").await;
    grant(&pavel, &olga, &shop, &["place-order"]).await;
    let apis = [
        OrdersApi::start(&plane, &api_secret).await,
        OrdersApi::start(&plane, &api_secret).await,
        OrdersApi::start(&plane, &api_secret).await,
    ];
    let before = all_know(&olga, &server.identifier, 3).await;
    let token = plane.http().token(&shop.client_id, &secret, "").await.access_token();
    let order = r#"{"order_id":"1","item":"walnuts","quantity":3}"#;
    let place = async |api: &OrdersApi| {
        let authorization = format!("Bearer {token}");
        let headers =
            [("authorization", authorization.as_str()), ("content-type", "application/json")];
        api.http().send(http::Method::POST, "/orders", &headers, order.to_owned()).await.status
    };
    for api in &apis {
        assert_eq!(place(api).await, 201);
    }
    let revoke =
        pb::RevokeTokenRequest { token: token.clone(), ..pb::RevokeTokenRequest::default() };
    pavel.introspection().revoke_token(revoke).await.unwrap();
    // The team of the client sees that they know, and not which they are.
    let list =
        pb::ListVerifiersRequest { identifier: server.identifier.clone(), ..Default::default() };
    while all_know(&olga, &server.identifier, 3).await <= before {}
    let seen = pavel.introspection().list_verifiers(list).await.unwrap().into_inner();
    assert_eq!((seen.total, seen.verifiers.len()), (3, 0));
    for api in &apis {
        assert_eq!(place(api).await, 401);
    }
    let [one, two, three] = apis;
    for api in [one, two, three] {
        api.stop().await;
    }
    all_know(&olga, &server.identifier, 0).await;
}
