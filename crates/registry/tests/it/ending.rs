//! Grants that lose scopes in one change, or in as many as it takes.

use turnpike_domain::Scope;
use turnpike_domain::error::ErrorCode;
use turnpike_domain::grant::GrantState;
use turnpike_domain::impact::EffectKind;
use turnpike_registry::Affected;

use crate::plane::{Plane, change, identifier};

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_shrinks_or_ends_with_its_scopes() {
    let plane = Plane::new().await;
    plane.server("api", "orders", &["read", "write"]).await;
    let id = plane.client("Shop", "partners").await;
    let both = plane.grant(&id, &["api/read", "api/write"], GrantState::Active, None).await;
    let waits = plane.grant(&id, &["api/write"], GrantState::Pending, None).await;
    let other = plane.grant(&id, &["api/read"], GrantState::Active, None).await;
    let live = plane.registry.live_grants(&identifier("api")).await.unwrap();
    assert_eq!(live.len(), 3);
    let goes = |scope: &Scope| scope.as_str() == "api/write";
    let affected = plane.registry.affected(live, goes).await.unwrap();
    let mut kinds: Vec<_> = affected.iter().map(|a| a.effect.kind).collect();
    kinds.sort_by_key(|kind| format!("{kind:?}"));
    assert_eq!(kinds, [EffectKind::GrantRequestEnds, EffectKind::GrantShrinks]);
    let refused = Affected::check_force(false, &affected).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Precondition);
    assert!(Affected::check_force(true, &affected).is_ok());
    assert!(Affected::check_force(false, &[]).is_ok());

    let now = plane.registry.now();
    let mut change = change();
    let ended = plane.registry.end_grants(&mut change, &affected, "gone", now).await.unwrap();
    assert_eq!((ended.count, ended.clients.len()), (2, 1));
    for client in ended.clients.values() {
        change.put_client(client).unwrap();
    }
    plane.registry.commit(change).await.unwrap();
    let shrunk = plane.grant_now(&both).await;
    assert_eq!((shrunk.state, shrunk.scopes.len()), (GrantState::Active, 1));
    let withdrawn = plane.grant_now(&waits).await;
    assert_eq!(withdrawn.state, GrantState::Revoked);
    assert_eq!(withdrawn.end.unwrap().reason, "gone");
    assert_eq!(plane.grant_now(&other).await.scopes.len(), 1);
    let client = plane.client_now(&id).await;
    assert!(client.holds("api/read", now) && !client.holds("api/write", now));
    assert!(!client.scope_lives("api/write", now.seconds(), now.plus_seconds(1)));
    plane.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_change_takes_as_many_as_fit() {
    let plane = Plane::new().await;
    plane.server("api", "orders", &["read"]).await;
    for n in 0..40 {
        let id = plane.client(&format!("Shop {n}"), "partners").await;
        plane.grant(&id, &["api/read"], GrantState::Active, None).await;
    }
    let now = plane.registry.now();
    let (mut left, mut changes) = (40, 0);
    while left > 0 {
        let live = plane.registry.live_grants(&identifier("api")).await.unwrap();
        assert_eq!(live.len(), left);
        let affected = plane.registry.affected(live, |_| true).await.unwrap();
        let mut change = change();
        let ended = plane.registry.end_grants(&mut change, &affected, "gone", now).await.unwrap();
        assert!(ended.count > 0);
        for client in ended.clients.values() {
            change.put_client(client).unwrap();
        }
        assert!(change.size() <= 90, "{}", change.size());
        plane.registry.commit(change).await.unwrap();
        left -= ended.count;
        changes += 1;
    }
    assert!(changes > 1);
    plane.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_has_reached_its_end_is_not_affected() {
    let plane = Plane::new().await;
    plane.server("api", "orders", &["read"]).await;
    let id = plane.client("Shop", "partners").await;
    let end = plane.registry.now().plus_seconds(60);
    plane.grant(&id, &["api/read"], GrantState::Active, Some(end)).await;
    let live = plane.registry.live_grants(&identifier("api")).await.unwrap();
    assert_eq!(plane.registry.affected(live.clone(), |_| true).await.unwrap().len(), 1);
    plane.clock.set(end);
    assert!(plane.registry.affected(live, |_| true).await.unwrap().is_empty());
}
