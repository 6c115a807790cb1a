//! Introspection, at a server that behaves well and badly.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use axum::routing::get;
use axum::{Router, routing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{self, StreamExt as _};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;
use turnpike_sdk::introspection::{AddressError, BuildError, Builder, Error, Introspection};
use turnpike_sdk::test_util::Issuer;
use turnpike_sdk::test_util::hostile::{Forge, kinds};
use turnpike_sdk::{Answer, Outcome, Refusal, Require, Verifier};

use crate::setup::{CLIENT, ISSUER, LIST, NOW, PLACE, builder, clock, draft, place};

const HOUR: Duration = Duration::from_secs(3600);
/// Both need their encoding: a colon would end the identifier, a `%` would begin an escape.
const IDENTIFIER: &str = "https://api.example/orders";
const SECRET: &str = "tp_ä+b%41:c";

/// What the server does with a question.
#[derive(Clone)]
enum Does {
    /// Answers that the token is active, with these scopes.
    Active(&'static str),
    /// Answers as [`Active`](Self::Active) once it is let.
    ActiveWhenLet(Arc<Semaphore>),
    Inactive,
    Says(&'static str),
    Fails(u16),
    /// Sends the caller somewhere else, where every token is active.
    Redirects(u16),
    Floods,
    Hangs,
    Stalls,
}

#[derive(Clone)]
struct Server {
    address: String,
    hits: Arc<AtomicUsize>,
    /// Done once each, before what it usually does.
    first: Arc<Mutex<VecDeque<Does>>>,
    usually: Arc<Mutex<Does>>,
}

#[derive(Deserialize)]
struct Question {
    token: String,
    token_type_hint: String,
}

impl Server {
    async fn start(usually: Does) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = Self {
            address: format!("http://{}", listener.local_addr().expect("an address")),
            hits: Arc::default(),
            first: Arc::default(),
            usually: Arc::new(Mutex::new(usually)),
        };
        let app = Router::new()
            .route("/introspect", routing::post(answer))
            .fallback(|| async { format!(r#"{{"active":true,"scope":"{PLACE}"}}"#) })
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        server
    }

    fn now(&self, does: Does) {
        *self.usually.lock().expect("no panic") = does;
    }

    fn once(&self, does: Does) {
        self.first.lock().expect("no panic").push_back(does);
    }

    fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// Waits for longer than a busy machine makes an answer take.
    fn introspection(&self) -> Builder {
        Introspection::builder(format!("{}/introspect", self.address), IDENTIFIER, SECRET)
            .timeout(HOUR)
    }

    /// Asks anew each time.
    fn strict(&self) -> Verifier {
        verifier(self.introspection().keep_for(Duration::ZERO))
    }

    /// Keeps answers for as long as a test can take.
    fn keeping(&self) -> Verifier {
        verifier(self.introspection().keep_for(HOUR))
    }
}

async fn answer(
    State(server): State<Server>,
    headers: HeaderMap,
    Form(question): Form<Question>,
) -> Response<Body> {
    server.hits.fetch_add(1, Ordering::SeqCst);
    assert_eq!(question.token_type_hint, "access_token");
    assert!(question.token.split('.').count() == 3);
    let basic = headers[header::AUTHORIZATION].to_str().expect("text");
    let pair = STANDARD.decode(basic.strip_prefix("Basic ").expect("Basic")).expect("base64");
    assert_eq!(pair, b"https%3A%2F%2Fapi.example%2Forders:tp_%C3%A4%2Bb%2541%3Ac");

    let first = server.first.lock().expect("no panic").pop_front();
    let does = first.unwrap_or_else(|| server.usually.lock().expect("no panic").clone());
    let response = Response::builder();
    let active = |scope| format!(r#"{{"active":true,"scope":"{scope}","client_id":"{CLIENT}"}}"#);
    let answer = match does {
        Does::Active(scope) => response.body(active(scope).into()),
        Does::ActiveWhenLet(let_go) => {
            let _permit = let_go.acquire().await.expect("open");
            response.body(active(PLACE).into())
        }
        Does::Inactive => response.body(r#"{"active":false}"#.into()),
        Does::Says(text) => response.body(text.into()),
        Does::Fails(status) => response.status(status).body(active(PLACE).into()),
        Does::Redirects(status) => response
            .status(status)
            .header("location", format!("{}/elsewhere", server.address))
            .body(active(PLACE).into()),
        Does::Floods => {
            let chunk = || Ok::<_, std::io::Error>("{\"active\":true,    ".repeat(64));
            response.body(Body::from_stream(stream::repeat_with(chunk)))
        }
        Does::Hangs => std::future::pending().await,
        Does::Stalls => {
            let start = stream::iter([Ok::<_, std::io::Error>("{\"active\":true")]);
            response.body(Body::from_stream(start.chain(stream::pending())))
        }
    };
    answer.expect("a response")
}

fn verifier(introspection: Builder) -> Verifier {
    let introspection = introspection.build().expect("an introspection");
    builder(&clock()).introspection(introspection).build().expect("a verifier")
}

fn token() -> String {
    draft().token()
}

/// Asks again until the answer is yes; a test that never gets it is stopped by whoever runs it.
async fn until(mut happened: impl AsyncFnMut() -> bool) {
    while !happened().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_token_is_good_while_introspection_says_so() {
    let server = Server::start(Does::Active("lj-health-food/place-order")).await;
    let (verifier, token) = (server.strict(), token());
    let verified = verifier.verify_async(&token, &place()).await.expect("accepted");
    assert_eq!(verified.client_id(), CLIENT);
    server.now(Does::Inactive);
    let refused = verifier.verify_async(&token, &place()).await.expect_err("refused");
    assert_eq!(refused, Refusal::NotActive);
    assert_eq!((refused.answer(), refused.reason()), (Answer::InvalidToken, "not_active"));
    assert!(!refused.is_retryable());
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn scopes_are_those_that_are_left() {
    let server = Server::start(Does::Active("lj-health-food/place-order")).await;
    let (verifier, token) = (server.strict(), token());
    let verified = verifier.verify_async(&token, &place()).await.expect("accepted");
    assert_eq!(verified.scopes().collect::<Vec<_>>(), [PLACE]);
    assert_eq!(verified.claims().scopes().collect::<Vec<_>>(), [PLACE, LIST]);
    let list = Require::all_of([LIST]).expect("a scope");
    assert_eq!(verified.satisfies(&list), Err(Refusal::ScopeNotGranted));
    let refused = verifier.verify_async(&token, &list).await.expect_err("refused");
    assert_eq!(refused, Refusal::ScopeNotGranted);
    assert_eq!(refused.answer(), Answer::InsufficientScope);
    let either = Require::any_of([PLACE, LIST]).expect("scopes");
    assert!(verifier.verify_async(&token, &either).await.is_ok());

    // Scopes that only introspection names are nobody's, and without any the token is of no use.
    server.now(Does::Active("lj-health-food/delete-orders"));
    let refused = verifier.verify_async(&token, &Require::any_token()).await;
    assert_eq!(refused, Err(Refusal::ScopeNotGranted));
}

#[tokio::test]
async fn only_good_tokens_reach_the_network() {
    let server = Server::start(Does::Active(PLACE)).await;
    let forge = Forge::new(Issuer::rs256(ISSUER), CLIENT, PLACE, NOW);
    let introspection = server.introspection().build().expect("an introspection");
    let verifier = Verifier::builder(ISSUER).keys(forge.issuer().keys()).clock(clock());
    let verifier = verifier.introspection(introspection).build().expect("a verifier");
    for kind in kinds() {
        let verdict = verifier.verify_async(&kind.token(&forge), &place()).await;
        let reason = verdict.map_err(|refusal| refusal.reason());
        assert_eq!(reason, Err(kind.reason()), "{}", kind.name());
    }
    assert!(kinds().count() >= 150);
    // A good one that lacks the scope is refused here as well.
    let other = forge.issuer().draft(CLIENT, LIST, NOW).token();
    assert_eq!(verifier.verify_async(&other, &place()).await, Err(Refusal::InsufficientScope));
    assert_eq!(server.hits(), 0);
    assert!(verifier.verify_async(&forge.good(), &place()).await.is_ok());
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn a_server_in_trouble_means_that_nobody_can_tell() {
    let server = Server::start(Does::Active(PLACE)).await;
    let token = token();
    for (does, expected) in [
        (Does::Fails(500), "introspection answered with status 500"),
        (Does::Fails(503), "introspection answered with status 503"),
        (Does::Fails(404), "introspection answered with status 404"),
        (Does::Fails(401), "introspection does not accept the credentials"),
        (Does::Redirects(302), "introspection answered with status 302"),
        (Does::Redirects(307), "introspection answered with status 307"),
        (Does::Redirects(308), "introspection answered with status 308"),
        (Does::Floods, "the answer of introspection is too large"),
        (Does::Hangs, "no answer of introspection in time"),
        (Does::Stalls, "no answer of introspection in time"),
        (Does::Says(""), "the answer of introspection is not understood"),
        (Does::Says("<html>"), "the answer of introspection is not understood"),
        (Does::Says(r#"{"active":true}"#), "the answer of introspection is not understood"),
    ] {
        let silent = matches!(does, Does::Hangs | Does::Stalls);
        let timeout = if silent { Duration::from_millis(50) } else { HOUR };
        let introspection = server.introspection().keep_for(Duration::ZERO).timeout(timeout);
        let introspection = introspection.build().expect("an introspection");
        let verifier = builder(&clock()).introspection(introspection.clone());
        let verifier = verifier.build().expect("a verifier");
        server.now(does);
        let refused = verifier.verify_async(&token, &place()).await.expect_err(expected);
        assert_eq!(refused, Refusal::IntrospectionUnavailable, "{expected}");
        assert_eq!((refused.answer(), refused.answer().status()), (Answer::Unavailable, 503));
        assert!(refused.is_retryable());
        assert_eq!(introspection.last_error().expect("an error").to_string(), expected);
        if !silent {
            server.now(Does::Active(PLACE));
            assert!(verifier.verify_async(&token, &place()).await.is_ok());
            assert!(introspection.last_error().is_none());
        }
    }
}

#[tokio::test]
async fn nobody_at_the_address_means_that_nobody_can_tell() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/", listener.local_addr().expect("an address"));
    drop(listener);
    let introspection = Introspection::builder(address, IDENTIFIER, SECRET).build().expect("one");
    let verifier = builder(&clock()).introspection(introspection.clone()).build().expect("one");
    let verdict = verifier.verify_async(&token(), &place()).await;
    assert_eq!(verdict, Err(Refusal::IntrospectionUnavailable));
    assert!(matches!(introspection.last_error(), Some(Error::Transport(_))));
}

#[tokio::test]
async fn failures_are_not_kept_and_answers_outlive_them() {
    let server = Server::start(Does::Fails(500)).await;
    let (verifier, token) = (server.keeping(), token());
    for does in [Does::Fails(500), Does::Redirects(307), Does::Says("{}")] {
        server.once(does);
        let verdict = verifier.verify_async(&token, &place()).await;
        assert_eq!(verdict, Err(Refusal::IntrospectionUnavailable));
    }
    assert_eq!(server.hits(), 3);
    server.once(Does::Active(PLACE));
    // From here on the server fails, and is not asked.
    for _ in 0..3 {
        assert!(verifier.verify_async(&token, &place()).await.is_ok());
    }
    assert_eq!(server.hits(), 4);
    // What is kept is kept of this token.
    let other = draft().token();
    let verdict = verifier.verify_async(&other, &place()).await;
    assert_eq!(verdict, Err(Refusal::IntrospectionUnavailable));
}

#[tokio::test]
async fn refusals_are_kept_too() {
    let server = Server::start(Does::Inactive).await;
    let (verifier, token) = (server.keeping(), token());
    for _ in 0..3 {
        assert_eq!(verifier.verify_async(&token, &place()).await, Err(Refusal::NotActive));
    }
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn a_revocation_is_noticed_after_a_moment() {
    let server = Server::start(Does::Active(PLACE)).await;
    let verifier = verifier(server.introspection().keep_for(Duration::from_millis(20)));
    let token = token();
    assert!(verifier.verify_async(&token, &place()).await.is_ok());
    server.now(Does::Inactive);
    until(async || verifier.verify_async(&token, &place()).await == Err(Refusal::NotActive)).await;
    server.now(Does::Active(PLACE));
    until(async || verifier.verify_async(&token, &place()).await.is_ok()).await;
}

#[tokio::test]
async fn an_answer_is_not_kept_beyond_the_end_of_its_token() {
    let server = Server::start(Does::Active(PLACE)).await;
    let clock = clock();
    let introspection = server.introspection().keep_for(HOUR).build().expect("one");
    let verifier = builder(&clock).introspection(introspection).build().expect("a verifier");
    let token = draft().claim("exp", NOW + 10).token();
    for _ in 0..3 {
        assert!(verifier.verify_async(&token, &place()).await.is_ok());
    }
    assert_eq!(server.hits(), 1);
    // The leeway lets it live on; what was said of it before does not.
    clock.set(NOW + 10);
    for asked in 2..5 {
        assert!(verifier.verify_async(&token, &place()).await.is_ok());
        assert_eq!(server.hits(), asked);
    }
    clock.set(NOW + 15);
    assert_eq!(verifier.verify_async(&token, &place()).await, Err(Refusal::Expired));
    assert_eq!(server.hits(), 4);
}

#[tokio::test]
async fn many_who_wait_share_one_question_and_none_depends_on_another() {
    let let_go = Arc::new(Semaphore::new(0));
    let server = Server::start(Does::ActiveWhenLet(let_go.clone())).await;
    let (verifier, token, other) = (server.keeping(), token(), draft().token());
    let ask = |token: &str| {
        let (verifier, token) = (verifier.clone(), token.to_owned());
        tokio::spawn(async move { verifier.verify_async(&token, &place()).await })
    };
    let first = ask(&token);
    until(async || server.hits() == 1).await;
    let waiting: Vec<_> = (0..50).map(|_| ask(&token)).collect();
    let apart = ask(&other);
    until(async || server.hits() == 2).await;
    // Whoever asked first goes away.
    first.abort();
    assert!(first.await.expect_err("aborted").is_cancelled());
    let_go.add_permits(1);
    for waits in waiting {
        assert!(waits.await.expect("no panic").is_ok());
    }
    assert!(apart.await.expect("no panic").is_ok());
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn whoever_comes_late_shares_no_question_that_is_old() {
    let server = Server::start(Does::Active(PLACE)).await;
    server.once(Does::Hangs);
    let verifier = verifier(server.introspection().keep_for(Duration::from_millis(20)));
    let token = token();
    let stuck = tokio::spawn({
        let (verifier, token) = (verifier.clone(), token.clone());
        async move { verifier.verify_async(&token, &place()).await }
    });
    until(async || server.hits() == 1).await;
    tokio::time::sleep(Duration::from_millis(25)).await;
    assert!(verifier.verify_async(&token, &place()).await.is_ok());
    assert!(!stuck.is_finished());
    stuck.abort();
}

#[tokio::test]
async fn more_tokens_than_are_kept_are_asked_about_again() {
    let server = Server::start(Does::Active(PLACE)).await;
    let verifier = verifier(server.introspection().keep_for(HOUR).entries(4));
    let tokens: Vec<_> = (0..10).map(|_| token()).collect();
    for token in &tokens {
        assert!(verifier.verify_async(token, &place()).await.is_ok());
    }
    assert_eq!(server.hits(), 10);
    assert!(verifier.verify_async(&tokens[9], &place()).await.is_ok());
    assert_eq!(server.hits(), 10);
    assert!(verifier.verify_async(&tokens[0], &place()).await.is_ok());
    assert_eq!(server.hits(), 11);
}

#[tokio::test]
async fn who_does_not_wait_is_not_let_in() {
    let server = Server::start(Does::Active(PLACE)).await;
    let (verifier, token) = (server.keeping(), token());
    let verdict = verifier.verify(&token, &place());
    assert_eq!(verdict, Err(Refusal::IntrospectionUnavailable));
    assert_eq!(verifier.verify("garbage", &place()), Err(Refusal::Malformed));
    assert!(verifier.verify_async(&token, &place()).await.is_ok());
    // Not even while an answer is kept: it would work only now and then.
    assert_eq!(verifier.verify(&token, &place()), verdict);
    let trace = verifier.verify_traced(&token, &place());
    assert_eq!(trace.verdict(), Err(Refusal::IntrospectionUnavailable));
    assert!(trace.checks().all(|(_, outcome)| outcome == Outcome::Passed));
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn layers_ask() {
    let server = Server::start(Does::Active(PLACE)).await;
    let either = Require::any_of([PLACE, LIST]).expect("scopes");
    let list = turnpike_sdk::axum::require_scopes(Require::all_of([LIST]).expect("a scope"));
    let app = Router::new()
        .route(
            "/place",
            get(|caller: turnpike_sdk::Verified| async move { caller.client_id().to_owned() }),
        )
        .route("/list", get(|| async { "all" }).layer(list))
        .layer(turnpike_sdk::axum::verify(server.strict(), either));
    let authorization = format!("Bearer {}", token());
    let call = async |path: &str| {
        let request = Request::builder().method(Method::GET).uri(path);
        let request = request.header(header::AUTHORIZATION, &authorization).body(Body::empty());
        let answer = app.clone().oneshot(request.expect("a request")).await.expect("an answer");
        let challenge = answer.headers().get(header::WWW_AUTHENTICATE);
        let challenge = challenge.map(|value| value.to_str().expect("text").to_owned());
        (answer.status(), challenge.unwrap_or_default())
    };
    assert_eq!(call("/place").await, (StatusCode::OK, String::new()));
    let (status, challenge) = call("/list").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    server.now(Does::Inactive);
    let (status, challenge) = call("/place").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    server.now(Does::Fails(500));
    assert_eq!(call("/place").await, (StatusCode::SERVICE_UNAVAILABLE, String::new()));
}

#[test]
fn settings_are_checked_and_tell_no_secret() {
    let refused = |builder: Builder| builder.build().expect_err("refused");
    let at = |address: &str| Introspection::builder(address, IDENTIFIER, SECRET);
    let good = "http://127.0.0.1:1/oauth2/introspect";
    assert_eq!(refused(Introspection::builder(good, "", SECRET)), BuildError::NoCredentials);
    assert_eq!(refused(Introspection::builder(good, IDENTIFIER, "")), BuildError::NoCredentials);
    assert_eq!(refused(at(good).timeout(Duration::ZERO)), BuildError::NoTime);
    let plain = "http://turnpike.example/oauth2/introspect";
    assert_eq!(refused(at(plain)), BuildError::Address(AddressError::PlainHttp));
    assert!(at(plain).dangerous_allow_plain_http().build().is_ok());
    assert_eq!(refused(at("introspect")), BuildError::Address(AddressError::NotAnAddress));
    let shown = format!("{:?} {:?}", at(good), at(good).build());
    assert!(!shown.contains(SECRET) && !shown.contains("Basic"), "{shown}");
}
