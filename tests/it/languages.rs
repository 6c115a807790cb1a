//! The orders API in other languages, each by the libraries of its own: what is accepted and what is refused.

use axum::Router;
use axum::routing::get;
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use turnpike_proto::v1 as pb;
use turnpike_sdk::test_util::hostile::{Forge, kinds};
use turnpike_sdk::test_util::{Issuer, quote};
use turnpike_sdk::{Clock, SystemClock};
use turnpike_tests::{Answer, Language, OrdersApi, Plane, Trust};

use crate::support::{client, grant, orders_api};

const PLACE: &str = "lj-health-food/place-order";
const LIST: &str = "lj-health-food/list-orders";

/// What no orders API may accept, whatever it is made with: see [`turnpike_sdk::Refusal::reason`]. The others of the list are
/// about forms that only a strict reader knows to be wrong.
const REASONS: [&str; 6] = [
    "algorithm_mismatch",
    "bad_signature",
    "expired",
    "unknown_key",
    "wrong_issuer",
    "wrong_token_use",
];

/// One orders API.
struct Api {
    language: Language,
    program: OrdersApi,
}

impl Api {
    async fn start(language: Language, trust: Trust<'_>) -> Self {
        Self { language, program: language.start(trust).await }
    }

    async fn send(&self, method: Method, headers: &[&str]) -> Answer {
        let mut all: Vec<_> = headers.iter().map(|value| ("authorization", *value)).collect();
        let mut body = String::new();
        if method == Method::POST {
            all.push(("content-type", "application/json"));
            body = json!({ "order_id": "1", "item": "oat bars", "quantity": 12 }).to_string();
        }
        self.program.http().send(method, "/orders", &all, body).await
    }

    async fn place(&self, token: &str) -> Answer {
        self.send(Method::POST, &[&format!("Bearer {token}")]).await
    }

    async fn list(&self, token: &str) -> Answer {
        self.send(Method::GET, &[&format!("Bearer {token}")]).await
    }

    /// Holds the status, and of a refusal the challenge of RFC 6750 section 3: with this error, or with none.
    fn hold(&self, what: &str, answer: &Answer, status: u16, error: &str) {
        let language = self.language;
        let challenge = answer.header("www-authenticate");
        assert_eq!(answer.status, status, "{language:?}, {what}: {challenge} {}", answer.text());
        if matches!(status, 400..500) {
            assert!(challenge.starts_with("Bearer "), "{language:?}, {what}: {challenge}");
        }
        match error {
            "" => assert!(!challenge.contains("error"), "{language:?}, {what}: {challenge}"),
            _ => {
                let error = format!("error=\"{error}\"");
                assert!(challenge.contains(&error), "{language:?}, {what}: {challenge}");
            }
        }
    }

    /// Refuses whoever brings no token, or more than one.
    async fn asks_for_one_token(&self, token: &str) {
        let none = self.send(Method::POST, &[]).await;
        self.hold("no token", &none, 401, "");
        let basic = self.send(Method::POST, &["Basic YTpi"]).await;
        self.hold("another scheme", &basic, 401, "");
        let token = format!("Bearer {token}");
        let two = self.send(Method::POST, &[&token, &token]).await;
        self.hold("two tokens", &two, 400, "invalid_request");
        self.hold("garbage", &self.place("garbage").await, 401, "invalid_token");
    }

    /// Lets a caller do what its scope is for, and no more.
    async fn needs_a_scope_for_each_route(&self, places: &str, lists: &str) {
        self.hold("an order", &self.place(places).await, 201, "");
        self.hold("the same again", &self.place(places).await, 200, "");
        self.hold("a list", &self.list(places).await, 403, "insufficient_scope");
        self.hold("another order", &self.place(lists).await, 403, "insufficient_scope");
        let listed = self.list(lists).await;
        self.hold("the list", &listed, 200, "");
        assert_eq!(listed.json().as_array().map(Vec::len), Some(1), "{:?}", self.language);
        assert_eq!(listed.json()[0]["order_id"], "1", "{:?}", self.language);
    }
}

/// Header and claims of a token, as they stand in it.
fn parts(token: &str) -> [Vec<u8>; 2] {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    [parts.next().unwrap(), parts.next().unwrap()]
}

