//! A directory that lies on request and is strict otherwise: what it is sent must be right to the letter.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use turnpike_domain::ports::Clock;
use turnpike_runtime::config::{self, Hidden};

use crate::harness::TestClock;

pub const TENANT: &str = "11111111-1111-4111-8111-111111111111";
pub const OID: &str = "22222222-2222-4222-8222-222222222222";
const CLIENT_ID: &str = "turnpike-at-example";
const SECRET: &str = "s3cret of the registration";

/// The directory; it ends with the test.
pub struct Directory {
    pub issuer: String,
    shared: Arc<Shared>,
    server: AbortHandle,
}

#[derive(Default)]
struct Shared {
    issuer: OnceLock<String>,
    clock: OnceLock<Arc<TestClock>>,
    state: Mutex<Told>,
}

/// What it was told, and what it has given.
#[derive(Default)]
struct Told {
    keys: Vec<(String, Arc<EcdsaKeyPair>)>,
    metadata: Value,
    /// What it says of the person whenever it is asked.
    person: Value,
    lie: Lie,
    codes: HashMap<String, Code>,
    refresh: Vec<String>,
    no_refresh: bool,
    groups: Vec<String>,
    answers: HashMap<&'static str, (u16, String)>,
    asked: Vec<String>,
}

/// How an ID token is wrong beside what it claims.
#[derive(Clone, Default)]
pub enum Lie {
    #[default]
    No,
    /// Not signed.
    Algorithm,
    /// By HMAC, with the public key as its secret.
    Hmac,
    /// There is no ID token.
    Missing,
    /// By a key of somebody else under the name of ours.
    OtherKey,
    /// By our key under a name that is not published.
    KeyName(Option<&'static str>),
    /// This text.
    Text(&'static str),
}

/// What a code is bound to.
struct Code {
    challenge: String,
    redirect_uri: String,
    nonce: String,
}

/// What a browser was sent to the directory with.
pub struct Asked(pub HashMap<String, String>);

impl Directory {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let issuer = format!("{origin}/{TENANT}/v2.0");
        let shared = Arc::new(Shared::default());
        shared.issuer.set(issuer.clone()).unwrap();
        {
            let mut told = shared.state.lock().unwrap();
            told.metadata = metadata(&issuer);
            told.person = json!({ "oid": OID, "name": "Olga <Orders>", "sid": "login-1" });
            told.keys.push(("one".to_owned(), new_key()));
        }
        let below = format!("/{TENANT}/v2.0");
        let router = Router::new()
            .route(&format!("{below}/.well-known/openid-configuration"), get(show_metadata))
            .route(&format!("{below}/keys"), get(show_keys))
            .route(&format!("{below}/token"), post(give_tokens))
            .route("/v1.0/users/{oid}/checkMemberGroups", post(check_groups))
            .with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, shared, server: server.abort_handle() }
    }

