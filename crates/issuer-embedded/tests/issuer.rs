//! The embedded side of the authorization-server seam: the suite, and what is its own (kept keys,
//! rotation, several processes).
#![expect(clippy::unwrap_used, reason = "helpers of tests stop where the set-up fails")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;
use turnpike_domain::authorization_server::{
    AuthorizationServer, IssuedToken, PublishedKeys, TokenRequest,
};
use turnpike_domain::ports::Clock as _;
use turnpike_domain::url::HttpUrl;
use turnpike_domain::{Error, Scope, Timestamp};
use turnpike_issuer_embedded::{Algorithm, EmbeddedIssuer, Settings};
use turnpike_registry::store::{Key, Store as _};
use turnpike_registry::{EventFilter, Registry};
use turnpike_sdk::{KeySet, Keys, Require, Verifier};
use turnpike_store_sqlite::SqliteStore;
use turnpike_testkit::authorization_server::{
    Registered, Timeline, Trial, asked, authorization_server_conformance, client, rotation_timeline,
};
use turnpike_testkit::clock::{SeededEntropy, TestClock};

const ISSUER: &str = "https://issuer.example.com/tenant";
const HOUR: Duration = Duration::from_secs(3600);

struct World {
    clock: Arc<TestClock>,
    store: Arc<SqliteStore>,
    _folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("t.db")).unwrap());
        Self { clock: Arc::new(TestClock::default()), store, _folder: folder }
    }

    /// What a process has of its own.
    async fn registry(&self) -> Registry {
        let entropy = Arc::new(SeededEntropy::new(1));
        Registry::open(self.store.clone(), self.clock.clone(), entropy).await.unwrap()
    }

    async fn issuer(&self, settings: Settings) -> EmbeddedIssuer {
        EmbeddedIssuer::open(settings, self.registry().await).await.unwrap()
    }
}

fn settings() -> Settings {
    Settings::new(HttpUrl::parse(ISSUER).unwrap())
}

async fn token(issuer: &EmbeddedIssuer, now: Timestamp) -> String {
    let scope = [Scope::parse("api/read").unwrap()];
    let token = issuer.issue(&asked(&client("shop", 3600), &scope, now)).await.unwrap();
    token.access_token.expose().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_algorithms_keep_the_seam() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let world = World::new();
        let issuer = world.issuer(settings().algorithm(algorithm)).await;
        let trial = Trial {
            server: &issuer,
            prefix: "",
            register: async |lifetime: i64, _: &[Scope]| Registered {
                client: client("shop+1_a", lifetime),
                secret: "shown-by-the-client".to_owned(),
            },
            now: world.clock.now(),
            clock_seconds: 0,
            keeps_order: true,
            odd_claims: &[],
        };
        authorization_server_conformance(&trial).await;
        assert_eq!(issuer.keys().await.unwrap().algorithms, [algorithm.name()]);
    }
}

