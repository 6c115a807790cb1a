use turnpike_domain::actor::{Actor, ApiScope};
use turnpike_domain::session::{EndReason, Session, SessionId, SessionState, SignIn};
use turnpike_proto::v1 as pb;

use super::plane::*;

/// Begins a session of a person; its key.
async fn begin(plane: &Plane, who: &Actor, secret: &str) -> String {
    let now = plane.registry.now();
    let session = Session {
        session_id: SessionId::of(secret.as_bytes()),
        person: who.principal(),
        sign_in: SignIn::Link,
        create_time: now,
        expire_time: now.plus_seconds(3600),
        seen_time: now,
        idle_seconds: 1800,
        end: None,
    };
    plane.registry.begin_session(&session, None).await.unwrap();
    session.session_id.to_string()
}

fn of(person: &str) -> pb::ListSessionsRequest {
    pb::ListSessionsRequest { person_id: person.to_owned(), ..Default::default() }
}

fn ending(id: &str) -> pb::EndSessionRequest {
    pb::EndSessionRequest { session_id: id.to_owned(), validate_only: false }
}

#[tokio::test]
async fn people_see_their_own_and_those_who_see_all_see_all() {
    let plane = Plane::new().await;
    let first = begin(&plane, &member(), "1").await;
    plane.advance(60);
    let second = begin(&plane, &member(), "2").await;
    let others = begin(&plane, &admin(), "3").await;
    let ids = async |who: &Actor, person: &str| {
        let listed = plane.list_sessions(who, of(person)).await.unwrap().sessions;
        listed.into_iter().map(|session| session.session_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&member(), "").await, [first.clone(), second.clone()]);
    assert_eq!(ids(&member(), "otto").await, [first.clone(), second.clone()]);
    assert_eq!(ids(&admin(), "").await, [others]);
    for who in [admin(), auditor()] {
        assert_eq!(ids(&who, "otto").await, [first.clone(), second.clone()]);
    }
    assert_eq!(code(plane.list_sessions(&member(), of("root")).await), "NOT_FOUND");
    // A program whose id is a person's is no person.
    let robot = program(&ApiScope::ALL);
    assert!(plane.list_sessions(&robot, of("")).await.unwrap().sessions.is_empty());
    assert_eq!(code(plane.list_sessions(&robot, of("robot")).await), "NOT_FOUND");
    let page = pb::ListSessionsRequest { page_size: 1, ..of("") };
    let page = plane.list_sessions(&member(), page).await.unwrap();
    assert!(page.sessions.len() == 1 && !page.next_page_token.is_empty());
}

#[tokio::test]
async fn whoever_signed_in_and_admins_end_a_session_once() {
    let plane = Plane::new().await;
    for (n, who) in [member(), admin()].into_iter().enumerate() {
        let id = begin(&plane, &member(), &format!("{n}")).await;
        let asked = pb::EndSessionRequest { validate_only: true, ..ending(&id) };
        let would = plane.end_session(&who, asked).await.unwrap().session.unwrap();
        assert_eq!(would.state(), pb::SessionState::Ended);
        let kept = SessionId::parse(&id).unwrap();
        let now = async || plane.registry.session(&kept).await.unwrap().unwrap().value;
        assert_eq!(now().await.state_at(plane.registry.now()), SessionState::Live);
        for _ in 0..2 {
            let ended = plane.end_session(&who, ending(&id)).await.unwrap().session.unwrap();
            assert_eq!(ended.state(), pb::SessionState::Ended);
        }
        let state = now().await.state_at(plane.registry.now());
        assert_eq!(state, SessionState::Ended(EndReason::Ended));
    }
    let events = plane.events().await;
    assert_eq!(events.len(), 2, "one each");
    assert!(events.iter().all(|event| event.action == "session.ended"));
    assert!(events[0].subject.starts_with("sessions/") && events[0].team.is_empty());
}

#[tokio::test]
async fn others_are_refused_each_in_their_way() {
    let plane = Plane::new().await;
    let id = begin(&plane, &member(), "1").await;
    let stranger = person("sam", &["orders"], &[]);
    assert_eq!(code(plane.end_session(&stranger, ending(&id)).await), "NOT_FOUND");
    assert_eq!(code(plane.end_session(&program(&ApiScope::ALL), ending(&id)).await), "NOT_FOUND");
    assert_eq!(code(plane.end_session(&auditor(), ending(&id)).await), "NOT_ALLOWED");
    let absent = "0".repeat(64);
    assert_eq!(code(plane.end_session(&admin(), ending(&absent)).await), "NOT_FOUND");
    let wrong = violations(plane.end_session(&admin(), ending("x")).await);
    assert_eq!(wrong, [("session_id".to_owned(), "MALFORMED".to_owned())]);
    plane.advance(1800);
    let over = plane.end_session(&member(), ending(&id)).await.unwrap().session.unwrap();
    assert_eq!(over.state(), pb::SessionState::Expired, "it had ended by itself");
    assert!(plane.events().await.is_empty());
}
