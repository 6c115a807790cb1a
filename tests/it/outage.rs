//! Store and pool are gone, cut off or silent, while everything of ours runs: tokens that are kept are given, introspection
//! and local verification go on, changes say when to try again, and all is well once they are back, without a restart.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tonic::{Code, Status};
use turnpike_proto::v1 as pb;
use turnpike_sdk::jwks::JwksSource;
use turnpike_sdk::{Require, Verifier};
use turnpike_tests::{Caller, Cognito, Door, Http, Plane, Way, emulator_url, report};
use uuid::Uuid;

use crate::support;

/// As an installation has it, rather than a busy machine of tests.
const TIMES: [(&str, &str); 3] = [
    ("TURNPIKE_STORE__CONNECT_TIMEOUT_MS", "1000"),
    ("TURNPIKE_STORE__ATTEMPT_TIMEOUT_MS", "2000"),
    ("TURNPIKE_STORE__OPERATION_TIMEOUT_MS", "6000"),
];
/// How long it may take until all is well again.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest that anybody waits for an answer while store and pool are gone.
const ANSWER: Duration = Duration::from_secs(30);
const SCOPE: &str = "lj-health-food/place-order";

/// What stands before an outage, and what of it has to stand during one.
struct World {
    plane: Plane,
    store: Door,
    pool: Door,
    pavel: Caller,
    http: Http,
    /// Two clients: one that has a token, and one that never asked.
    known: (String, String),
    new: (String, String),
    /// What the processes keep for the first, one each, and one that was revoked.
    tokens: BTreeSet<String>,
    revoked: String,
    /// The orders API, as it asks and as it verifies.
    authorization: String,
    verifier: Verifier,
}

impl World {
    async fn start(cognito: &Cognito) -> Self {
        let store = Door::before(&[emulator_url().await.to_owned()]).await;
        let pool = Door::before(&[cognito.url().to_owned()]).await;
        let mut environment = cognito.environment_at(pool.url());
        environment.push(("TURNPIKE_STORE__ENDPOINT_URL", store.url().to_owned()));
        environment.extend(TIMES.map(|(variable, value)| (variable, value.to_owned())));
        let plane = Plane::replicated("", environment).await;
        let (olga, pavel) = (plane.caller("olga").await, plane.caller("pavel").await);
        let (server, secret) = support::orders_api(&olga).await;
        let authorization = support::basic(&server.identifier, &secret);
        let mut clients = Vec::new();
        for name in ["Known", "New"] {
            let (client, secret) = support::client(&pavel, name).await;
            support::grant(&pavel, &olga, &client, &["place-order"]).await;
            clients.push((client.client_id, secret));
        }
        let [known, new] = clients.try_into().unwrap();
        let http = plane.http();
        let revoked = http.token(&known.0, &known.1, "").await.access_token();
        let request = pb::RevokeTokenRequest { token: revoked.clone(), ..Default::default() };
        pavel.introspection().revoke_token(request).await.unwrap();
        let mut tokens = BTreeSet::new();
        for _ in 0..20 {
            tokens.insert(support::another_token(&http, &known, &revoked).await);
        }
        let said = cognito.environment_at(pool.url());
        let said = |key: &str| said.iter().find(|(k, _)| k.ends_with(key)).unwrap().1.clone();
        let keys = JwksSource::builder(said("JWKS_URI")).build().unwrap();
        let verifier = Verifier::builder(said("ISSUER")).jwks(keys).build().unwrap();
        let world = Self {
            plane,
            store,
            pool,
            pavel,
            http,
            known,
            new,
            tokens,
            revoked,
            authorization,
            verifier,
        };
        // All replicas and the verifier have seen it all.
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.goes_on().await;
        world
    }

    /// What nobody may feel.
    async fn goes_on(&self) {
        let require = Require::all_of([SCOPE]).unwrap();
        // Some at each process.
        for _ in 0..4 {
            let token = self.http.token(&self.known.0, &self.known.1, "").await.access_token();
            assert!(self.tokens.contains(&token), "it is another token");
            assert!(self.is_active(&token).await);
            assert!(!self.is_active(&self.revoked).await);
            let verified = self.verifier.verify_async(&token, &require).await.unwrap();
            assert_eq!(verified.client_id(), self.known.0);
        }
        let wrong = self.http.token(&self.known.0, "not its secret", "").await;
        assert_eq!(wrong.status, 400, "{}", wrong.text());
    }

    async fn is_active(&self, token: &str) -> bool {
        let headers = [("authorization", self.authorization.as_str())];
        let answer = self.http.form("/oauth2/introspect", &headers, &[("token", token)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["active"].as_bool().unwrap()
    }

    async fn create(&self, wish: &pb::CreateClientRequest) -> Result<(), Status> {
        self.pavel.clients().create_client(wish.clone()).await.map(drop)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_store_and_pool_what_is_known_goes_on() {
    let cognito = Cognito::start().await;
    let world = World::start(&cognito).await;
    let mut text = String::from(
        "| store and pool | change refused after | all well again after |\n|---|---|---|\n",
    );
    for (way, words) in [(Way::Shut, "cut off"), (Way::Silent, "silent")] {
        world.store.turn(way);
        world.pool.turn(way);
        world.goes_on().await;

        let client = pb::Client {
            display_name: format!("Made while {words}"),
            team: "partners".to_owned(),
            ..Default::default()
        };
        let request_id = Uuid::new_v4().to_string();
        let wish =
            pb::CreateClientRequest { client: Some(client), request_id, ..Default::default() };
        let began = Instant::now();
        let refused = tokio::time::timeout(ANSWER, world.create(&wish)).await;
        let refused = refused.expect("a change hangs").unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{words}: {refused:?}");
        let (_, details) = support::reason(&refused);
        assert!(details.retry_info().is_some(), "{words}: {refused:?}");
        let after = began.elapsed();

        let began = Instant::now();
        let none = tokio::time::timeout(ANSWER, world.http.token(&world.new.0, &world.new.1, ""));
        let none = none.await.expect("a token request hangs");
        assert_eq!(none.status, 503, "{words}: {}", none.text());
        assert!(!none.header("retry-after").is_empty(), "{words}");
        assert!(began.elapsed() < ANSWER);
        world.goes_on().await;

        world.store.turn(Way::Open);
        world.pool.turn(Way::Open);
        let back = Instant::now();
        until_well(words, async || world.create(&wish).await.is_ok()).await;
        until_well(words, async || world.plane.http().get("/readyz").await.status == 200).await;
        let again = back.elapsed();
        support::another_token(&world.http, &world.new, "").await;
        world.goes_on().await;
        text.push_str(&format!(
            "| {words} | {:.1} s | {:.1} s |\n",
            after.as_secs_f64(),
            again.as_secs_f64()
        ));
        revoke_all(&world).await;
    }
    report("Without store and pool", &text);
}

/// The client that never asked has no token again.
async fn revoke_all(world: &World) {
    let client_id = world.new.0.clone();
    let request = pb::RevokeClientTokensRequest { client_id, ..Default::default() };
    world.pavel.clients().revoke_client_tokens(request).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
}

async fn until_well(words: &str, look: impl AsyncFn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !look().await {
        assert!(Instant::now() < until, "after they were {words}, not all is well again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
