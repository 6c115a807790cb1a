//! What each test starts from.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;
use turnpike_domain::url::HttpUrl;
use turnpike_issuer_embedded::{Algorithm, EmbeddedIssuer, Settings as IssuerSettings};
use turnpike_registry::{EventFilter, Follower, Registry};
use turnpike_rpc::limits::Rate;
use turnpike_rpc::metrics::Metrics;
use turnpike_rpc::oauth::verifiers::take_keys;
use turnpike_rpc::oauth::{Peer, SecretUses, TokenVerifiers};
use turnpike_sdk::{Keys, Require};
use turnpike_store_sqlite::SqliteStore;
use turnpike_testkit::clock::{SeededEntropy, TestClock};
use turnpike_testkit::registered::Registered;
use turnpike_testkit::store::FlakyStore;
use turnpike_tokens::{Settings, Tokens, router};

pub(crate) const BASE: &str = "https://tokens.example.com";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const GRANT: &str = "grant_type=client_credentials";

pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) store: Arc<FlakyStore<SqliteStore>>,
    pub(crate) registry: Registry,
    pub(crate) registered: Registered,
    pub(crate) verifiers: TokenVerifiers,
    pub(crate) issuer: Arc<EmbeddedIssuer>,
    router: Router,
    _folder: TempDir,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// Asserts an error of RFC 6749 section 5.2.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, error: &str) {
        assert_eq!(
            (self.status.as_u16(), &self.json()["error"]),
            (status, &error.into()),
            "{self:?}"
        );
        assert_eq!(self.headers["content-type"], "application/json");
        assert_eq!(self.headers["cache-control"], "no-store");
        let description = self.json()["error_description"].as_str().unwrap().to_owned();
        let allowed = |b: u8| matches!(b, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        assert!(description.bytes().all(allowed), "{description}");
        let challenged = self.headers.contains_key("www-authenticate");
        assert_eq!(challenged, status == 401, "401 and WWW-Authenticate go together");
    }

    #[track_caller]
    pub(crate) fn token(&self) -> String {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.json()["access_token"].as_str().unwrap().to_owned()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with("https://issuer.example.com", Algorithm::Es256, 1000).await
    }

    pub(crate) async fn with(issuer: &str, algorithm: Algorithm, rate: u32) -> Self {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("t.db")).unwrap();
        let store = Arc::new(FlakyStore::new(store));
        let clock = Arc::new(TestClock::default());
        let entropy = Arc::new(SeededEntropy::new(7));
        let registry = Registry::open(store.clone(), clock.clone(), entropy).await.unwrap();
        let settings = IssuerSettings::new(HttpUrl::parse(issuer).unwrap()).algorithm(algorithm);
        let issuer = Arc::new(EmbeddedIssuer::open(settings, registry.clone()).await.unwrap());
        let follower = Follower::start(registry.clone()).await.unwrap();
        let policy = follower.policy();
        tokio::spawn(follower.run());

        let keys = Keys::default();
        assert!(take_keys(&issuer.keys_changed().borrow(), &keys));
        let server: Arc<dyn turnpike_domain::authorization_server::AuthorizationServer> =
            issuer.clone();
        let verifiers = TokenVerifiers::new(server.issuer(), &keys, policy, clock.clone()).unwrap();
        let rate = std::num::NonZeroU32::new(rate).unwrap();
        let settings = Settings {
            base_url: HttpUrl::parse(BASE).unwrap(),
            jwks_uri: HttpUrl::parse("https://keys.example.com/jwks").unwrap(),
            rate: Rate { per_second: rate, burst: rate },
        };
        let uses = SecretUses::start(registry.clone());
        let metrics = Metrics::new().unwrap();
        let tokens =
            Tokens::new(settings, registry.clone(), server, verifiers.clone(), uses, metrics);
        let router = router(tokens.unwrap());
        let registered = Registered::new(registry.clone());
        Self { clock, store, registry, registered, verifiers, issuer, router, _folder: folder }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Reply { status: head.status, headers: head.headers, text }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// A form to `path`, with Basic if there are credentials, already form-encoded.
    pub(crate) async fn post(&self, path: &str, basic: Option<(&str, &str)>, form: &str) -> Reply {
        self.send(request(path, basic, form)).await
    }

    pub(crate) async fn post_from(
        &self,
        peer: &str,
        path: &str,
        basic: Option<(&str, &str)>,
        form: &str,
    ) -> Reply {
        let mut request = request(path, basic, form);
        request.extensions_mut().insert(Peer(peer.parse::<IpAddr>().unwrap()));
        self.send(request).await
    }

    /// The token endpoint, asked by a client with Basic.
    pub(crate) async fn token(&self, id: &str, secret: &str, more: &str) -> Reply {
        self.post("/oauth2/token", Some((id, secret)), &format!("{GRANT}{more}")).await
    }

    /// Whether the policy takes the token now.
    pub(crate) fn is_good(&self, token: &str) -> bool {
        self.verifiers.decides().verify(token, &Require::any_token()).is_ok()
    }

    /// What the log says of `action`: subject and actor.
    pub(crate) async fn said(&self, action: &str) -> Vec<(String, String)> {
        let filter = EventFilter { action: action.to_owned(), ..EventFilter::default() };
        let page = self.registry.list_events(&filter, 100, None, |_| true).await.unwrap();
        page.items.into_iter().map(|event| (event.subject, event.actor.id)).collect()
    }
}

pub(crate) fn request(path: &str, basic: Option<(&str, &str)>, form: &str) -> Request<Body> {
    let mut request =
        Request::builder().method(Method::POST).uri(path).header("content-type", FORM);
    if let Some((id, secret)) = basic {
        let joined = STANDARD.encode(format!("{id}:{secret}"));
        request = request.header("authorization", format!("Basic {joined}"));
    }
    request.body(Body::from(form.to_owned())).unwrap()
}

/// A part of a token, unverified.
pub(crate) fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