#[tokio::test]
async fn each_accepts_ours_and_no_strangers() {
    let plane = Plane::start().await;
    let (olga, pavel) = (plane.caller("olga").await, plane.caller("pavel").await);
    let (_, api_secret) = orders_api(&olga).await;
    let (shop, secret) = client(&pavel, "Corner shop").await;
    grant(&pavel, &olga, &shop, &["place-order", "list-orders"]).await;
    let token = async |scope| {
        let answer = plane.http().token(&shop.client_id, &secret, scope).await;
        answer.access_token()
    };
    let (places, lists) = (token(PLACE).await, token(LIST).await);
    let [header, claims] = parts(&places);
    let (issuer, jwks) = (plane.token_issuer().await, plane.jwks_uri().await);
    let foreign = Issuer::rs256(&issuer);
    // Under the name of the issuer's key, and under its own.
    let foreign = [foreign.token_of(header, claims), foreign.token(&shop.client_id, PLACE)];

    let introspection = format!("{}/oauth2/introspect", plane.url());
    let trust =
        Trust { issuer: &issuer, jwks: &jwks, introspection: (&introspection, &api_secret) };
    let languages = Language::VERIFYING.into_iter().chain([Language::JavaAsking]);
    let apis = join_all(languages.map(|language| Api::start(language, trust))).await;
    for api in &apis {
        api.asks_for_one_token(&places).await;
        api.needs_a_scope_for_each_route(&places, &lists).await;
        for token in &foreign {
            api.hold("a stranger's token", &api.place(token).await, 401, "invalid_token");
        }
    }

    // What Spring says of an API by itself (RFC 9728) is true of this one.
    let java = [Language::JavaAsking, Language::JavaVerifying];
    for api in apis.iter().filter(|api| java.contains(&api.language)) {
        let about = api.program.http().get("/.well-known/oauth-protected-resource").await.json();
        assert_eq!(about["scopes_supported"], json!([PLACE, LIST]));
        assert_eq!(about["tls_client_certificate_bound_access_tokens"], false);
    }

    // Who asks knows of it; who verifies goes by the token until it ends, as their READMEs say.
    let disable = pb::DisableClientRequest { client_id: shop.client_id, ..Default::default() };
    pavel.clients().disable_client(disable).await.unwrap();
    let (asking, verifying) = apis.split_last().unwrap();
    while asking.place(&places).await.status != 401 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    asking.hold("a disabled client", &asking.place(&places).await, 401, "invalid_token");
    for api in verifying {
        api.hold("a disabled client", &api.place(&places).await, 200, "");
    }
}

#[tokio::test]
async fn each_reads_the_claims_and_none_guesses_without_keys() {
    let issuer = Issuer::rs256("https://turnpike.example");
    // Nor say what they are for: which algorithm is accepted is the API's to know.
    let keys = issuer.jwks().replace(r#""alg":"RS256","#, "");
    assert!(!keys.contains("alg"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/jwks.json", get(async || keys));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let (jwks, gone) = (format!("http://{address}/jwks.json"), format!("http://{address}/gone"));
    let trust = |jwks| Trust { issuer: "https://turnpike.example", jwks, introspection: ("", "") };
    let apis = join_all(Language::VERIFYING.map(|language| Api::start(language, trust(&jwks))));
    let blind = join_all(Language::VERIFYING.map(|language| Api::start(language, trust(&gone))));
    let (apis, blind) = futures_util::join!(apis, blind);

    let now = SystemClock.now();
    let forge = Forge::new(issuer, "shop", PLACE, now);
    let of_list = kinds().filter(|kind| REASONS.contains(&kind.reason()));
    let mut bad: Vec<_> = of_list.map(|kind| (kind.name(), kind.token(&forge))).collect();
    assert!(bad.len() > 80, "{} kinds of bad tokens", bad.len());
    bad.extend([
        ("without an end", forge.draft().without_claim("exp").token()),
        ("not yet", forge.draft().claim("nbf", now + 600).token()),
        ("of no kind", forge.draft().without_claim("token_use").token()),
        ("of nobody", forge.draft().without_claim("client_id").token()),
        ("of an empty name", forge.draft().claim("client_id", quote("")).token()),
    ]);
    for api in &apis {
        api.hold("a good token", &api.place(&forge.good()).await, 201, "");
        for (what, token) in &bad {
            api.hold(what, &api.place(token).await, 401, "invalid_token");
        }
        for scope in ["other/place-order", "lj-health-food/place-orders", LIST] {
            let token = forge.draft().claim("scope", quote(scope)).token();
            api.hold(scope, &api.place(&token).await, 403, "insufficient_scope");
        }
        api.hold("a good token again", &api.place(&forge.good()).await, 200, "");
        let other = forge.draft().claim("client_id", quote("other")).claim("sub", quote("other"));
        let other = other.claim("scope", quote(LIST)).token();
        assert_eq!(api.list(&other).await.json(), Value::Array(Vec::new()), "{:?}", api.language);
    }
    for api in &blind {
        api.hold("no keys", &api.place(&forge.good()).await, 503, "");
    }
}
