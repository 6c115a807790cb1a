//! What becomes of grants whose scopes, or whose resource server, go.

use std::time::Duration;

use futures_util::future::join_all;
use turnpike_domain::grant::GrantState;
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::EffectKind;

use super::plane::{Plane, blockers, code, deletion, identifier, kinds, new_server, only, owner};

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_in_use_stays_without_force() {
    let plane = Plane::new().await;
    let server = plane.orders(&["read", "write", "unused"]).await;
    let client = plane.client("Shop").await;
    let active = plane.grant(&client, &["orders/read", "orders/write"], GrantState::Active).await;
    let waits = plane.grant(&client, &["orders/write"], GrantState::Pending).await;
    for validate_only in [true, false] {
        let request =
            pb::UpdateResourceServerRequest { validate_only, ..only(&server, &["read"], false) };
        let in_use = blockers(plane.update(&owner(), request).await);
        let mut subjects: Vec<_> = in_use.iter().map(|b| (b.kind, b.subject.clone())).collect();
        subjects.sort();
        let mut expected = [&active, &waits].map(|id| ("GRANT_IN_USE", format!("grants/{id}")));
        expected.sort();
        assert_eq!(subjects, expected);
        assert!(in_use.iter().all(|blocker| blocker.description.contains("\"Shop\"")));
    }
    // One that no grant uses goes without a question.
    let left = plane.update(&owner(), only(&server, &["read", "write"], false)).await.unwrap();
    assert_eq!(left.resource_server.unwrap().scopes.len(), 2);
    assert_eq!(plane.actions().await, ["resource_server.created", "resource_server.updated"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_force_grants_shrink_and_end_in_the_same_change() {
    let plane = Plane::new().await;
    let server = plane.orders(&["read", "write"]).await;
    let client = plane.client("Shop").await;
    let both = plane.grant(&client, &["orders/read", "orders/write"], GrantState::Active).await;
    let write = plane.grant(&client, &["orders/write"], GrantState::Active).await;
    let waits = plane.grant(&client, &["orders/read", "orders/write"], GrantState::Pending).await;
    let mut expected = [EffectKind::GrantShrinks, EffectKind::GrantShrinks, EffectKind::GrantEnds];
    expected.sort();

    let asked =
        pb::UpdateResourceServerRequest { validate_only: true, ..only(&server, &["read"], true) };
    let asked = plane.update(&owner(), asked).await.unwrap();
    let mut would = kinds(asked.impact);
    would.sort();
    assert_eq!((would, asked.resource_server.unwrap().scopes.len()), (expected.to_vec(), 1));
    assert_eq!(plane.server("orders").await, server);

    let changed = plane.update(&owner(), only(&server, &["read"], true)).await.unwrap();
    let impact = changed.impact.unwrap();
    assert_eq!(impact.total_effects, 3);
    let effect = impact.effects.iter().find(|e| e.kind() == EffectKind::GrantEnds).unwrap();
    assert_eq!((&effect.client_display_name[..], &effect.client_team[..]), ("Shop", "partners"));
    assert_eq!(effect.scopes, ["orders/write"]);
    for (id, state) in [(&both, GrantState::Active), (&waits, GrantState::Pending)] {
        let grant = plane.grant_now(id).await;
        assert_eq!((grant.state, grant.scopes.len()), (state, 1));
    }
    let ended = plane.grant_now(&write).await;
    assert_eq!(ended.state, GrantState::Revoked);
    assert_eq!(ended.end.unwrap().reason, "the resource server no longer offers the scopes");
    let now = plane.registry.now();
    let client = plane.client_now(&client).await;
    assert!(client.holds("orders/read", now) && !client.holds("orders/write", now));
    assert!(!client.scope_lives("orders/write", now.seconds(), now));
    let mut actions = plane.actions().await.split_off(1);
    assert_eq!(actions.pop().unwrap(), "resource_server.updated");
    actions.sort();
    assert_eq!(actions, ["grant.revoked", "grant.shrunk", "grant.shrunk"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_comes_back_revives_nothing() {
    let plane = Plane::new().await;
    let server = plane.orders(&["read", "write"]).await;
    let client = plane.client("Shop").await;
    let both = plane.grant(&client, &["orders/read", "orders/write"], GrantState::Active).await;
    let waits = plane.grant(&client, &["orders/write"], GrantState::Pending).await;
    let server = plane.update(&owner(), only(&server, &["read"], true)).await.unwrap();
    let server = server.resource_server.unwrap();
    let back = plane.update(&owner(), only(&server, &["read", "write"], false)).await.unwrap();
    assert_eq!(back.resource_server.unwrap().scopes.len(), 2);
    let now = plane.registry.now();
    let kept = plane.client_now(&client).await;
    assert!(!kept.holds("orders/write", now));
    // Not even for a token that was issued while it was held, once it is granted anew.
    let issued = now.seconds();
    plane.clock.advance(Duration::from_secs(10));
    plane.grant(&client, &["orders/write"], GrantState::Active).await;
    let now = plane.registry.now();
    let kept = plane.client_now(&client).await;
    assert!(kept.holds("orders/write", now) && !kept.scope_lives("orders/write", issued, now));
    assert_eq!(plane.grant_now(&both).await.scopes.len(), 1);
    assert_eq!(plane.grant_now(&waits).await.state, GrantState::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_server_that_comes_back_revives_nothing() {
    let plane = Plane::new().await;
    let server = plane.orders(&["read"]).await;
    let client = plane.client("Shop").await;
    let active = plane.grant(&client, &["orders/read"], GrantState::Active).await;
    let in_use = blockers(plane.delete(&owner(), deletion(&server, false)).await);
    assert_eq!((in_use.len(), in_use[0].kind), (1, "GRANT_IN_USE"));
    let asked = pb::DeleteResourceServerRequest { validate_only: true, ..deletion(&server, true) };
    assert_eq!(kinds(plane.delete(&owner(), asked).await.unwrap().impact), [EffectKind::GrantEnds]);
    assert_eq!(plane.server("orders").await, server);

    let gone = plane.delete(&owner(), deletion(&server, true)).await.unwrap();
    assert_eq!(kinds(gone.impact), [EffectKind::GrantEnds]);
    let get = pb::GetResourceServerRequest { identifier: "orders".to_owned() };
    assert_eq!(code(plane.get(&owner(), get).await), "NOT_FOUND");
    assert_eq!(plane.grant_now(&active).await.state, GrantState::Revoked);
    let actions = plane.actions().await;
    assert_eq!(actions[1..], ["grant.revoked", "resource_server.deleted"]);

    plane.clock.advance(Duration::from_millis(1));
    let again = plane.orders(&["read"]).await;
    // Nor does what was decided on the one before hold for it.
    assert_eq!(code(plane.delete(&owner(), deletion(&server, true)).await), "STALE_ETAG");
    assert!(!plane.client_now(&client).await.holds("orders/read", plane.registry.now()));
    assert!(plane.registry.live_grants(&identifier("orders")).await.unwrap().is_empty());
    plane.delete(&owner(), deletion(&again, false)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_end_with_their_resource_server() {
    let plane = Plane::new().await;
    let mut request = new_server("orders", "orders", &[]);
    request.add_secret = true;
    let server = plane.create(&owner(), request).await.unwrap().resource_server.unwrap();
    let gone = plane.delete(&owner(), deletion(&server, false)).await.unwrap();
    assert_eq!(kinds(gone.impact), [EffectKind::SecretEnds]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_grants_than_a_change_holds_end_in_several() {
    let plane = Plane::new().await;
    let server = plane.orders(&["read", "write"]).await;
    let mut grants = Vec::new();
    for n in 0..130 {
        let client = plane.client(&format!("Shop {n}")).await;
        let scopes = &["orders/read", "orders/write"][n % 2..];
        let state = if n % 3 == 0 { GrantState::Pending } else { GrantState::Active };
        grants.push(plane.grant(&client, scopes, state).await);
    }
    // All of them name `write`, half of them `read` too.
    let in_use = blockers(plane.update(&owner(), only(&server, &["read"], false)).await);
    assert_eq!(in_use.len(), 130);
    let changed = plane.update(&owner(), only(&server, &["read"], true)).await.unwrap();
    let impact = changed.impact.unwrap();
    assert_eq!((impact.total_effects, impact.effects.len()), (130, 100));
    let actions = plane.actions().await;
    let count = |action: &str| actions.iter().filter(|a| *a == action).count();
    assert_eq!((count("grant.revoked"), count("grant.shrunk")), (65, 65));
    assert_eq!(actions.last().unwrap(), "resource_server.updated");

    let server = changed.resource_server.unwrap();
    let gone = plane.delete(&owner(), deletion(&server, true)).await.unwrap();
    assert_eq!(gone.impact.unwrap().total_effects, 65);
    for grant in &grants {
        assert_eq!(plane.grant_now(grant).await.state, GrantState::Revoked);
    }
    assert!(plane.registry.live_grants(&identifier("orders")).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_granted_while_a_scope_goes_does_not_outlive_it() {
    let plane = Plane::new().await;
    for round in 0..6 {
        let id = format!("api{round}");
        let scopes = ["read", "write"];
        let created = plane.create(&owner(), new_server(&id, "orders", &scopes)).await.unwrap();
        let server = created.resource_server.unwrap();
        let mut clients = Vec::new();
        for n in 0..4 {
            clients.push(plane.client(&format!("Shop {round} {n}")).await);
        }
        let scope = format!("{id}/write");
        let wanted = [&scope[..]];
        let grants =
            clients.iter().map(|client| plane.try_grant(client, &wanted, GrantState::Active));
        let who = owner();
        let goes = async {
            if round % 2 == 0 {
                plane.update(&who, only(&server, &["read"], true)).await.map(|_| ())
            } else {
                plane.delete(&who, deletion(&server, true)).await.map(|_| ())
            }
        };
        let (granted, gone) = tokio::join!(join_all(grants), goes);
        gone.unwrap();
        for grant in granted.into_iter().flatten() {
            assert_eq!(plane.grant_now(&grant).await.state, GrantState::Revoked);
        }
        for client in &clients {
            assert!(!plane.client_now(client).await.holds(&scope, plane.registry.now()));
        }
    }
}
