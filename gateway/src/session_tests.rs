use std::collections::BTreeSet;

use super::*;
use crate::fakes::{FakeClock, FakeEntropy};
use crate::seal::SealKey;

const HOUR: i64 = 3600;

fn persona(id: &str) -> Persona {
    Persona {
        id: id.to_owned(),
        display_name: id.to_uppercase(),
        teams: BTreeSet::new(),
        roles: BTreeSet::new(),
    }
}

fn sessions(personas: &[Persona]) -> (Sessions, Arc<FakeClock>) {
    let clock = Arc::new(FakeClock::at(1_800_000_000));
    let sessions = Sessions::new(
        &Origin::parse("http://127.0.0.1:8080").unwrap(),
        SessionSettings::default(),
        personas,
        SealKeys::new(&[SealKey::new([1; 32])]).unwrap(),
        clock.clone(),
        Arc::new(FakeEntropy::default()),
    );
    (sessions, clock)
}

fn value(cookie: &HeaderValue) -> String {
    let text = cookie.to_str().unwrap();
    text.split(';').next().unwrap().split_once('=').unwrap().1.to_owned()
}

#[test]
fn the_cookie_is_as_strict_as_lax_allows() {
    let (sessions, _) = sessions(&[persona("olga")]);
    let cookie = sessions.begin(&persona("olga")).unwrap();
    let text = cookie.to_str().unwrap();
    assert!(text.starts_with("__Host-turnpike-8080="), "{text}");
    assert!(text.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=7200"), "{text}");
    assert!(cookie.is_sensitive() && !text.contains("olga"));
    assert_eq!(sessions.open(&value(&cookie)).unwrap().staff.display_name, "OLGA");
}

#[test]
fn a_session_ends_after_two_idle_hours() {
    let (sessions, clock) = sessions(&[persona("olga")]);
    let cookie = value(&sessions.begin(&persona("olga")).unwrap());
    clock.advance(2 * HOUR - 1);
    assert!(sessions.open(&cookie).is_some());
    clock.advance(1);
    assert!(sessions.open(&cookie).is_none());
}

#[test]
fn a_used_session_lives_on_but_not_for_ever() {
    let (sessions, clock) = sessions(&[persona("olga")]);
    let mut cookie = value(&sessions.begin(&persona("olga")).unwrap());
    assert!(sessions.open(&cookie).unwrap().renewed.is_none(), "fresh enough");
    for _ in 0..11 {
        clock.advance(HOUR);
        cookie = value(&sessions.open(&cookie).unwrap().renewed.unwrap());
    }
    clock.advance(HOUR - 1);
    assert!(sessions.open(&cookie).is_some());
    clock.advance(1);
    assert!(sessions.open(&cookie).is_none(), "twelve hours are the end");
}

#[test]
fn an_ended_session_stays_ended_also_where_it_was_renewed() {
    let (sessions, clock) = sessions(&[persona("olga")]);
    let cookie = value(&sessions.begin(&persona("olga")).unwrap());
    clock.advance(HOUR);
    let session = sessions.open(&cookie).unwrap();
    let renewed = value(session.renewed.as_ref().unwrap());
    sessions.end(&session);
    assert!(sessions.open(&cookie).is_none() && sessions.open(&renewed).is_none());
    let other = value(&sessions.begin(&persona("olga")).unwrap());
    assert!(sessions.open(&other).is_some(), "only that one");
}

#[test]
fn who_is_gone_has_no_session() {
    let (sessions, _) = sessions(&[persona("olga")]);
    let cookie = value(&sessions.begin(&persona("petra")).unwrap());
    assert!(sessions.open(&cookie).is_none());
}

#[test]
fn cookies_are_found_among_others() {
    let (sessions, _) = sessions(&[]);
    let found = |values: &[&str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(COOKIE, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        match sessions.cookie_in(&headers) {
            Cookie::Absent => "absent".to_owned(),
            Cookie::One(value) => value.to_owned(),
            Cookie::Several => "several".to_owned(),
        }
    };
    assert_eq!(found(&[]), "absent");
    assert_eq!(found(&["a=b; __Host-turnpike-8081=x"]), "absent");
    assert_eq!(found(&["a=b;__Host-turnpike-8080=x=y ; c"]), "x=y");
    assert_eq!(found(&["a=b", "__Host-turnpike-8080=x"]), "x");
    assert_eq!(found(&["a=größer; __Host-turnpike-8080=x; ü; =; ;"]), "x");
    assert_eq!(found(&["__Host-turnpike-8080=x; __Host-turnpike-8080=y"]), "several");
    assert_eq!(found(&["__Host-turnpike-8080=x", "__Host-turnpike-8080=x"]), "several");
}
