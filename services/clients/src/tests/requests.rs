//! Asking for grants.

use std::time::Duration;

use futures_util::future::join_all;
use turnpike_domain::actor::ApiScope;
use turnpike_proto::v1 as pb;

use super::plane::{
    Plane, REQUEST_ID, admin, ask, auditor, blockers, code, owner, pairs, partner, person, program,
    stranger, violations,
};

async fn shop(plane: &Plane) -> String {
    plane.shop(&[]).await.client.unwrap().client_id
}

fn time(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_for_the_owner_of_the_api() {
    let plane = Plane::new().await;
    let id = shop(&plane).await;
    let expire_time = time(1_800_000_060);
    let request = pb::RequestGrantRequest {
        expire_time,
        ..ask(&id, "orders", &["orders/write", "orders/read"])
    };
    let grant = plane.request(&partner(), request).await.unwrap().grant.unwrap();
    assert_eq!(grant.state(), pb::GrantState::Pending);
    assert_eq!(grant.scopes, ["orders/read", "orders/write"]);
    assert_eq!((grant.expire_time, grant.end_time), (expire_time, None));
    assert_eq!(plane.grant(&grant.grant_id).await, grant);
    assert!(plane.client(&id).await.scopes.is_empty());
    let event = plane.events().await.pop().unwrap();
    assert_eq!((&event.action[..], &event.reason[..]), ("grant.requested", "to sell"));
    assert_eq!((&event.client_id[..], &event.resource_server[..]), (&id[..], "orders"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_decide_need_not_wait() {
    let plane = Plane::new().await;
    let id = shop(&plane).await;
    let state = |who, scope: &'static str| {
        let (plane, id) = (&plane, &id);
        async move {
            let server = scope.split('/').next().unwrap();
            let asked = plane.request(&who, ask(id, server, &[scope])).await.unwrap();
            asked.grant.unwrap().state()
        }
    };
    assert_eq!(state(partner(), "shop/read").await, pb::GrantState::Active);
    // One team owns both sides, and the admin may decide for it.
    assert_eq!(state(admin(), "shop/write").await, pb::GrantState::Active);
    // Two teams: whoever asks does not decide, not even an admin or a member of both.
    assert_eq!(state(admin(), "orders/read").await, pb::GrantState::Pending);
    let both = person("bea", &["orders", "partners"], &[]);
    assert_eq!(state(both, "orders/write").await, pb::GrantState::Pending);
    // A program decides if its token says so.
    plane.server("tools", "partners", &["a", "b"]).await;
    let writes = program("partners", &[ApiScope::RegistryWrite]);
    assert_eq!(state(writes, "tools/a").await, pb::GrantState::Pending);
    let decides = program("partners", &[ApiScope::RegistryWrite, ApiScope::GrantsDecide]);
    assert_eq!(state(decides, "tools/b").await, pb::GrantState::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_names_must_be_there() {
    let plane = Plane::new().await;
    let id = shop(&plane).await;
    let absent = ask("nobody", "nowhere", &["nowhere/read"]);
    let expected = pairs(&[("client_id", "NOT_FOUND"), ("resource_server", "NOT_FOUND")]);
    assert_eq!(violations(plane.request(&partner(), absent).await), expected);
    // A hidden client is an absent one.
    let hidden = violations(plane.request(&stranger(), ask(&id, "orders", &["orders/read"])).await);
    assert_eq!(hidden, pairs(&[("client_id", "NOT_FOUND")]));
    let fly = ask(&id, "orders", &["orders/read", "orders/fly"]);
    assert_eq!(
        violations(plane.request(&partner(), fly).await),
        pairs(&[("scopes[1]", "NOT_FOUND")])
    );
    // Who sees the client and does not own it is told so.
    for who in [auditor(), program("partners", &[ApiScope::RegistryRead])] {
        let request = ask(&id, "orders", &["orders/read"]);
        assert_eq!(code(plane.request(&who, request).await), "NOT_ALLOWED");
    }
    assert_eq!(plane.actions().await, ["client.created"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_is_named_at_once() {
    let plane = Plane::new().await;
    let request = pb::RequestGrantRequest {
        reason: "\u{202e}".to_owned(),
        expire_time: time(1_800_000_000),
        request_id: "x".to_owned(),
        ..ask("", "orders", &["shop/read", "orders/read", "orders/read", "orders"])
    };
    let expected = pairs(&[
        ("client_id", "REQUIRED"),
        ("scopes[3]", "MALFORMED"),
        ("scopes[0]", "CONFLICT"),
        ("scopes[2]", "DUPLICATE"),
        ("reason", "CHARACTERS"),
        ("expire_time", "OUT_OF_RANGE"),
        ("request_id", "MALFORMED"),
    ]);
    assert_eq!(violations(plane.request(&partner(), request).await), expected);
    let none = violations(plane.request(&partner(), pb::RequestGrantRequest::default()).await);
    let expected = pairs(&[
        ("client_id", "REQUIRED"),
        ("resource_server", "REQUIRED"),
        ("reason", "REQUIRED"),
    ]);
    assert_eq!(none, expected);
    let id = shop(&plane).await;
    let no_scope = violations(plane.request(&partner(), ask(&id, "orders", &[])).await);
    assert_eq!(no_scope, pairs(&[("scopes", "REQUIRED")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_waits_once() {
    let plane = Plane::new().await;
    let id = shop(&plane).await;
    let both = ["orders/read", "orders/write"];
    let mut first = ask(&id, "orders", &both);
    first.expire_time = time(1_800_000_060);
    let first = plane.request(&partner(), first).await.unwrap().grant.unwrap();
    let other_order = ask(&id, "orders", &["orders/write", "orders/read"]);
    assert_eq!(code(plane.request(&partner(), other_order.clone()).await), "ALREADY_EXISTS");
    plane.request(&partner(), ask(&id, "orders", &["orders/read"])).await.unwrap();

    let who = partner();
    let many = (0..6).map(|_| plane.request(&who, ask(&id, "orders", &["orders/write"])));
    let made = join_all(many).await;
    assert_eq!(made.iter().filter(|answer| answer.is_ok()).count(), 1);

    // Once the first is over, it may be asked again: here by its end, which nobody wrote down yet.
    plane.clock.advance(Duration::from_secs(60));
    assert_eq!(plane.grant(&first.grant_id).await.state(), pb::GrantState::Expired);
    plane.request(&partner(), other_order).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_hold_fifty_scopes() {
    let plane = Plane::new().await;
    let names: Vec<String> = (0..60).map(|n| format!("s{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    plane.server("many", "partners", &names).await;
    let scopes: Vec<String> = names.iter().map(|name| format!("many/{name}")).collect();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let id = shop(&plane).await;
    plane.request(&partner(), ask(&id, "many", &scopes[..49])).await.unwrap();
    // Those it holds count once.
    plane.request(&partner(), ask(&id, "many", &scopes[40..50])).await.unwrap();
    for validate_only in [true, false] {
        let request =
            pb::RequestGrantRequest { validate_only, ..ask(&id, "many", &scopes[50..51]) };
        let over = blockers(plane.request(&partner(), request).await);
        assert_eq!((over.len(), over[0].kind), (1, "TOO_MANY_SCOPES"));
    }
    // Also of an API whose owner would have to decide.
    let over = blockers(plane.request(&partner(), ask(&id, "orders", &["orders/read"])).await);
    assert_eq!(over[0].kind, "TOO_MANY_SCOPES");
    assert_eq!(plane.client(&id).await.scopes.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_wait_have_a_bound_and_the_longest_fit() {
    let plane = Plane::new().await;
    let names: Vec<String> = (0..50).map(|n| format!("s{n:02}{}", "x".repeat(248))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for n in 0..10 {
        plane.server(&format!("api{n}"), "orders", &names).await;
    }
    let id = shop(&plane).await;
    for n in 0..10 {
        let scopes: Vec<String> = names.iter().map(|name| format!("api{n}/{name}")).collect();
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        plane.request(&partner(), ask(&id, &format!("api{n}"), &scopes)).await.unwrap();
    }
    let over = blockers(plane.request(&partner(), ask(&id, "orders", &["orders/read"])).await);
    assert_eq!(over[0].kind, "TOO_MANY_SCOPES");
    assert!(over[0].description.contains("withdraw"), "{}", over[0].description);
    let client = plane.client(&id).await;
    let deletion = pb::DeleteClientRequest {
        client_id: id,
        etag: client.etag,
        force: true,
        validate_only: false,
    };
    plane.delete(&partner(), deletion).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_whether_one_may_ask_changes_nothing() {
    let plane = Plane::new().await;
    let id = shop(&plane).await;
    let before = plane.client(&id).await;
    for (server, state) in [("orders", pb::GrantState::Pending), ("shop", pb::GrantState::Active)] {
        let scope = format!("{server}/read");
        let request = pb::RequestGrantRequest {
            validate_only: true,
            request_id: REQUEST_ID.to_owned(),
            ..ask(&id, server, &[&scope])
        };
        let grant = plane.request(&partner(), request).await.unwrap().grant.unwrap();
        assert_eq!((&grant.grant_id[..], &grant.etag[..], grant.state()), ("", "", state));
        assert_eq!(grant.client_id, id);
    }
    assert_eq!(plane.client(&id).await, before);
    assert_eq!(plane.actions().await, ["client.created"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_grant_as_it_is_now() {
    let plane = Plane::new().await;
    let id = shop(&plane).await;
    let request = pb::RequestGrantRequest {
        request_id: REQUEST_ID.to_owned(),
        ..ask(&id, "orders", &["orders/read"])
    };
    let who = partner();
    let calls = join_all((0..6).map(|_| plane.request(&who, request.clone()))).await;
    let ids: std::collections::BTreeSet<_> =
        calls.into_iter().map(|answer| answer.unwrap().grant.unwrap().grant_id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(plane.actions().await, ["client.created", "grant.requested"]);
    let grant = plane.grant(ids.first().unwrap()).await;
    plane.approved(&grant).await;
    let again = plane.request(&partner(), request.clone()).await.unwrap().grant.unwrap();
    assert_eq!(again.state(), pb::GrantState::Active);
    // The owner of the API is another caller, and may not ask at all.
    assert_eq!(code(plane.request(&owner(), request).await), "NOT_ALLOWED");
}
