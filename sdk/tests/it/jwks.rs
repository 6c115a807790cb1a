//! Keys over HTTP, from a server that behaves badly in every way.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use futures_util::stream::{self, StreamExt as _};
use turnpike_sdk::jwks::{AddressError, BuildError, Builder, Error, JwksSource};
use turnpike_sdk::test_util::Issuer;
use turnpike_sdk::{Refusal, Verifier};

use crate::setup::{CLIENT, ISSUER, PLACE, SHARED, place};

const HOUR: Duration = Duration::from_secs(3600);
const MOMENT: Duration = Duration::from_millis(20);

/// What the server does with a request.
#[derive(Clone)]
enum Does {
    /// Answers with this text.
    Says(String),
    /// Answers with this status, and the good keys.
    Fails(u16),
    /// Sends the client somewhere else, where there are keys.
    Redirects,
    /// Sends bytes until nobody listens.
    Floods,
    /// Never answers.
    Hangs,
    /// Begins an answer, and never ends it.
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

impl Server {
    async fn start(usually: Does) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let server = Self {
            address,
            hits: Arc::default(),
            first: Arc::default(),
            usually: Arc::new(Mutex::new(usually)),
        };
        let app = Router::new().fallback(answer).with_state(server.clone());
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

    fn source(&self) -> Builder {
        JwksSource::builder(format!("{}/jwks.json", self.address)).refresh_every(HOUR)
    }
}

async fn answer(State(server): State<Server>, request: axum::extract::Request) -> Response<Body> {
    server.hits.fetch_add(1, Ordering::SeqCst);
    let first = server.first.lock().expect("no panic").pop_front();
    let does = first.unwrap_or_else(|| server.usually.lock().expect("no panic").clone());
    let response = Response::builder();
    let answer = match does {
        _ if request.uri().path() == "/elsewhere" => response.body(SHARED.jwks().into()),
        Does::Says(text) => response.body(text.into()),
        Does::Fails(status) => response.status(status).body(SHARED.jwks().into()),
        Does::Redirects => response
            .status(StatusCode::TEMPORARY_REDIRECT)
            .header("location", format!("{}/elsewhere", server.address))
            .body(Body::empty()),
        Does::Floods => {
            let chunk = || Ok::<_, std::io::Error>("{\"keys\":[],    ".repeat(64));
            response.body(Body::from_stream(stream::repeat_with(chunk)))
        }
        Does::Hangs => std::future::pending().await,
        Does::Stalls => {
            let start = stream::iter([Ok::<_, std::io::Error>("{\"keys\":[")]);
            response.body(Body::from_stream(start.chain(stream::pending())))
        }
    };
    answer.expect("a response")
}

fn jwks(issuers: &[&Issuer]) -> Does {
    let keys: Vec<_> = issuers.iter().map(|issuer| issuer.jwk()).collect();
    Does::Says(format!(r#"{{"keys":[{}]}}"#, keys.join(",")))
}

fn verifier(source: &JwksSource) -> Verifier {
    Verifier::builder(ISSUER).jwks(source.clone()).build().expect("a verifier")
}

fn token(issuer: &Issuer) -> String {
    issuer.token(CLIENT, PLACE)
}

/// Asks again until the answer is yes; a test that never gets it is stopped by whoever runs it.
async fn until(mut happened: impl AsyncFnMut() -> bool) {
    while !happened().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn keys_are_fetched_at_once_and_the_first_call_waits_for_them() {
    let server = Server::start(jwks(&[&SHARED])).await;
    let source = server.source().build().expect("a source");
    let verifier = verifier(&source);
    assert!(verifier.verify_async(&token(&SHARED), &place()).await.is_ok());
    assert!(verifier.verify(&token(&SHARED), &place()).is_ok());
    source.ready().await;
    assert!(source.is_ready() && source.last_error().is_none());
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn many_waiters_share_one_fetch() {
    let server = Server::start(jwks(&[&SHARED])).await;
    let source = server.source().build().expect("a source");
    source.ready().await;
    let next = Arc::new(Issuer::es256(ISSUER));
    server.now(jwks(&[&SHARED, &next]));
    let verifier = verifier(&source);
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let (verifier, next) = (verifier.clone(), next.clone());
            tokio::spawn(async move { verifier.verify_async(&token(&next), &place()).await })
        })
        .collect();
    for call in calls {
        assert!(call.await.expect("no panic").is_ok());
    }
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn a_flood_of_invented_keys_drives_few_fetches() {
    let server = Server::start(jwks(&[&SHARED])).await;
    let source = server.source().early_fetches(2, HOUR).build().expect("a source");
    source.ready().await;
    let verifier = verifier(&source);
    let stranger = Issuer::es256(ISSUER);
    for i in 0..200 {
        let draft = stranger.draft(CLIENT, PLACE, 1_790_000_000);
        let token = draft.header("kid", format!("\"invented-{i}\"")).token();
        let verdict = verifier.verify_async(&token, &place()).await;
        assert_eq!(verdict, Err(Refusal::UnknownKey));
        assert_eq!(verifier.verify(&token, &place()), Err(Refusal::UnknownKey));
    }
    assert!(server.hits() <= 3, "{}", server.hits());
    assert!(verifier.verify(&token(&SHARED), &place()).is_ok());
}

/// Keeps inventing keys until dropped.
struct Flood(Vec<tokio::task::JoinHandle<()>>);

impl Flood {
    fn start(verifier: &Verifier) -> Self {
        let flood = async |verifier: Verifier, lane: usize| {
            let stranger = Issuer::es256(ISSUER);
            for i in 0_u64.. {
                let draft = stranger.draft(CLIENT, PLACE, 1_790_000_000);
                let token = draft.header("kid", format!("\"invented-{lane}-{i}\"")).token();
                assert!(verifier.verify_async(&token, &place()).await.is_err());
                tokio::task::yield_now().await;
            }
        };
        Self((0..4).map(|lane| tokio::spawn(flood(verifier.clone(), lane))).collect())
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.0.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

#[tokio::test]
async fn a_flood_does_not_keep_a_real_new_key_out() {
    // By the regular fetch, with the early ones used up or switched off; and by an early one.
    for (early, every, refresh) in [(1, HOUR, MOMENT), (0, HOUR, MOMENT), (1, MOMENT, HOUR)] {
        let server = Server::start(jwks(&[&SHARED])).await;
        let source = server.source().early_fetches(early, every).refresh_every(refresh);
        let source = source.build().expect("a source");
        source.ready().await;
        let verifier = verifier(&source);
        let _flood = Flood::start(&verifier);
        let next = Issuer::es256(ISSUER);
        server.now(jwks(&[&next]));
        until(async || verifier.verify_async(&token(&next), &place()).await.is_ok()).await;
        // And the old key, which the issuer withdrew, is gone.
        assert_eq!(verifier.verify(&token(&SHARED), &place()), Err(Refusal::UnknownKey));
    }
}

#[tokio::test]
async fn a_synchronous_call_makes_the_source_look() {
    let server = Server::start(jwks(&[&SHARED])).await;
    let source = server.source().build().expect("a source");
    source.ready().await;
    let verifier = verifier(&source);
    let next = Issuer::es256(ISSUER);
    server.now(jwks(&[&SHARED, &next]));
    assert_eq!(verifier.verify(&token(&next), &place()), Err(Refusal::UnknownKey));
    until(async || verifier.verify(&token(&next), &place()).is_ok()).await;
}

#[tokio::test]
async fn the_last_good_keys_stay_while_the_issuer_fails() {
    let server = Server::start(jwks(&[&SHARED])).await;
    let source = server.source().timeout(MOMENT * 10).max_bytes(64 * 1024);
    let source = source.early_fetches(100, HOUR).build().expect("a source");
    source.ready().await;
    let verifier = verifier(&source);
    let good = token(&SHARED);
    let unknown = token(&Issuer::es256(ISSUER));
    let private = SHARED.jwks().replace("\"use\"", "\"d\":\"AQAB\",\"use\"");
    for (does, expected) in [
        (Does::Fails(500), "the answer has status 500"),
        (Does::Fails(404), "the answer has status 404"),
        (Does::Fails(204), "the answer has status 204"),
        (Does::Redirects, "the answer has status 307"),
        (Does::Floods, "the answer is too large"),
        (Does::Says(" ".repeat(64 * 1024 + 1)), "the answer is too large"),
        (Does::Hangs, "no answer in time"),
        (Does::Stalls, "no answer in time"),
        (Does::Says(String::new()), "the answer is not a JWK set"),
        (Does::Says("<html>maintenance</html>".into()), "the answer is not a JWK set"),
        (Does::Says(r#"{"keys":{}}"#.into()), "the answer is not a JWK set"),
        (Does::Says(r#"{"keys":[]}"#.into()), "the answer holds no usable key"),
        (Does::Says(private), "the answer holds no usable key"),
    ] {
        server.now(does);
        let before = server.hits();
        assert_eq!(verifier.verify_async(&unknown, &place()).await, Err(Refusal::UnknownKey));
        assert!(server.hits() > before);
        assert_eq!(source.last_error().expect("an error").to_string(), expected);
        assert!(verifier.verify(&good, &place()).is_ok(), "{expected}");
        assert!(source.is_ready());
    }
    server.now(jwks(&[&SHARED]));
    assert!(verifier.verify_async(&unknown, &place()).await.is_err());
    assert!(source.last_error().is_none());
}

#[tokio::test]
async fn a_first_failure_is_tried_again() {
    let server = Server::start(jwks(&[&SHARED])).await;
    server.once(Does::Fails(503));
    let source = server.source().build().expect("a source");
    source.ready().await;
    assert!(verifier(&source).verify(&token(&SHARED), &place()).is_ok());
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn nobody_at_the_address_is_said_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/", listener.local_addr().expect("an address"));
    drop(listener);
    let source = JwksSource::builder(address).build().expect("a source");
    let verifier = verifier(&source);
    let verdict = verifier.verify_async(&token(&SHARED), &place()).await;
    assert_eq!(verdict, Err(Refusal::KeysUnavailable));
    assert!(matches!(source.last_error(), Some(Error::Transport(_))));
    assert!(!source.is_ready());
}

#[test]
fn settings_are_checked() {
    let refused = |builder: Builder| builder.build().expect_err("refused");
    let good = || JwksSource::builder("http://127.0.0.1:1/");
    assert_eq!(refused(good()), BuildError::NoRuntime);
    for zero in [
        good().max_bytes(0),
        good().timeout(Duration::ZERO),
        good().refresh_every(Duration::ZERO),
        good().early_fetches(1, Duration::ZERO),
    ] {
        assert_eq!(refused(zero), BuildError::Zero);
    }
    let plain = JwksSource::builder("http://keys.example.org/");
    assert_eq!(refused(plain), BuildError::Address(AddressError::PlainHttp));
    let plain = JwksSource::builder("http://keys.example.org/").dangerous_allow_plain_http();
    assert_eq!(refused(plain), BuildError::NoRuntime);
}
