//! Tokens for a client, from a token endpoint that behaves well or badly.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::post;
use turnpike_sdk::client::{AccessToken, AddressError, BuildError, Builder, Error, TokenSource};
use turnpike_sdk::test_util::ManualClock;

use crate::setup::{LIST, NOW, PLACE};

const SECRET: &str = "tp_a+b:c/d é";

/// A token endpoint that counts its tokens and remembers what it was asked.
#[derive(Clone)]
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Answers to the next requests: status, headers, body. Without one it gives a good token.
    answers: Arc<Mutex<VecDeque<Answer>>>,
    /// While locked, requests are not answered.
    gate: Arc<tokio::sync::Mutex<()>>,
}

struct Answer {
    status: u16,
    retry_after: &'static str,
    body: String,
}

#[derive(Clone, Debug)]
struct Asked {
    authorization: String,
    form: String,
    kind: String,
}

impl Server {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/oauth2/token", listener.local_addr().expect("bound"));
        let server =
            Self { address, asked: Arc::default(), answers: Arc::default(), gate: Arc::default() };
        let app = Router::new().route("/oauth2/token", post(answer)).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        server
    }

    fn next(&self, status: u16, retry_after: &'static str, body: impl Into<String>) {
        let answer = Answer { status, retry_after, body: body.into() };
        self.answers.lock().expect("no panic").push_back(answer);
    }

    fn count(&self) -> usize {
        self.asked.lock().expect("no panic").len()
    }

    fn last(&self) -> Asked {
        self.asked.lock().expect("no panic").last().expect("a request").clone()
    }

    fn source(&self) -> Builder {
        TokenSource::builder(&self.address, "partner+1", SECRET)
            .clock(Arc::new(ManualClock::new(NOW)))
    }
}

async fn answer(State(server): State<Server>, headers: HeaderMap, form: String) -> Response<Body> {
    let header = |name: &str| {
        headers.get(name).map(|value| value.to_str().expect("ASCII").to_owned()).unwrap_or_default()
    };
    let asked =
        Asked { authorization: header("authorization"), form, kind: header("content-type") };
    let count = {
        let mut all = server.asked.lock().expect("no panic");
        all.push(asked);
        all.len()
    };
    drop(server.gate.lock().await);
    let next = server.answers.lock().expect("no panic").pop_front();
    let usually = || Answer { status: 200, retry_after: "", body: good(count) };
    let Answer { status, retry_after, body } = next.unwrap_or_else(usually);
    let mut response = Response::builder().status(status);
    if !retry_after.is_empty() {
        response = response.header("retry-after", retry_after);
    }
    response.body(body.into()).expect("a response")
}

