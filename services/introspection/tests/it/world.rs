//! What each test starts from.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;
use turnpike_domain::Timestamp;
use turnpike_domain::actor::{Role, Staff, Teams};
use turnpike_domain::id::TeamId;
use turnpike_domain::ports::Clock as _;
use turnpike_introspection::{Introspection, Service, router, service};
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::introspection_service_server::{
    IntrospectionService as _, IntrospectionServiceServer,
};
use turnpike_registry::{Bounds, Event, EventFilter, Follower, Registry};
use turnpike_rpc::Gate;
use turnpike_rpc::assertion::{AssertionKeys, AssertionSigner, METADATA_KEY};
use turnpike_rpc::authenticate::Authenticator;
use turnpike_rpc::limits::{Limits, Rate};
use turnpike_rpc::metrics::Metrics;
use turnpike_rpc::oauth::{Peer, SecretHolders, SecretUses, TokenVerifiers};
use turnpike_rpc::page_token::PageTokens;
use turnpike_sdk::Keys;
use turnpike_sdk::test_util::{Draft, Issuer};
use turnpike_store_sqlite::SqliteStore;
use turnpike_testkit::clock::{SeededEntropy, TestClock};
use turnpike_testkit::registered::Registered;
use turnpike_testkit::store::FlakyStore;

pub(crate) const ISSUER: &str = "https://issuer.example.com";
pub(crate) const PATH: &str = "/oauth2/introspect";
pub(crate) const INACTIVE: &str = r#"{"active":false}"#;

/// Making an RSA key takes long in a debug build.
static SHARED: LazyLock<Issuer> = LazyLock::new(|| Issuer::es256(ISSUER));

pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) store: Arc<FlakyStore<SqliteStore>>,
    pub(crate) registry: Registry,
    pub(crate) registered: Registered,
    pub(crate) keys: Keys,
    pub(crate) grpc: Service,
    served: IntrospectionServiceServer<Service>,
    signer: AssertionSigner,
    router: Router,
    _folder: TempDir,
}

