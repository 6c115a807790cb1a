//! Approving, denying and ending grants.

use std::time::Duration;

use turnpike_domain::actor::ApiScope;
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::EffectKind;

use super::plane::{
    Plane, admin, approval, ask, auditor, blockers, code, denial, kinds, new_client, owner, pairs,
    partner, person, program, revocation, stranger, violations,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_approves_and_the_client_holds() {
    let plane = Plane::new().await;
    let (id, grant) = plane.waiting(&["orders/read"]).await;
    let asked = pb::ApproveGrantRequest { validate_only: true, ..approval(&grant) };
    let asked = plane.approve(&owner(), asked).await.unwrap().grant.unwrap();
    assert_eq!((asked.state(), &asked.etag), (pb::GrantState::Active, &grant.etag));
    assert_eq!(plane.grant(&grant.grant_id).await, grant);

    plane.clock.advance(Duration::from_secs(2));
    let request = pb::ApproveGrantRequest { note: "welcome".to_owned(), ..approval(&grant) };
    let approved = plane.approve(&owner(), request).await.unwrap().grant.unwrap();
    assert_eq!(approved.state(), pb::GrantState::Active);
    assert_eq!(approved.decider.as_ref().unwrap().id, "otto");
    assert_eq!(approved.decide_time.unwrap().seconds, 1_800_000_002);
    assert_eq!(approved.decision_note, "welcome");
    assert_ne!(approved.etag, grant.etag);
    assert_eq!(plane.grant(&grant.grant_id).await, approved);
    assert_eq!(plane.client(&id).await.scopes, ["orders/read"]);
    let event = plane.events().await.pop().unwrap();
    assert_eq!((&event.action[..], &event.reason[..]), ("grant.approved", "welcome"));
    assert_eq!(event.actor.id, "otto");
}

#[tokio::test(flavor = "multi_thread")]
async fn others_do_not_decide() {
    let plane = Plane::new().await;
    let (_, grant) = plane.waiting(&["orders/read"]).await;
    let both = person("paula", &["orders", "partners"], &[]);
    let reads = program("orders", &[ApiScope::RegistryRead, ApiScope::RegistryWrite]);
    let cases = [
        (stranger(), "NOT_FOUND"),
        (partner(), "NOT_ALLOWED"),
        (both, "NOT_ALLOWED"),
        (auditor(), "NOT_ALLOWED"),
        (reads, "NOT_ALLOWED"),
    ];
    for (who, expected) in cases {
        assert_eq!(code(plane.approve(&who, approval(&grant)).await), expected, "{who:?}");
        assert_eq!(code(plane.deny(&who, denial(&grant)).await), expected, "{who:?}");
    }
    assert_eq!(plane.grant(&grant.grant_id).await, grant);
    let decides = program("orders", &[ApiScope::GrantsDecide]);
    plane.approve(&decides, approval(&grant)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_decides_what_another_asked() {
    let plane = Plane::new().await;
    let (_, grant) = plane.waiting(&["orders/read"]).await;
    plane.approve(&admin(), approval(&grant)).await.unwrap();
    let request = new_client("Own", "partners", &["orders/read"]);
    let grant = plane.create(&admin(), request).await.unwrap().grants.remove(0);
    assert_eq!(code(plane.approve(&admin(), approval(&grant)).await), "NOT_ALLOWED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_says_why() {
    let plane = Plane::new().await;
    let (id, grant) = plane.waiting(&["orders/read"]).await;
    let mute = pb::DenyGrantRequest { note: String::new(), ..denial(&grant) };
    assert_eq!(violations(plane.deny(&owner(), mute).await), pairs(&[("note", "REQUIRED")]));
    let asked = pb::DenyGrantRequest { validate_only: true, ..denial(&grant) };
    plane.deny(&owner(), asked).await.unwrap();
    assert_eq!(plane.grant(&grant.grant_id).await, grant);
    let denied = plane.deny(&owner(), denial(&grant)).await.unwrap().grant.unwrap();
    assert_eq!((denied.state(), &denied.decision_note[..]), (pb::GrantState::Denied, "too much"));
    assert!(denied.end_time.is_none());
    assert!(plane.kept(&id).await.grants.is_empty());
    let waiting = pb::ListGrantsRequest { waiting_for_me: true, ..Default::default() };
    assert!(plane.list_grants(&owner(), waiting).await.unwrap().grants.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_is_decided() {
    let plane = Plane::new().await;
    let (_, waiting) = plane.waiting(&["orders/read"]).await;
    let active = plane.approved(&waiting).await;
    assert_eq!(code(plane.approve(&owner(), approval(&waiting)).await), "STALE_ETAG");
    assert_eq!(code(plane.deny(&owner(), denial(&waiting)).await), "STALE_ETAG");
    assert_eq!(blockers(plane.approve(&owner(), approval(&active)).await)[0].kind, "NOT_PENDING");
    assert_eq!(blockers(plane.deny(&owner(), denial(&active)).await)[0].kind, "NOT_PENDING");

    let ended = plane.revoke(&owner(), revocation(&active)).await.unwrap().grant.unwrap();
    assert_eq!(code(plane.revoke(&owner(), revocation(&active)).await), "STALE_ETAG");
    assert_eq!(blockers(plane.revoke(&owner(), revocation(&ended)).await)[0].kind, "ALREADY_ENDED");
    assert_eq!(blockers(plane.approve(&owner(), approval(&ended)).await)[0].kind, "NOT_PENDING");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_decisions_at_once_one_counts() {
    let plane = Plane::new().await;
    for _ in 0..5 {
        let (id, grant) = plane.waiting(&["orders/read"]).await;
        let (otto, olga) = (owner(), person("olga", &["orders"], &[]));
        let (one, two) =
            tokio::join!(plane.approve(&otto, approval(&grant)), plane.deny(&olga, denial(&grant)));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let holds = !plane.client(&id).await.scopes.is_empty();
        assert_eq!(holds, one.is_ok());
        let refused = one.err().or(two.err()).unwrap();
        assert_eq!(refused.code().as_str(), "STALE_ETAG");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_reached_its_end_is_over_before_anyone_writes_it_down() {
    let plane = Plane::new().await;
    let id = plane.shop(&[]).await.client.unwrap().client_id;
    let expire_time = Some(prost_types::Timestamp { seconds: 1_800_000_060, nanos: 0 });
    let request = |scope| pb::RequestGrantRequest { expire_time, ..ask(&id, "orders", &[scope]) };
    let waits = plane.request(&partner(), request("orders/read")).await.unwrap().grant.unwrap();
    let active = plane.request(&partner(), request("orders/write")).await.unwrap().grant.unwrap();
    let active = plane.approved(&active).await;
    assert_eq!(plane.client(&id).await.scopes, ["orders/write"]);
    plane.clock.advance(Duration::from_secs(60));

    assert!(plane.client(&id).await.scopes.is_empty());
    for grant in [&waits, &active] {
        let shown = plane.grant(&grant.grant_id).await;
        assert_eq!(shown.state(), pb::GrantState::Expired);
        assert_eq!((shown.end_time, shown.etag), (expire_time, grant.etag.clone()));
        let ended = blockers(plane.revoke(&owner(), revocation(grant)).await);
        assert_eq!(ended[0].kind, "ALREADY_ENDED");
    }
    assert_eq!(blockers(plane.approve(&owner(), approval(&waits)).await)[0].kind, "NOT_PENDING");
    assert_eq!(blockers(plane.deny(&owner(), denial(&waits)).await)[0].kind, "NOT_PENDING");
    let list =
        |state: pb::GrantState| pb::ListGrantsRequest { state: state.into(), ..Default::default() };
    let expired = plane.list_grants(&owner(), list(pb::GrantState::Expired)).await.unwrap();
    assert_eq!(expired.grants.len(), 2);
    let active = plane.list_grants(&owner(), list(pb::GrantState::Active)).await.unwrap();
    assert!(active.grants.is_empty());
    let waiting = pb::ListGrantsRequest { waiting_for_me: true, ..Default::default() };
    assert!(plane.list_grants(&owner(), waiting).await.unwrap().grants.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn approving_too_much_is_refused() {
    let plane = Plane::new().await;
    let names: Vec<String> = (0..50).map(|n| format!("s{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    plane.server("many", "partners", &names).await;
    // The request fits when it is made, and no longer when it is decided.
    let (id, waits) = plane.waiting(&["orders/read"]).await;
    let scopes: Vec<String> = names.iter().map(|name| format!("many/{name}")).collect();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    plane.request(&partner(), ask(&id, "many", &scopes)).await.unwrap();
    let over = blockers(plane.approve(&owner(), approval(&waits)).await);
    assert_eq!((over.len(), over[0].kind), (1, "TOO_MANY_SCOPES"));
    assert_eq!(plane.grant(&waits.grant_id).await, waits);
}

#[tokio::test(flavor = "multi_thread")]
async fn either_side_ends_a_grant() {
    let plane = Plane::new().await;
    let writes = program("partners", &[ApiScope::RegistryWrite]);
    for who in [owner(), partner(), admin(), writes] {
        let (id, grant) = plane.active(&["orders/read"]).await;
        plane.clock.advance(Duration::from_secs(1));
        let asked = pb::RevokeGrantRequest { validate_only: true, ..revocation(&grant) };
        let asked = plane.revoke(&who, asked).await.unwrap();
        assert_eq!(kinds(asked.impact), [EffectKind::GrantEnds]);
        assert_eq!(plane.grant(&grant.grant_id).await, grant);
        let revoked = plane.revoke(&who, revocation(&grant)).await.unwrap();
        assert_eq!(kinds(revoked.impact), [EffectKind::GrantEnds]);
        let revoked = revoked.grant.unwrap();
        assert_eq!(revoked.state(), pb::GrantState::Revoked);
        assert_eq!(revoked.end_reason, "no longer used");
        let now = plane.registry.now();
        let kept = plane.kept(&id).await;
        assert!(!kept.scope_lives("orders/read", now.seconds(), now.plus_seconds(1)));
    }
    let (_, grant) = plane.active(&["orders/read"]).await;
    assert_eq!(code(plane.revoke(&stranger(), revocation(&grant)).await), "NOT_FOUND");
    assert_eq!(code(plane.revoke(&auditor(), revocation(&grant)).await), "NOT_ALLOWED");
    let mute = pb::RevokeGrantRequest { reason: String::new(), ..revocation(&grant) };
    assert_eq!(violations(plane.revoke(&owner(), mute).await), pairs(&[("reason", "REQUIRED")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_withdrawn() {
    let plane = Plane::new().await;
    let (id, grant) = plane.waiting(&["orders/read"]).await;
    let withdrawn = plane.revoke(&partner(), revocation(&grant)).await.unwrap();
    assert_eq!(kinds(withdrawn.impact), [EffectKind::GrantRequestEnds]);
    assert_eq!(withdrawn.grant.unwrap().state(), pb::GrantState::Revoked);
    assert!(plane.kept(&id).await.grants.is_empty());
    // It may be asked again.
    plane.request(&partner(), ask(&id, "orders", &["orders/read"])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_lives_while_another_grant_holds_it() {
    let plane = Plane::new().await;
    let (id, first) = plane.active(&["orders/read"]).await;
    let second = plane.request(&partner(), ask(&id, "orders", &["orders/read"])).await.unwrap();
    plane.approved(&second.grant.unwrap()).await;
    plane.clock.advance(Duration::from_secs(5));
    plane.revoke(&owner(), revocation(&first)).await.unwrap();
    let now = plane.registry.now();
    assert_eq!(plane.client(&id).await.scopes, ["orders/read"]);
    assert!(plane.kept(&id).await.scope_lives("orders/read", now.seconds() - 3, now));
}
