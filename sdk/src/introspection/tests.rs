use super::*;
use crate::scope::ScopeList;

fn claims() -> Arc<Claims> {
    Arc::new(Claims {
        auth_time: None,
        client_id: "client".into(),
        expires_at: 3600,
        issued_at: 0,
        issuer: "issuer".into(),
        jti: "jti".into(),
        key_id: "key".into(),
        not_before: None,
        scopes: ScopeList::parse("api/a api/b").expect("scopes"),
    })
}

fn hash(i: usize) -> TokenHash {
    let mut hash = TokenHash::default();
    hash[..8].copy_from_slice(&i.to_be_bytes());
    hash
}

fn said(status: u16, body: &str) -> Result<Said, String> {
    let status = StatusCode::from_u16(status).expect("a status");
    let answer = fetch::Answer { status, body: body.to_owned().into(), retry_after: None };
    read(&answer, &claims()).map_err(|error| error.to_string())
}

#[test]
fn answers_are_read_strictly() {
    let active = |scopes: &str| {
        let scopes: Vec<_> = scopes.split(' ').collect();
        Ok(Said::Active(claims().scopes.filter(|held| scopes.contains(&held))))
    };
    for (body, expected) in [
        (r#"{"active":false}"#, Ok(Said::Inactive)),
        (r#"{"active":false,"scope":"api/a"}"#, Ok(Said::Inactive)),
        (r#"{"active":true,"scope":"api/a api/b"}"#, active("api/a api/b")),
        (r#"{"scope":"api/b","active":true,"aud":["x"]}"#, active("api/b")),
        // Not the token's: a scope is held only because its issuer signed it.
        (r#"{"active":true,"scope":"api/b api/c api"}"#, active("api/b")),
        (r#"{"active":true,"scope":""}"#, active("none")),
        (r#"{"active":true,"scope":"api/a","client_id":"client","jti":"jti"}"#, active("api/a")),
    ] {
        assert_eq!(said(200, body), expected, "{body}");
    }
    for body in [
        "",
        "active",
        "[]",
        "{}",
        r#"{"active":"true","scope":"api/a"}"#,
        r#"{"active":1,"scope":"api/a"}"#,
        r#"{"active":null,"scope":"api/a"}"#,
        r#"{"Active":true,"scope":"api/a"}"#,
        r#"{"active":false,"active":true,"scope":"api/a"}"#,
        r#"{"active":true}"#,
        r#"{"active":true,"scope":["api/a"]}"#,
        r#"{"active":true,"scope":"api/a","client_id":"another"}"#,
        r#"{"active":true,"scope":"api/a","jti":7}"#,
        r#"{"active":true,"scope":"api/a"} {}"#,
    ] {
        assert_eq!(said(200, body), Err(Error::BadAnswer.to_string()), "{body}");
    }
    let good = r#"{"active":true,"scope":"api/a"}"#;
    assert_eq!(said(401, good), Err(Error::NotAccepted.to_string()));
    for status in [201, 204, 302, 400, 403, 404, 500, 503] {
        assert_eq!(said(status, good), Err(Error::Status(status).to_string()));
    }
}

#[test]
fn what_is_kept_is_bounded() {
    let mut known = Known { max_entries: 10, ..Known::default() };
    let until = Instant::now() + Duration::from_secs(3600);
    for i in 0..1000 {
        known.put(hash(i), Entry { state: State::Said(Said::Inactive), until });
        assert!(known.young.len() <= 10 && known.old.len() <= 10);
        // The newest ten are always there.
        assert!((i.saturating_sub(9)..=i).all(|i| known.get(&hash(i)).is_some()));
    }
    assert!(known.get(&hash(0)).is_none());
    // One that is there already takes no room.
    let (young, old) = (known.young.len(), known.old.len());
    known.put(hash(999), Entry { state: State::Said(Said::Inactive), until });
    assert_eq!((known.young.len(), known.old.len()), (young, old));
}

#[test]
fn an_answer_lands_on_its_own_question_only() {
    let now = Instant::now();
    let (early, late) = (now + Duration::from_secs(10), now + Duration::from_secs(20));
    let asking = |until| {
        let (sender, waiting) = watch::channel(None);
        (sender, Entry { state: State::Asking(waiting), until })
    };
    let mut known = Known { max_entries: 10, ..Known::default() };

    let (_first, entry) = asking(early);
    known.put(hash(1), entry);
    let (second, entry) = asking(late);
    known.put(hash(1), entry);
    known.land(&hash(1), Said::Inactive, early);
    assert!(matches!(known.get(&hash(1)).expect("an entry").state, State::Asking(_)));
    known.land(&hash(1), Said::Inactive, late);
    assert!(matches!(known.get(&hash(1)).expect("an entry").state, State::Said(Said::Inactive)));
    assert!(known.get(&hash(1)).is_some_and(|entry| entry.holds(now)));
    assert!(!known.get(&hash(1)).is_some_and(|entry| entry.holds(late)));
    drop(second);

    // A failure is not kept, nor is a question whose runtime has ended.
    let (sender, entry) = asking(late);
    known.put(hash(2), entry);
    assert!(known.get(&hash(2)).is_some_and(|entry| entry.holds(now)));
    drop(sender);
    assert!(!known.get(&hash(2)).is_some_and(|entry| entry.holds(now)));
    known.land(&hash(2), Said::Nothing, late);
    assert!(known.get(&hash(2)).is_none());
    known.land(&hash(3), Said::Inactive, late);
    assert!(known.get(&hash(3)).is_none());
}

#[test]
fn without_a_runtime_it_says_so() {
    let introspection = Introspection::builder("http://127.0.0.1:9/", "api", "secret").build();
    let introspection = introspection.expect("an introspection");
    let asks = introspection.clone();
    let mut future = Box::pin(async move { asks.ask("token", &claims(), 0).await });
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let answer = future.as_mut().poll(&mut context);
    assert_eq!(answer, std::task::Poll::Ready(Err(Refusal::IntrospectionUnavailable)));
    assert!(matches!(introspection.last_error(), Some(Error::Interrupted)));
}
