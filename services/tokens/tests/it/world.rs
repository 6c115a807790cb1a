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
use turnpike_domain::authorization_server::AuthorizationServer as _;
use turnpike_domain::url::HttpUrl;
use turnpike_issuer_embedded::{Algorithm, EmbeddedIssuer, Settings as IssuerSettings};
use turnpike_registry::store::{Precondition, Query, Source, Store as _, Write};
use turnpike_registry::{Bounds, EventFilter, Follower, Registry};
use turnpike_rpc::limits::Rate;
use turnpike_rpc::metrics::Metrics;
use turnpike_rpc::oauth::verifiers::take_keys;
use turnpike_rpc::oauth::{Peer, SecretUses, TokenVerifiers};
use turnpike_sdk::{Keys, Require};
use turnpike_store_sqlite::SqliteStore;
use turnpike_testkit::clock::{SeededEntropy, TestClock};
use turnpike_testkit::registered::Registered;
use turnpike_testkit::store::FlakyStore;
use turnpike_tokens::{Broker, BrokerSettings, IssuedBy, Settings, Tokens, router};

use crate::paid::Paid;

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
    pub(crate) metrics: Metrics,
    /// If nobody runs it.
    pub(crate) follower: Option<Follower>,
    pub(crate) keys: Keys,
    /// Behind the broker, if there is one.
    pub(crate) paid: Arc<Paid>,
    router: Router,
    _folder: TempDir,
}

/// What a world is made of.
pub(crate) struct Setup {
    pub(crate) issuer: &'static str,
    pub(crate) algorithm: Algorithm,
    pub(crate) rate: u32,
    pub(crate) broker: Option<BrokerSettings>,
    pub(crate) bounds: Bounds,
    /// Whether its policy follows the log by itself.
    pub(crate) follows: bool,
}

impl Default for Setup {
    fn default() -> Self {
        let issuer = "https://issuer.example.com";
        let bounds = Bounds::default();
        Self {
            issuer,
            algorithm: Algorithm::Es256,
            rate: 1000,
            broker: None,
            bounds,
            follows: true,
        }
    }
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
        Self::of(Setup::default()).await
    }

    pub(crate) async fn with(issuer: &'static str, algorithm: Algorithm, rate: u32) -> Self {
        Self::of(Setup { issuer, algorithm, rate, ..Setup::default() }).await
    }

    /// With a broker before the issuer.
    pub(crate) async fn brokered(settings: BrokerSettings) -> Self {
        Self::of(Setup { broker: Some(settings), ..Setup::default() }).await
    }

    pub(crate) async fn of(setup: Setup) -> Self {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("t.db")).unwrap();
        let store = Arc::new(FlakyStore::new(store));
        let clock = Arc::new(TestClock::default());
        let entropy = Arc::new(SeededEntropy::new(7));
        let registry = Registry::open(store.clone(), clock.clone(), entropy).await.unwrap();
        let (registry, issuers) = if setup.broker.is_some() {
            // An authorization server elsewhere: changes leave marks for it, and it has its own process.
            let entropy = Arc::new(SeededEntropy::new(9));
            let issuers = Registry::open(store.clone(), clock.clone(), entropy).await.unwrap();
            (registry.mirrored(None), issuers)
        } else {
            (registry.clone(), registry)
        };
        let settings = IssuerSettings::new(HttpUrl::parse(setup.issuer).unwrap());
        let settings = settings.algorithm(setup.algorithm);
        let issuer = Arc::new(EmbeddedIssuer::open(settings, issuers).await.unwrap());
        let follower = Follower::start_within(registry.clone(), setup.bounds).await.unwrap();
        let policy = follower.policy();
        let follower = if setup.follows {
            tokio::spawn(follower.run());
            None
        } else {
            Some(follower)
        };

        let keys = Keys::default();
        assert!(take_keys(&issuer.keys_changed().borrow(), &keys));
        let issuer_url = issuer.issuer();
        let verifiers =
            TokenVerifiers::new(issuer_url, &keys, policy.clone(), clock.clone()).unwrap();
        let rate = std::num::NonZeroU32::new(setup.rate).unwrap();
        let settings = Settings {
            base_url: HttpUrl::parse(BASE).unwrap(),
            jwks_uri: HttpUrl::parse("https://keys.example.com/jwks").unwrap(),
            rate: Rate { per_second: rate, burst: rate },
        };
        let uses = SecretUses::start(registry.clone());
        let metrics = Metrics::new().unwrap();
        let paid = Arc::new(Paid::new(issuer.clone()));
        let issued_by = match setup.broker {
            Some(broker) => {
                let (paid, registry) = (paid.clone(), registry.clone());
                IssuedBy::Broker(Broker::start(broker, paid, registry, policy, &metrics).unwrap())
            }
            None => IssuedBy::Server(issuer.clone()),
        };
        let (registry_, metrics_) = (registry.clone(), metrics.clone());
        let tokens = Tokens::new(settings, registry_, issued_by, verifiers.clone(), uses, metrics_);
        let router = router(tokens.unwrap());
        let registered = Registered::new(registry.clone());
        Self {
            clock,
            store,
            registry,
            registered,
            verifiers,
            issuer,
            metrics,
            follower,
            keys,
            paid,
            router,
            _folder: folder,
        }
    }

    /// Another process over the same store.
    pub(crate) async fn replica(&self) -> Registry {
        let entropy = Arc::new(SeededEntropy::new(8));
        Registry::open(self.store.clone(), self.clock.clone(), entropy).await.unwrap()
    }

    /// The authorization server is told of all that it has not been told yet.
    pub(crate) async fn tell(&self) {
        let marks =
            self.store.query(&Query::new(Source::Table, "OUTBOX", 100)).await.unwrap().items;
        for mark in marks {
            let delete = Write::Delete { key: mark.key, precondition: Precondition::Any };
            self.store.commit(&[delete]).await.unwrap();
        }
    }

    /// What a measurement shows; 0 if it was never counted.
    pub(crate) fn counted(&self, name: &str) -> u64 {
        let text = self.metrics.encode().unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap())
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
