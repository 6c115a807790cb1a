//! Sessions: kept, changed by one at a time, found again, forgotten.

use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::session::{
    DirectoryEntry, EndReason, Groups, Session, SessionId, SessionState, SignIn,
};
use turnpike_domain::team::{AppRole, DirectoryGroup};
use turnpike_domain::{Principal, PrincipalKind, Timestamp};
use turnpike_registry::{Registry, Versioned};

use crate::plane::{Plane, change};

fn session(registry: &Registry, secret: &str, person: &str) -> Session {
    let now = registry.now();
    Session {
        session_id: SessionId::of(secret.as_bytes()),
        person: Principal {
            kind: PrincipalKind::Staff,
            id: person.to_owned(),
            display_name: "Anna".to_owned(),
        },
        sign_in: SignIn::Directory(Box::new(DirectoryEntry {
            issuer: "https://login.example".to_owned(),
            subject: "s".to_owned(),
            groups: Groups::Known(vec![DirectoryGroup::parse("g 1").unwrap()]),
            app_roles: vec![AppRole::parse("Team.Orders").unwrap()],
            login_id: Some("sid-1".to_owned()),
            login_hint: None,
            read_time: now,
            claimed_until: Timestamp::from_millis(0),
        })),
        create_time: now,
        expire_time: now.plus_seconds(3600),
        seen_time: now,
        idle_seconds: 600,
        end: None,
    }
}

#[tokio::test]
async fn a_session_is_kept_with_its_tokens_and_seen_by_all() {
    let plane = Plane::new().await;
    let other = plane.replica(2).await;
    let one = session(&plane.registry, "a", "anna");
    let mut two = session(&plane.registry, "b", "anna");
    two.sign_in = SignIn::Link;
    plane.registry.begin_session(&one, Some("sealed")).await.unwrap();
    plane.registry.begin_session(&two, None).await.unwrap();
    assert_eq!(other.session(&one.session_id).await.unwrap().unwrap().value, one);
    assert_eq!(other.session(&two.session_id).await.unwrap().unwrap().value, two);
    assert!(other.session(&SessionId::of(b"c")).await.unwrap().is_none());
    let tokens = other.session_tokens(&one.session_id).await.unwrap();
    assert_eq!(tokens.as_deref(), Some("sealed"));
    assert_eq!(other.session_tokens(&two.session_id).await.unwrap(), None);
    assert!(plane.registry.begin_session(&one, None).await.is_err(), "its key is taken");
    assert_eq!(plane.registry.head().await.unwrap().sequence, 0, "nothing is in the log");
}

#[tokio::test]
async fn of_two_changes_at_once_one_is_made() {
    let plane = Plane::new().await;
    let other = plane.replica(2).await;
    let id = SessionId::of(b"a");
    plane.registry.begin_session(&session(&plane.registry, "a", "anna"), None).await.unwrap();
    let mut seen = plane.registry.session(&id).await.unwrap().unwrap();
    let mut ended = other.session(&id).await.unwrap().unwrap();
    let now = plane.registry.now();
    assert!(ended.value.end(now, EndReason::SignedOut));
    assert!(other.put_session(&ended, None).await.unwrap());
    seen.value.seen_time = now.plus_seconds(60);
    assert!(!plane.registry.put_session(&seen, None).await.unwrap(), "the end stands");
    let kept = plane.registry.session(&id).await.unwrap().unwrap().value;
    assert_eq!(kept.state_at(now), SessionState::Ended(EndReason::SignedOut));
}

#[tokio::test]
async fn sessions_are_found_by_person_and_by_login() {
    let plane = Plane::new().await;
    let registry = &plane.registry;
    for (secret, person) in [("a", "anna"), ("b", "ann"), ("c", "anna")] {
        registry.begin_session(&session(registry, secret, person), None).await.unwrap();
        plane.clock.advance(std::time::Duration::from_secs(1));
    }
    let of = async |person: &str| {
        let first = registry.list_sessions(person, 1, None).await.unwrap();
        let mut ids: Vec<_> = first.items.into_iter().map(|s| s.value.session_id).collect();
        if first.next.is_some() {
            let rest = registry.list_sessions(person, 10, first.next).await.unwrap().items;
            ids.extend(rest.into_iter().map(|s| s.value.session_id));
        }
        ids
    };
    let id = |secret: &str| SessionId::of(secret.as_bytes());
    assert_eq!(of("anna").await, [id("a"), id("c")]);
    assert_eq!(of("ann").await, [id("b")]);
    assert!(of("an").await.is_empty());

    let login = async |issuer, name| registry.sessions_of_login(issuer, name).await.unwrap();
    assert_eq!(login("https://login.example", "sid-1").await.len(), 3);
    assert!(login("https://other.example", "sid-1").await.is_empty());
    assert!(login("https://login.example", "sid-2").await.is_empty());
    let mut ended = registry.session(&id("a")).await.unwrap().unwrap();
    ended.value.end(registry.now(), EndReason::SignedOut);
    assert!(registry.put_session(&ended, None).await.unwrap());
    assert_eq!(login("https://login.example", "sid-1").await.len(), 2);
}

#[tokio::test]
async fn an_end_from_elsewhere_is_in_the_log_and_takes_the_tokens() {
    let plane = Plane::new().await;
    let one = session(&plane.registry, "a", "anna");
    plane.registry.begin_session(&one, Some("sealed")).await.unwrap();
    let mut ended = plane.registry.session(&one.session_id).await.unwrap().unwrap();
    ended.value.end(plane.registry.now(), EndReason::Ended);
    let mut end = change();
    end.end_session(&ended).unwrap();
    let became = Became::Other(&one, &ended.value);
    end.event(EventDraft::of_session(EventAction::SessionEnded, became));
    plane.registry.commit(end).await.unwrap();
    let kept = plane.registry.session(&one.session_id).await.unwrap().unwrap();
    assert_eq!(kept, Versioned { version: 2, ..ended });
    assert_eq!(plane.registry.session_tokens(&one.session_id).await.unwrap(), None);
    assert_eq!(plane.verify().await, 1);
}

#[tokio::test]
async fn what_is_over_is_forgotten() {
    let plane = Plane::new().await;
    let one = session(&plane.registry, "a", "anna");
    plane.registry.begin_session(&one, Some("sealed")).await.unwrap();
    assert!(plane.registry.use_once("state", "x", 600).await.unwrap());
    assert!(!plane.registry.use_once("state", "x", 600).await.unwrap());
    assert!(plane.registry.use_once("other", "x", 600).await.unwrap());
    assert_eq!(plane.registry.sweep().await.unwrap(), 0);
    plane.clock.advance(std::time::Duration::from_secs(601));
    assert_eq!(plane.registry.sweep().await.unwrap(), 2);
    assert!(plane.registry.use_once("state", "x", 600).await.unwrap(), "long ago");
    plane.clock.advance(std::time::Duration::from_secs(3000));
    assert_eq!(plane.registry.sweep().await.unwrap(), 4);
    assert!(plane.registry.session(&one.session_id).await.unwrap().is_none());
    assert_eq!(plane.registry.session_tokens(&one.session_id).await.unwrap(), None);
    assert!(
        plane
            .registry
            .sessions_of_login("https://login.example", "sid-1")
            .await
            .unwrap()
            .is_empty()
    );
}
