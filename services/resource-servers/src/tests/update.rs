//! Changing a resource server: masks, etags, hands.

use std::time::Duration;

use futures_util::future::join_all;
use turnpike_domain::grant::GrantState;
use turnpike_proto::v1 as pb;
use turnpike_registry::GrantFilter;

use super::plane::{
    Plane, admin, auditor, code, deletion, new_server, owner, pairs, person, scope, stranger, team,
    update, violations,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_update_changes_what_its_mask_names() {
    let plane = Plane::new().await;
    let server = plane.orders(&["read"]).await;
    plane.clock.advance(Duration::from_secs(5));
    let wanted = pb::ResourceServer {
        display_name: "Orders".to_owned(),
        description: "ignored".to_owned(),
        scopes: vec![scope("read"), scope("write")],
        ..server.clone()
    };
    let answer =
        plane.update(&owner(), update(&wanted, &["display_name", "scopes"])).await.unwrap();
    assert_eq!(answer.impact.unwrap().total_effects, 0);
    let changed = answer.resource_server.unwrap();
    assert_eq!((&changed.display_name[..], &changed.description[..]), ("Orders", ""));
    assert_eq!((changed.scopes.len(), changed.update_time.unwrap().seconds), (2, 1_800_000_005));
    assert_ne!(changed.etag, server.etag);
    assert_eq!(plane.server("orders").await, changed);
    let event = plane.events().await.pop().unwrap();
    let fields: Vec<_> = event.changes.iter().map(|(field, ..)| &field[..]).collect();
    assert_eq!(fields, ["display_name", "scopes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn masks_have_rules() {
    let plane = Plane::new().await;
    let server = plane.orders(&["read"]).await;
    let bare = pb::ResourceServer {
        identifier: "orders".to_owned(),
        scopes: vec![pb::Scope { name: "a/b".to_owned(), description: String::new() }],
        ..Default::default()
    };
    let expected = pairs(&[
        ("resource_server.etag", "REQUIRED"),
        ("update_mask.paths[1]", "IMMUTABLE"),
        ("update_mask.paths[2]", "MALFORMED"),
        ("resource_server.scopes[0].name", "CHARACTERS"),
        ("resource_server.scopes[0].description", "REQUIRED"),
    ]);
    let request = update(&bare, &["scopes", "identifier", "scopes.name"]);
    assert_eq!(violations(plane.update(&owner(), request).await), expected);
    // Without a mask what is filled counts; with a star what is empty counts too.
    let sparse = pb::ResourceServer {
        identifier: "orders".to_owned(),
        etag: server.etag.clone(),
        description: "What it is for".to_owned(),
        ..Default::default()
    };
    let changed = plane.update(&owner(), update(&sparse, &[])).await.unwrap();
    let changed = changed.resource_server.unwrap();
    assert_eq!((&changed.description[..], changed.scopes.len()), ("What it is for", 1));
    let full = pb::ResourceServer { description: String::new(), ..changed };
    let changed = plane.update(&owner(), update(&full, &["*"])).await.unwrap();
    assert_eq!(changed.resource_server.unwrap().description, "");
    let expected = pairs(&[
        ("resource_server.display_name", "REQUIRED"),
        ("resource_server.team", "REQUIRED"),
    ]);
    assert_eq!(violations(plane.update(&owner(), update(&sparse, &["*"])).await), expected);
    let none = violations(plane.update(&owner(), Default::default()).await);
    assert_eq!(none, pairs(&[("resource_server", "REQUIRED")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_changed_leaves_no_trace_and_stale_changes_nothing() {
    let plane = Plane::new().await;
    let server = plane.orders(&["read"]).await;
    let same = plane.update(&owner(), update(&server, &["*"])).await.unwrap();
    assert_eq!(same.resource_server.unwrap(), server);
    assert_eq!(plane.actions().await.len(), 1);

    let who = owner();
    let calls = (0..6).map(|n| {
        let wanted = pb::ResourceServer { display_name: format!("Orders {n}"), ..server.clone() };
        plane.update(&who, update(&wanted, &["display_name"]))
    });
    let answers = join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for refused in answers.into_iter().filter(Result::is_err) {
        assert_eq!(code(refused), "STALE_ETAG");
    }
    assert_eq!(code(plane.delete(&owner(), deletion(&server, true)).await), "STALE_ETAG");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_is_kept_and_changed() {
    let plane = Plane::new().await;
    let largest = |letter: &str| pb::ResourceServer {
        identifier: "i".to_owned(),
        display_name: "x".repeat(256),
        description: letter.repeat(1000),
        team: "orders".to_owned(),
        scopes: (0..100)
            .map(|n| pb::Scope {
                name: format!("{n:02}{}", "n".repeat(252)),
                description: letter.repeat(256),
            })
            .collect(),
        ..Default::default()
    };
    let resource_server = Some(largest("\u{1f4e6}"));
    let request = pb::CreateResourceServerRequest { resource_server, ..Default::default() };
    let created = plane.create(&owner(), request).await.unwrap().resource_server.unwrap();
    let wanted = pb::ResourceServer { etag: created.etag, ..largest("\u{1f69a}") };
    let changed = plane.update(&owner(), update(&wanted, &["*"])).await.unwrap();
    assert_eq!(plane.server("i").await, changed.resource_server.unwrap());
    assert_eq!(plane.events().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_told_that_they_may_not() {
    let plane = Plane::new().await;
    let server = plane.orders(&["read"]).await;
    let wanted = pb::ResourceServer { display_name: "Mine".to_owned(), ..server.clone() };
    for who in [stranger(), auditor()] {
        let answer = plane.update(&who, update(&wanted, &["display_name"])).await;
        assert_eq!(code(answer), "NOT_ALLOWED");
        assert_eq!(code(plane.delete(&who, deletion(&server, false)).await), "NOT_ALLOWED");
    }
    let absent = pb::ResourceServer { identifier: "nothing".to_owned(), ..wanted };
    let answer = plane.update(&stranger(), update(&absent, &["display_name"])).await;
    assert_eq!(code(answer), "NOT_FOUND");
    assert_eq!(plane.server("orders").await, server);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_belongs_to_a_team_that_is_there() {
    let plane = Plane::new().await;
    let wrong = pairs(&[("resource_server.team", "NOT_FOUND")]);
    let created = plane.create(&admin(), new_server("lost", "nobody", &["read"])).await;
    assert_eq!(violations(created), wrong);
    let server = plane.orders(&["read"]).await;
    let wanted = pb::ResourceServer { team: "nobody".to_owned(), ..server };
    assert_eq!(violations(plane.update(&admin(), update(&wanted, &["team"])).await), wrong);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_to_a_team_of_whoever_moves_it_with_what_waits() {
    let plane = Plane::new().await;
    let server = plane.orders(&["read", "write"]).await;
    let client = plane.client("Shop").await;
    let waits = plane.grant(&client, &["orders/read"], GrantState::Pending).await;
    plane.grant(&client, &["orders/write"], GrantState::Active).await;
    let wanted = pb::ResourceServer { team: "strangers".to_owned(), ..server.clone() };
    let request = update(&wanted, &["team"]);
    assert_eq!(code(plane.update(&owner(), request.clone()).await), "NOT_ALLOWED");
    assert_eq!(code(plane.update(&stranger(), request.clone()).await), "NOT_ALLOWED");
    let both = person("bea", &["orders", "strangers"], &[]);
    let asked = pb::UpdateResourceServerRequest { validate_only: true, ..request.clone() };
    plane.update(&both, asked).await.unwrap();
    assert_eq!(plane.server("orders").await, server);
    plane.update(&both, request).await.unwrap();

    let event = plane.events().await.pop().unwrap();
    assert_eq!((&event.team[..], &event.other_team[..]), ("strangers", "orders"));
    assert_eq!(plane.grant_now(&waits).await.resource_server_team, team("strangers"));
    let list = async |filter: GrantFilter| {
        plane.registry.list_grants(&filter, 10, None, |_| true).await.unwrap().items.len()
    };
    for (name, all, waiting) in [("strangers", 2, 1), ("orders", 0, 0)] {
        let teams = Some(vec![team(name)]);
        assert_eq!(list(GrantFilter { teams: teams.clone(), ..Default::default() }).await, all);
        assert_eq!(list(GrantFilter { waiting_for: teams, ..Default::default() }).await, waiting);
    }
}