/// At the time of the machine: our own verifier has no clock of the test.
#[tokio::test(flavor = "multi_thread")]
async fn our_own_verifier_accepts_the_tokens_too() {
    use turnpike_sdk::Clock as _;

    let world = World::new();
    world.clock.set(Timestamp::from_seconds(turnpike_sdk::SystemClock.now()));
    let issuer = world.issuer(settings()).await;
    let keys = KeySet::from_jwks(&issuer.keys().await.unwrap().jwks).unwrap();
    assert!(keys.skipped().is_empty());
    let verifier = Verifier::builder(ISSUER).keys(Keys::new(keys)).build().unwrap();
    let token = token(&issuer, world.clock.now()).await;
    let verified = verifier.verify(&token, &Require::all_of(["api/read"]).unwrap()).unwrap();
    assert_eq!(verified.client_id(), "shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_outlive_the_process() {
    let world = World::new();
    let before = world.issuer(settings()).await.keys().await.unwrap();
    let after = world.issuer(settings()).await.keys().await.unwrap();
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_that_start_at_once_make_one_key() {
    let world = World::new();
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let registry = world.registry().await;
        starts.spawn(async move { EmbeddedIssuer::open(settings(), registry).await.unwrap() });
    }
    let mut sets = Vec::new();
    for issuer in starts.join_all().await {
        sets.push(issuer.keys().await.unwrap().jwks);
    }
    assert_eq!(sets[0].matches("\"kid\"").count(), 1);
    assert!(sets.iter().all(|set| *set == sets[0]));
}

/// One process signs, another publishes, and only the third looks at the calendar.
#[derive(Debug)]
struct Processes {
    signs: EmbeddedIssuer,
    publishes: EmbeddedIssuer,
}

#[async_trait]
impl AuthorizationServer for Processes {
    fn issuer(&self) -> &str {
        self.signs.issuer()
    }

    async fn issue(&self, request: &TokenRequest<'_>) -> Result<IssuedToken, Error> {
        self.signs.issue(request).await
    }

    async fn keys(&self) -> Result<PublishedKeys, Error> {
        self.publishes.keys().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn through_rotations_no_token_fails() {
    let world = World::new();
    let settings = settings().algorithm(Algorithm::Es256).rotation(10 * 24 * HOUR, 24 * HOUR);
    let settings = settings.unwrap();
    let processes = Processes {
        signs: world.issuer(settings.clone()).await,
        publishes: world.issuer(settings.clone()).await,
    };
    let third = world.issuer(settings).await;
    let watch = Timeline { step: HOUR, steps: 45 * 24, key_set_lifetime: 24 * HOUR };
    let signed = rotation_timeline(&processes, &world.clock, watch, async |step| {
        if step % 5 == 0 {
            third.rotate_if_due().await.unwrap();
        }
    })
    .await;
    assert_eq!(signed.len(), 5, "{signed:?}");
    let published = processes.keys().await.unwrap().jwks.matches("\"kid\"").count();
    assert!(published <= 3, "{published}");
}

/// Steps of a minute around the change, where a difference of a second would show.
#[tokio::test(flavor = "multi_thread")]
async fn the_change_over_itself_has_no_gap() {
    let world = World::new();
    let settings = settings().algorithm(Algorithm::Es256).rotation(2 * HOUR, HOUR).unwrap();
    let processes = Processes {
        signs: world.issuer(settings.clone()).await,
        publishes: world.issuer(settings.clone()).await,
    };
    let third = world.issuer(settings).await;
    let minute = Duration::from_secs(60);
    let watch = Timeline { step: minute, steps: 5 * 60, key_set_lifetime: HOUR - 6 * minute };
    let signed = rotation_timeline(&processes, &world.clock, watch, async |_| {
        third.rotate_if_due().await.unwrap();
    })
    .await;
    assert_eq!(signed.len(), 3, "{signed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_algorithm_breaks_nobody() {
    let world = World::new();
    drop(world.issuer(settings()).await);
    let issuer = world.issuer(settings().algorithm(Algorithm::Es256)).await;
    let set = issuer.keys().await.unwrap();
    assert_eq!(set.algorithms, ["RS256", "ES256"], "the one that signs now stands first");
    world.clock.advance(24 * HOUR);
    let old_token = token(&issuer, world.clock.now()).await;
    assert_eq!(jsonwebtoken::decode_header(old_token).unwrap().alg, jsonwebtoken::Algorithm::ES256);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_of_each_state_of_a_key_and_of_no_secret() {
    let world = World::new();
    let issuer = world.issuer(settings().algorithm(Algorithm::Es256)).await;
    for days in [29, 1, 2] {
        world.clock.advance(days * 24 * HOUR);
        assert!(issuer.rotate_if_due().await.unwrap(), "day {days}");
        assert!(!issuer.rotate_if_due().await.unwrap(), "it is due once");
    }
    let registry = world.registry().await;
    let page = registry.list_events(&EventFilter::default(), 100, None, |_| true).await.unwrap();
    let mut said: Vec<String> = Vec::new();
    for event in page.items.iter().rev() {
        assert_eq!(event.action, "signing_key.rotated");
        assert!(event.subject.starts_with("signing-keys/"));
        assert!(!event.line.contains("pkcs8") && !event.line.contains("\"d\""));
        let (_, before, after) = event.changes.iter().find(|(field, ..)| field == "state").unwrap();
        said.push(format!("{before} {after}"));
    }
    said.sort();
    let mut expected =
        [" \"current\"", " \"next\"", "\"current\" \"old\"", "\"next\" \"current\"", "\"old\" "];
    expected.sort_unstable();
    assert_eq!(said, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_key_keeps_no_private_half() {
    let world = World::new();
    let issuer = world.issuer(settings().algorithm(Algorithm::Es256)).await;
    let halves = async || {
        let item = world.store.get(&Key::new("SYSTEM", "signing-keys")).await.unwrap().unwrap();
        String::from_utf8(item.body).unwrap().matches("pkcs8").count()
    };
    world.clock.advance(29 * 24 * HOUR);
    issuer.rotate_if_due().await.unwrap();
    assert_eq!(halves().await, 2);
    world.clock.advance(24 * HOUR);
    issuer.rotate_if_due().await.unwrap();
    assert_eq!(halves().await, 1);
    assert_eq!(issuer.keys().await.unwrap().jwks.matches("\"kid\"").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_in_the_process_hear_of_new_keys() {
    let world = World::new();
    let issuer = world.issuer(settings().algorithm(Algorithm::Es256)).await;
    let mut published = issuer.keys_changed();
    assert_eq!(*published.borrow_and_update(), issuer.keys().await.unwrap().jwks);
    issuer.rotate_if_due().await.unwrap();
    assert!(!published.has_changed().unwrap(), "nothing was due");
    world.clock.advance(29 * 24 * HOUR);
    issuer.rotate_if_due().await.unwrap();
    assert!(published.has_changed().unwrap());
    assert_eq!(*published.borrow_and_update(), issuer.keys().await.unwrap().jwks);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_keys_are_an_error_and_are_not_replaced() {
    use turnpike_registry::store::{Item, Precondition, Write};

    let world = World::new();
    drop(world.issuer(settings().algorithm(Algorithm::Es256)).await);
    let key = Key::new("SYSTEM", "signing-keys");
    let item = Item { key: key.clone(), index1: None, index2: None, version: 1, body: vec![1] };
    let write = Write::Put { item, precondition: Precondition::Any };
    world.store.commit(&[write]).await.unwrap();
    let opened = EmbeddedIssuer::open(settings(), world.registry().await).await;
    assert!(matches!(opened, Err(Error::Internal(_))));
    assert_eq!(world.store.get(&key).await.unwrap().unwrap().body, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_does_not_answer_known_keys_serve_for_a_while() {
    use turnpike_registry::store::Error as StoreError;
    use turnpike_testkit::store::{Fault, FlakyStore};

    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("t.db")).unwrap();
    let store = Arc::new(FlakyStore::new(store));
    let clock = Arc::new(TestClock::default());
    let entropy = Arc::new(SeededEntropy::new(1));
    let registry = Registry::open(store.clone(), clock.clone(), entropy).await.unwrap();
    let settings = settings().algorithm(Algorithm::Es256);
    let issuer = EmbeddedIssuer::open(settings, registry).await.unwrap();
    let published = issuer.keys().await.unwrap();
    let fail = || store.on_reads([Fault::Fail(StoreError::Unavailable("gone".into()))]);

    clock.advance(Duration::from_secs(29 * 60));
    fail();
    assert_eq!(issuer.keys().await.unwrap(), published);
    fail();
    token(&issuer, clock.now()).await;
    clock.advance(Duration::from_secs(60));
    fail();
    assert!(matches!(issuer.keys().await, Err(Error::Unavailable(_))));
    assert_eq!(issuer.keys().await.unwrap(), published, "it answers again");
}