/// An answer over HTTP, whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    #[track_caller]
    pub(crate) fn is_inactive(&self) {
        assert_eq!((self.status.as_u16(), self.text.as_str()), (200, INACTIVE));
        assert_eq!(self.headers["content-type"], "application/json");
        assert_eq!(self.headers["cache-control"], "no-store");
    }

    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, error: &str) {
        assert_eq!(
            (self.status.as_u16(), &self.json()["error"]),
            (status, &error.into()),
            "{self:?}"
        );
        assert_eq!(self.headers["cache-control"], "no-store");
        assert_eq!(self.headers.contains_key("www-authenticate"), status == 401);
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(SHARED.keys()).await
    }

    pub(crate) async fn with(keys: Keys) -> Self {
        Self::within(keys, Bounds::default()).await
    }

    /// With a policy that decides within these bounds.
    pub(crate) async fn impatient(bounds: Bounds) -> Self {
        Self::within(SHARED.keys(), bounds).await
    }

    async fn within(keys: Keys, bounds: Bounds) -> Self {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("t.db")).unwrap();
        let store = Arc::new(FlakyStore::new(store));
        let clock = Arc::new(TestClock::default());
        let entropy = Arc::new(SeededEntropy::new(7));
        let registry = Registry::open(store.clone(), clock.clone(), entropy.clone()).await.unwrap();
        let follower = Follower::start_within(registry.clone(), bounds).await.unwrap();
        let policy = follower.policy();
        tokio::spawn(follower.run());

        let metrics = Metrics::new().unwrap();
        let verifiers = TokenVerifiers::new(ISSUER, &keys, policy.clone(), clock.clone()).unwrap();
        let secrets = SecretHolders::new(policy.clone(), SecretUses::start(registry.clone()));
        let (signer, assertions) = AssertionKeys::generate(clock.clone(), entropy).unwrap();
        let tokens = verifiers.decides().clone();
        let authenticator =
            Authenticator::new(assertions, tokens, policy.clone(), secrets.clone()).unwrap();
        let rate = NonZeroU32::new(1000).unwrap();
        let rate = Rate { per_second: rate, burst: rate };
        let (_, published) = tokio::sync::watch::channel(Arc::from(SHARED.jwks()));
        let (limits, pages) = (Limits::new(rate, rate), PageTokens::new(&[7; 32]).unwrap());
        let gate = Gate::new(authenticator, registry.clone(), pages, limits, metrics.clone());
        let introspection =
            Introspection::new(registry.clone(), policy, verifiers, secrets, published, metrics);
        let router = router(introspection.clone());
        let served = service(gate.clone(), introspection.clone());
        let grpc = Service::new(gate, introspection);
        let registered = Registered::new(registry.clone());
        Self {
            clock,
            store,
            registry,
            registered,
            keys,
            grpc,
            served,
            signer,
            router,
            _folder: folder,
        }
    }

    /// Serves gRPC on this machine, until what it gives is aborted; with its address.
    pub(crate) async fn listen(&self) -> (String, tokio::task::AbortHandle) {
        self.listen_at("127.0.0.1:0").await
    }

    pub(crate) async fn listen_at(&self, address: &str) -> (String, tokio::task::AbortHandle) {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let routes = tonic::service::Routes::new(self.served.clone()).into_axum_router();
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await });
        (address, serving.abort_handle())
    }

    /// Asks for the verifiers of a resource server, as a person in `team`.
    pub(crate) async fn list_verifiers(
        &self,
        team: &str,
        message: pb::ListVerifiersRequest,
    ) -> Result<pb::ListVerifiersResponse, tonic::Status> {
        let request = self.signed(team, &[], "ListVerifiers", message);
        self.grpc.list_verifiers(request).await.map(tonic::Response::into_inner)
    }

    /// A good token for an hour from now, before it is signed.
    pub(crate) fn draft(&self, client_id: &str, scope: &str) -> Draft<'static> {
        SHARED.draft(client_id, scope, self.clock.now().seconds())
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Reply { status: head.status, headers: head.headers, text }
    }

    pub(crate) async fn post(&self, basic: Option<(&str, &str)>, form: &str) -> Reply {
        self.send(request(basic, form)).await
    }

    /// Asks over HTTP about one token, whatever it holds.
    pub(crate) async fn ask(&self, id: &str, secret: &str, token: &str) -> Reply {
        let token: String = token.bytes().map(|b| format!("%{b:02x}")).collect();
        self.post(Some((id, secret)), &format!("token={token}")).await
    }

    /// The same over gRPC.
    pub(crate) async fn ask_grpc(
        &self,
        id: &str,
        secret: &str,
        token: &str,
    ) -> Result<pb::IntrospectResponse, tonic::Status> {
        let mut request = tonic::Request::new(pb::IntrospectRequest { token: token.to_owned() });
        request.metadata_mut().insert("authorization", basic(id, secret).parse().unwrap());
        request.extensions_mut().insert(peer());
        self.grpc.introspect(request).await.map(tonic::Response::into_inner)
    }

    /// Revokes over gRPC, as a person in `team`.
    pub(crate) async fn revoke(
        &self,
        team: &str,
        roles: &[Role],
        message: pb::RevokeTokenRequest,
    ) -> Result<pb::RevokeTokenResponse, tonic::Status> {
        let request = self.signed(team, roles, "RevokeToken", message);
        self.grpc.revoke_token(request).await.map(tonic::Response::into_inner)
    }

    fn signed<M>(&self, team: &str, roles: &[Role], method: &str, message: M) -> tonic::Request<M> {
        let staff = Staff {
            id: format!("someone-of-{team}"),
            display_name: "Someone".to_owned(),
            teams: Teams::Known(BTreeSet::from([TeamId::parse(team).unwrap()])),
            roles: roles.iter().copied().collect(),
            session_expire_time: Timestamp::MAX,
        };
        let method = format!("/turnpike.v1.IntrospectionService/{method}");
        let assertion = self.signer.sign(&staff, &method).unwrap();
        let mut request = tonic::Request::new(message);
        request.metadata_mut().insert(METADATA_KEY, assertion.parse().unwrap());
        request
    }

    /// What the log says of `action`, newest first.
    pub(crate) async fn said(&self, action: &str) -> Vec<Event> {
        let filter = EventFilter { action: action.to_owned(), ..EventFilter::default() };
        self.registry.list_events(&filter, 100, None, |_| true).await.unwrap().items
    }
}

pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

pub(crate) fn request(credentials: Option<(&str, &str)>, form: &str) -> Request<Body> {
    let mut request =
        Request::post(PATH).header("content-type", "application/x-www-form-urlencoded");
    if let Some((id, secret)) = credentials {
        request = request.header("authorization", basic(id, secret));
    }
    let mut request = request.body(Body::from(form.to_owned())).unwrap();
    request.extensions_mut().insert(peer());
    request
}

/// Where all questions come from.
fn peer() -> Peer {
    Peer("192.0.2.1".parse().unwrap())
}