fn good(count: usize) -> String {
    format!(r#"{{"access_token":"token.{count}","expires_in":3600,"token_type":"Bearer"}}"#)
}

async fn until(mut happened: impl AsyncFnMut() -> bool) {
    while !happened().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_request_is_as_the_rfc_wants_it() {
    let server = Server::start().await;
    let source = server.source().scopes([PLACE, LIST, PLACE]).build().expect("a source");
    let token = source.token().await.expect("a token");
    assert_eq!(token.authorization(), "Bearer token.1");
    assert_eq!((token.expires_at(), token.scope()), (NOW + 3600, None));
    let asked = server.last();
    assert_eq!(asked.kind, "application/x-www-form-urlencoded");
    assert_eq!(
        asked.form,
        "grant_type=client_credentials&scope=lj-health-food%2Flist-orders+lj-health-food%2Fplace-order"
    );
    // Both are form-encoded before they are joined and coded (RFC 6749 section 2.3.1).
    use base64::Engine as _;
    let pair = asked.authorization.strip_prefix("Basic ").expect("Basic");
    let pair = base64::engine::general_purpose::STANDARD.decode(pair).expect("base64");
    assert_eq!(pair, b"partner%2B1:tp_a%2Bb%3Ac%2Fd+%C3%A9");
    assert!(!format!("{source:?} {token:?}").contains("token.1"));

    let all = server.source().build().expect("a source");
    all.token().await.expect("a token");
    assert_eq!(server.last().form, "grant_type=client_credentials");
}

#[tokio::test]
async fn a_token_is_kept_for_each_set_of_scopes() {
    let server = Server::start().await;
    let source = server.source().scopes([PLACE, LIST]).build().expect("a source");
    let both = source.token().await.expect("a token");
    for order in [[PLACE, LIST], [LIST, PLACE]] {
        assert_eq!(source.token_for(order).await.expect("a token"), both);
    }
    let one = source.token_for([PLACE]).await.expect("a token");
    assert_ne!(one, both);
    assert_eq!(source.clone().token_for([PLACE]).await.expect("a token"), one);
    assert_eq!(server.count(), 2);
    assert!(matches!(source.token_for(["a b"]).await, Err(Error::NotAScope)));
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn many_who_wait_share_one_request() {
    let server = Server::start().await;
    let source = server.source().build().expect("a source");
    let closed = server.gate.clone().lock_owned().await;
    let mut calls: Vec<_> = (0..50)
        .map(|_| {
            let source = source.clone();
            tokio::spawn(async move { source.token().await })
        })
        .collect();
    until(async || server.count() == 1).await;
    // One that does not wait to the end takes nothing from the others.
    calls.remove(0).abort();
    drop(closed);
    for call in calls {
        let token = call.await.expect("no panic").expect("a token");
        assert_eq!(token.as_str(), "token.1");
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn an_ageing_token_is_given_out_while_the_next_is_fetched() {
    let server = Server::start().await;
    let clock = Arc::new(ManualClock::new(NOW));
    let source = server.source().clock(clock.clone()).build().expect("a source");
    let value = async || source.token().await.expect("a token").as_str().to_owned();
    assert_eq!(value().await, "token.1");
    clock.set(NOW + 2400);
    assert_eq!(value().await, "token.1");
    assert_eq!(server.count(), 1, "two thirds of its life are not enough");

    // Past three quarters and the jitter on it. The server does not answer, and nobody waits.
    clock.set(NOW + 2980);
    let closed = server.gate.clone().lock_owned().await;
    for _ in 0..10 {
        assert_eq!(value().await, "token.1");
    }
    until(async || server.count() == 2).await;
    drop(closed);
    until(async || value().await == "token.2").await;
    assert_eq!(server.count(), 2);

    // A renewal that fails costs nothing while the token lives, and is not tried at every call.
    clock.set(NOW + 2980 + 2980);
    server.next(429, "3600", "");
    for _ in 0..10 {
        assert_eq!(value().await, "token.2");
    }
    // Whoever has no token left hears of it: now it has landed for certain, and again at the end,
    // where a request that was sent meanwhile would bring a token.
    for _ in 0..2 {
        clock.set(NOW + 9000);
        assert!(matches!(source.token().await, Err(Error::Throttled { .. })));
        clock.set(NOW + 2980 + 2980);
        for _ in 0..10 {
            assert_eq!(value().await, "token.2");
        }
    }
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn an_ended_token_is_not_given_out() {
    let server = Server::start().await;
    let clock = Arc::new(ManualClock::new(NOW));
    let source = server.source().clock(clock.clone()).build().expect("a source");
    assert_eq!(source.token().await.expect("a token").as_str(), "token.1");
    // Not in its last seconds either: it still has to travel.
    clock.set(NOW + 3600 - 30);
    assert_eq!(source.token().await.expect("a token").as_str(), "token.2");
}

#[tokio::test]
async fn failures_are_told_apart() {
    let body = |error: &str| format!(r#"{{"error":"{error}"}}"#);
    let says = |text: &str| format!(r#"{{"error":"invalid_client","error_description":"{text}"}}"#);
    for (status, retry_after, body, told, retryable) in [
        (400, "", body("invalid_scope"), "refused: invalid_scope", false),
        (401, "", body("invalid_client"), "refused: invalid_client", false),
        (400, "", body("<script>"), "refused: unknown", false),
        (400, "", says("it is disabled"), "refused: invalid_client: it is disabled", false),
        (400, "", says(&"x".repeat(301)), "refused: invalid_client", false),
        (400, "", says(r"a\nb"), "refused: invalid_client", false),
        (400, "", says(r"a\u001b[31mb"), "refused: invalid_client", false),
        (400, "", says("é"), "refused: invalid_client", false),
        (400, "", says(""), "refused: invalid_client", false),
        (403, "", "<html>".into(), "refused: unknown", false),
        (429, "7", String::new(), "is busy", true),
        (503, "", String::new(), "is busy", true),
        (500, "", String::new(), "answered with status 500", true),
        (404, "", String::new(), "answered with status 404", false),
        (302, "", good(1), "answered with status 302", false),
        (201, "", good(1), "answered with status 201", false),
        (200, "", String::new(), "is not understood", false),
        (200, "", "[]".into(), "is not understood", false),
        (200, "", good(1).replace("Bearer", "mac"), "is not understood", false),
        (200, "", good(1).replace("3600", "\"3600\""), "is not understood", false),
        (200, "", good(1).replace("3600", "0"), "is not understood", false),
        (200, "", good(1).replace("3600", "-1"), "is not understood", false),
        (200, "", good(1).replace("expires_in", "expires"), "is not understood", false),
        (200, "", good(1).replace("token.1", ""), "is not understood", false),
        (200, "", good(1).replace("token.1", r"a\r\nX-Evil: 1"), "is not understood", false),
        (200, "", good(1).replace('}', r#","access_token":"x"}"#), "is not understood", false),
        (200, "", " ".repeat(70_000), "is too large", true),
        (200, "", good(1).replace('}', r#","scope":"other"}"#), "asked for", false),
    ] {
        let server = Server::start().await;
        server.next(status, retry_after, body.clone());
        let source = server.source().scopes([PLACE]).build().expect("a source");
        let error = source.token().await.expect_err("no token");
        assert!(error.to_string().ends_with(told), "{status} {body}: {error}");
        assert_eq!(error.is_retryable(), retryable, "{error}");
        if retry_after == "7" {
            assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        }
    }
}

#[tokio::test]
async fn harmless_differences_are_accepted() {
    for (from, to) in [
        ("Bearer", "bearer"),
        ("Bearer", "BEARER"),
        ("}", r#","scope":"lj-health-food/place-order","refresh_token":null,"x":{"y":[1]}}"#),
        ("{", " {\n"),
    ] {
        let server = Server::start().await;
        server.next(200, "", good(1).replace(from, to));
        let source = server.source().scopes([PLACE]).build().expect("a source");
        let token = source.token().await.expect("a token");
        assert_eq!(token.as_str(), "token.1");
    }
}

#[tokio::test]
async fn after_the_pause_it_is_asked_again() {
    let server = Server::start().await;
    server.next(500, "", "");
    let source = server.source().build().expect("a source");
    assert!(source.token().await.is_err());
    until(async || source.token().await.is_ok()).await;
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let server = Server::start().await;
    server.next(429, "3600", "");
    let source = server.source().build().expect("a source");
    for _ in 0..5 {
        let error = source.token().await.expect_err("told to wait");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    }
    // Longer than the pause that a failure brings by itself.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(source.token().await.is_err());
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for() {
    let server = Server::start().await;
    let _closed = server.gate.clone().lock_owned().await;
    let source = server.source().timeout(Duration::from_millis(50)).build().expect("a source");
    assert!(matches!(source.token().await, Err(Error::Timeout)));

    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/", listener.local_addr().expect("bound"));
    drop(listener);
    let source = TokenSource::builder(address, "id", "secret").build().expect("a source");
    assert!(matches!(source.token().await, Err(Error::Transport(_))));
}

#[tokio::test]
async fn many_sets_of_scopes_do_not_pile_up() {
    let server = Server::start().await;
    let source = server.source().build().expect("a source");
    for i in 0..600 {
        source.token_for([format!("x/{i}")]).await.expect("a token");
    }
    let before = server.count();
    source.token_for(["x/599"]).await.expect("a token");
    assert_eq!(server.count(), before, "the newest is still there");
    source.token_for(["x/0"]).await.expect("a token");
    assert_eq!(server.count(), before + 1, "the oldest is not");
}

#[test]
fn settings_are_checked() {
    let build = |address: &str, id: &str, secret: &str| {
        TokenSource::builder(address, id, secret).build().map(|_| ())
    };
    let here = "http://127.0.0.1:1/";
    assert_eq!(build(here, "id", "secret"), Ok(()));
    assert_eq!(build(here, "", "secret"), Err(BuildError::NoCredentials));
    assert_eq!(build(here, "id", ""), Err(BuildError::NoCredentials));
    assert_eq!(
        build("http://example.org/", "id", "secret"),
        Err(BuildError::Address(AddressError::PlainHttp))
    );
    let good = || TokenSource::builder(here, "id", "secret");
    let refused = |builder: Builder| builder.build().expect_err("refused");
    assert_eq!(refused(good().timeout(Duration::ZERO)), BuildError::NoTime);
    assert_eq!(refused(good().scopes(["a b"])), BuildError::NotAScope);
    assert!(!format!("{:?}", good()).contains("secret"));
    fn shareable<T: Clone + Send + Sync + 'static>() {}
    shareable::<TokenSource>();
    shareable::<AccessToken>();
}
