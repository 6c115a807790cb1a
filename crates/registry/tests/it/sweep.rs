//! What time does.

use std::time::Duration;

use turnpike_domain::Timestamp;
use turnpike_domain::grant::GrantState;
use turnpike_domain::id::TokenId;
use turnpike_registry::store::{Query, Source, Store as _};

use crate::plane::{Plane, change, identifier};

#[tokio::test(flavor = "multi_thread")]
async fn grants_end_at_their_time_and_not_before() {
    let plane = Plane::new().await;
    plane.server("api", "orders", &["read", "write"]).await;
    let id = plane.client("Shop", "partners").await;
    let end = plane.registry.now().plus_seconds(60);
    let active = plane.grant(&id, &["api/read"], GrantState::Active, Some(end)).await;
    let waits = plane.grant(&id, &["api/write"], GrantState::Pending, Some(end)).await;
    let stays = plane.grant(&id, &["api/write"], GrantState::Active, None).await;

    plane.clock.set(end.plus_millis(-1));
    assert_eq!(plane.registry.sweep().await.unwrap(), 0);
    assert_eq!(plane.grant_now(&active).await.state, GrantState::Active);

    plane.clock.set(end);
    let held = plane.client_now(&id).await;
    assert!(!held.holds("api/read", end), "it counts before it is swept");
    assert_eq!(plane.registry.sweep().await.unwrap(), 2);
    for grant in [&active, &waits] {
        let grant = plane.grant_now(grant).await;
        assert_eq!(grant.state, GrantState::Expired);
        assert_eq!(grant.end.unwrap().time, end);
    }
    assert_eq!(plane.grant_now(&stays).await.state, GrantState::Active);
    let client = plane.client_now(&id).await;
    assert_eq!(client.scopes_at(None).len(), 1);
    let live = plane.registry.live_grants(&identifier("api")).await.unwrap();
    assert_eq!(live.iter().map(|g| &g.value.grant_id).collect::<Vec<_>>(), [&stays]);

    let events = plane.verify().await;
    let last = plane.registry.event(events).await.unwrap().unwrap();
    assert_eq!((last.action.as_str(), last.actor.id.as_str()), ("grant.expired", "turnpike"));
    assert_eq!(plane.registry.sweep().await.unwrap(), 0);
    assert_eq!(plane.verify().await, events, "what has ended ends once");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_sweeps_at_once_end_a_grant_once() {
    let plane = Plane::new().await;
    plane.server("api", "orders", &["read"]).await;
    let mut grants = Vec::new();
    let end = plane.registry.now().plus_seconds(60);
    for n in 0..12 {
        let id = plane.client(&format!("Shop {n}"), "partners").await;
        grants.push(plane.grant(&id, &["api/read"], GrantState::Active, Some(end)).await);
    }
    let before = plane.verify().await;
    let other = plane.replica(2).await;
    plane.clock.set(end);
    let (one, two, three) =
        tokio::join!(plane.registry.sweep(), plane.registry.sweep(), other.sweep());
    for swept in [one, two, three] {
        swept.unwrap();
    }
    assert_eq!(plane.verify().await, before + 12);
    for grant in &grants {
        assert_eq!(plane.grant_now(grant).await.state, GrantState::Expired);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_forgotten_when_nobody_would_take_it() {
    let plane = Plane::new().await;
    let token = TokenId::parse("jti-1").unwrap();
    let end = plane.registry.now().plus_seconds(3600);
    let id = plane.client("Shop", "partners").await;
    let mut revocation = change();
    revocation.put_revoked_token(&token, &id, end);
    plane.registry.commit(revocation).await.unwrap();
    // A verifier may take a token for a minute after its end.
    plane.clock.set(end.plus_seconds(59));
    plane.registry.sweep().await.unwrap();
    assert_eq!(plane.registry.revoked_token(&token).await.unwrap(), Some(end));
    plane.clock.advance(Duration::from_secs(2));
    assert_eq!(plane.registry.sweep().await.unwrap(), 1);
    assert_eq!(plane.registry.revoked_token(&token).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_whose_grant_ended_otherwise_is_gone() {
    let plane = Plane::new().await;
    plane.server("api", "orders", &["read"]).await;
    let id = plane.client("Shop", "partners").await;
    let end = plane.registry.now().plus_seconds(60);
    let grant_id = plane.grant(&id, &["api/read"], GrantState::Active, Some(end)).await;
    let mut grant = plane.registry.grant(&grant_id).await.unwrap().unwrap();
    grant.value.revoke(Timestamp::from_seconds(1_800_000_001), "over".to_owned()).unwrap();
    let mut revocation = change();
    revocation.put_grant(&grant).unwrap();
    plane.registry.commit(revocation).await.unwrap();
    let timers = Query::new(Source::Table, "TIMER", 10);
    assert!(plane.store.query(&timers).await.unwrap().items.is_empty());
}