    /// What a gateway is told of it.
    pub fn config(&self) -> config::Oidc {
        config::Oidc {
            issuer: self.issuer.clone(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: Hidden::from(format!("{SECRET}\n")),
            id_token_algorithm: config::IdTokenAlgorithm::Es256,
            display_name: "Example Ltd".to_owned(),
            ..config::Oidc::default()
        }
    }

    /// The same with Graph.
    pub fn config_with_graph(&self) -> config::Oidc {
        let url = self.issuer.split(&format!("/{TENANT}")).next().unwrap().to_owned();
        let graph = config::Graph { enabled: true, url, ..config::Graph::default() };
        config::Oidc { graph, ..self.config() }
    }

    /// Its tokens are of this clock's time.
    pub fn follow(&self, clock: &Arc<TestClock>) {
        assert!(self.shared.clock.set(clock.clone()).is_ok());
    }

    fn told<T>(&self, change: impl FnOnce(&mut Told) -> T) -> T {
        change(&mut self.shared.state.lock().unwrap())
    }

    /// A code for what a browser asked, as if somebody had signed in there.
    pub fn code(&self, asked: &Asked) -> String {
        let code = Code {
            challenge: asked.get("code_challenge").to_owned(),
            redirect_uri: asked.get("redirect_uri").to_owned(),
            nonce: asked.get("nonce").to_owned(),
        };
        let name = format!("code-{}", asked.get("state"));
        self.told(|told| told.codes.insert(name.clone(), code));
        name
    }

    /// Says these claims of the person from now on; one that is null is left out.
    pub fn says(&self, claims: Value) {
        self.told(|told| merge(&mut told.person, claims));
    }

    /// Says nothing of its own under these names any more: what is right.
    pub fn forgets(&self, names: &Value) {
        self.told(|told| {
            let person = told.person.as_object_mut().unwrap();
            person.retain(|name, _| names.get(name).is_none());
            person.entry("oid").or_insert(json!(OID));
        });
    }

    pub fn lies(&self, lie: Lie) {
        self.told(|told| told.lie = lie);
    }

    /// Changes its metadata.
    pub fn publishes(&self, metadata: Value) {
        self.told(|told| merge(&mut told.metadata, metadata));
    }

    /// Signs with another key from now on, and publishes that one too.
    pub fn rotates(&self) {
        self.told(|told| told.keys.insert(0, ("two".to_owned(), new_key())));
    }

    /// Takes no refresh token any more that it gave.
    pub fn takes_refresh_tokens_back(&self) {
        self.told(|told| told.refresh.clear());
    }

    /// Gives no refresh tokens.
    pub fn gives_no_refresh_token(&self) {
        self.told(|told| told.no_refresh = true);
    }

    /// Knows the person as a member of these groups.
    pub fn knows_groups(&self, groups: &[&str]) {
        self.told(|told| told.groups = groups.iter().map(|group| (*group).to_owned()).collect());
    }

    /// Answers `place` (`metadata`, `keys`, `token`, `graph`) with this, whatever is asked.
    pub fn answers(&self, place: &'static str, status: u16, body: &str) {
        self.told(|told| told.answers.insert(place, (status, body.to_owned())));
    }

    /// Answers there as it should again.
    pub fn recovers(&self, place: &'static str) {
        self.told(|told| told.answers.remove(place));
    }

    /// How often `place` was asked.
    pub fn times(&self, place: &str) -> usize {
        self.told(|told| told.asked.iter().filter(|asked| *asked == place).count())
    }

    /// Nobody answers any more.
    pub fn stop(&self) {
        self.server.abort();
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Asked {
    /// What stands in an address, which must be that of the directory.
    pub fn of(directory: &Directory, location: &str) -> Self {
        let query = location.strip_prefix(&format!("{}/authorize?", directory.issuer)).unwrap();
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let asked: HashMap<_, _> = pairs.iter().cloned().collect();
        assert_eq!(asked.len(), pairs.len(), "each once");
        for (name, value) in [
            ("client_id", CLIENT_ID),
            ("response_type", "code"),
            ("response_mode", "query"),
            ("code_challenge_method", "S256"),
            ("scope", "openid profile offline_access"),
        ] {
            assert_eq!(asked[name], value);
        }
        for name in ["state", "nonce", "code_challenge"] {
            assert_eq!(asked[name].len(), 43, "{name}");
        }
        assert_eq!(asked.len(), 9, "{asked:?}");
        Self(asked)
    }

    pub fn get(&self, name: &str) -> &str {
        &self.0[name]
    }
}

impl Shared {
    /// What was arranged for a place, if anything; notes that it was asked.
    fn arranged(&self, place: &'static str) -> Option<Response> {
        let mut told = self.state.lock().unwrap();
        told.asked.push(place.to_owned());
        let (status, body) = told.answers.get(place)?.clone();
        let status = StatusCode::from_u16(status).unwrap();
        let headers = [
            ("content-type", "application/json"),
            ("location", "/elsewhere"),
            ("retry-after", "7"),
        ];
        Some((status, headers, body).into_response())
    }

    fn id_token(&self, told: &Told, nonce: Option<&str>) -> Option<String> {
        let now = self.clock.get().unwrap().now().seconds();
        let mut claims = json!({
            "iss": self.issuer.get().unwrap(), "aud": CLIENT_ID, "sub": "pairwise", "iat": now, "nbf": now,
            "exp": now + 3600, "tid": TENANT, "ver": "2.0",
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        merge(&mut claims, told.person.clone());
        claims.as_object_mut().unwrap().retain(|_, claim| !claim.is_null());
        let (name, key) = &told.keys[0];
        let header = |alg: &str, kid: Option<&str>| match kid {
            Some(kid) => json!({ "alg": alg, "kid": kid, "typ": "JWT" }),
            None => json!({ "alg": alg, "typ": "JWT" }),
        };
        let es256 = |kid, key: &EcdsaKeyPair| {
            let text = signed_part(&header("ES256", kid), &claims);
            let signature = key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        };
        Some(match &told.lie {
            Lie::No => es256(Some(name), key),
            Lie::Algorithm => format!("{}.", signed_part(&header("none", Some(name)), &claims)),
            Lie::Hmac => {
                let text = signed_part(&header("HS256", Some(name)), &claims);
                let secret = hmac::Key::new(hmac::HMAC_SHA256, key.public_key().as_ref());
                let tag = hmac::sign(&secret, text.as_bytes());
                format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
            }
            Lie::Missing => return None,
            Lie::OtherKey => es256(Some(name), &new_key()),
            Lie::KeyName(kid) => es256(*kid, key),
            Lie::Text(text) => (*text).to_owned(),
        })
    }
}

async fn show_metadata(State(shared): State<Arc<Shared>>) -> Response {
    let arranged = shared.arranged("metadata");
    arranged.unwrap_or_else(|| json_of(&shared.state.lock().unwrap().metadata))
}

async fn show_keys(State(shared): State<Arc<Shared>>) -> Response {
    shared.arranged("keys").unwrap_or_else(|| {
        let told = shared.state.lock().unwrap();
        let mut keys: Vec<Value> = told.keys.iter().map(|(name, key)| jwk(name, key)).collect();
        // One of a kind that nobody knows yet must not hide the others (RFC 7517 section 5).
        keys.push(json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "of-tomorrow", "pub": "AAAA" }));
        json_of(&json!({ "keys": keys }))
    })
}

async fn give_tokens(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    if let Some(arranged) = shared.arranged("token") {
        return arranged;
    }
    let pairs: Vec<_> = form_urlencoded::parse(&body).into_owned().collect();
    let form: HashMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(form.len(), pairs.len(), "each once");
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    if (field("client_id"), field("client_secret")) != (CLIENT_ID, SECRET) {
        return refusal(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let mut told = shared.state.lock().unwrap();
    let nonce = match field("grant_type") {
        "authorization_code" => {
            let Some(code) = told.codes.remove(field("code")) else {
                return refusal(StatusCode::BAD_REQUEST, "invalid_grant");
            };
            let hash = digest(&SHA256, field("code_verifier").as_bytes());
            assert_eq!(field("redirect_uri"), code.redirect_uri);
            if URL_SAFE_NO_PAD.encode(hash) != code.challenge {
                return refusal(StatusCode::BAD_REQUEST, "invalid_grant");
            }
            Some(code.nonce)
        }
        "refresh_token" => {
            let place = told.refresh.iter().position(|token| token == field("refresh_token"));
            let Some(place) = place else {
                return refusal(StatusCode::BAD_REQUEST, "invalid_grant");
            };
            told.refresh.remove(place);
            None
        }
        "client_credentials" => {
            assert_eq!(field("scope"), "https://graph.microsoft.com/.default");
            let answer =
                json!({ "access_token": "for graph", "token_type": "Bearer", "expires_in": 3600 });
            return json_of(&answer);
        }
        other => panic!("{other}"),
    };
    let mut answer =
        json!({ "access_token": "opaque", "token_type": "Bearer", "expires_in": 3600 });
    if let Some(token) = shared.id_token(&told, nonce.as_deref()) {
        answer["id_token"] = json!(token);
    }
    if !told.no_refresh {
        let token = format!("refresh-{}", told.asked.len());
        answer["refresh_token"] = json!(token);
        told.refresh.push(token);
    }
    json_of(&answer)
}

async fn check_groups(
    State(shared): State<Arc<Shared>>,
    Path(oid): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(arranged) = shared.arranged("graph") {
        return arranged;
    }
    assert_eq!(
        (oid.as_str(), &headers["authorization"].to_str().unwrap()),
        (OID, &"Bearer for graph")
    );
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let asked = asked["groupIds"].as_array().unwrap();
    assert!((1..=20).contains(&asked.len()), "{asked:?}");
    let told = shared.state.lock().unwrap();
    let found: Vec<_> = told.groups.iter().filter(|g| asked.contains(&json!(g))).collect();
    json_of(&json!({ "value": found }))
}

/// With what Entra ID says of itself beside that, which must disturb nothing.
fn metadata(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "end_session_endpoint": format!("{issuer}/logout"),
        "userinfo_endpoint": "https://graph.example/oidc/userinfo",
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported":
            ["client_secret_post", "private_key_jwt", "client_secret_basic", "self_signed_tls_client_auth"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": ["sub", "iss", "cloud_instance_name", "preferred_username", "tid", "ver"],
        "request_uri_parameter_supported": false,
        "frontchannel_logout_supported": true,
        "http_logout_supported": true,
        "device_authorization_endpoint": format!("{issuer}/devicecode"),
        "kerberos_endpoint": format!("{issuer}/kerberos"),
        "mtls_endpoint_aliases": { "token_endpoint": "https://mtls.example/token" },
        "tls_client_certificate_bound_access_tokens": true,
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "msgraph_host": "graph.microsoft.com",
    })
}

fn new_key() -> Arc<EcdsaKeyPair> {
    Arc::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
}

fn jwk(name: &str, key: &EcdsaKeyPair) -> Value {
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    let text = |bytes| URL_SAFE_NO_PAD.encode(bytes);
    json!({
        "kty": "EC", "crv": "P-256", "use": "sig", "kid": name, "x": text(x), "y": text(y),
        "x5t": name, "x5c": ["MIIC"], "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0",
        "cloud_instance_name": "microsoftonline.com",
    })
}

fn signed_part(header: &Value, claims: &Value) -> String {
    let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", text(header), text(claims))
}

/// Puts members of one object into another. One that is null counts as absent.
fn merge(into: &mut Value, from: Value) {
    let Value::Object(from) = from else { panic!("{from}") };
    into.as_object_mut().unwrap().extend(from);
}

fn json_of(value: &Value) -> Response {
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    ([("content-type", "application/json")], value.to_string()).into_response()
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, [("content-type", "application/json")], json!({ "error": error }).to_string())
        .into_response()
}
