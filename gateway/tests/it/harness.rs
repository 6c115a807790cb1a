//! A gateway of its own for each test.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use turnpike_domain::Timestamp;
use turnpike_domain::actor::Role;
use turnpike_domain::id::TeamId;
use turnpike_domain::ports::{Clock, Entropy};
use turnpike_gateway::{
    Assets, Builder, Gateway, GatewayConfig, LoginLinks, OidcSettings, Origin, Persona, SealKey,
    SealKeys, ServeError,
};
use turnpike_registry::Registry;
use turnpike_rpc::assertion::{AssertionKeys, AssertionVerifier};
use turnpike_runtime::config::Oidc;
use turnpike_store_sqlite::SqliteStore;
use turnpike_testkit::store::FlakyStore;

use crate::client::Client;
use crate::directory::Directory;
use crate::service::Puppet;

pub const NOW: i64 = 1_800_000_000;

#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[derive(Debug)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).unwrap();
    }
}

/// A gateway, or one of several over one store.
pub struct World {
    pub address: SocketAddr,
    pub clock: Arc<TestClock>,
    pub puppet: Puppet,
    pub verifier: AssertionVerifier,
    pub links: LoginLinks,
    pub stop: Option<oneshot::Sender<()>>,
    pub served: JoinHandle<Result<(), ServeError>>,
    pub store: Arc<FlakyStore<SqliteStore>>,
    _folder: Arc<TempDir>,
}

/// A gateway with two personas, a puppet as `test.Puppet`, and a small portal.
pub async fn world() -> World {
    world_with(|_| {}, |builder| builder).await
}

pub async fn world_with(
    configure: impl FnOnce(&mut GatewayConfig),
    extend: impl FnOnce(Builder) -> Builder,
) -> World {
    let folder = Arc::new(TempDir::new().unwrap());
    let store = SqliteStore::open(&folder.path().join("t.db")).unwrap();
    let store = Arc::new(FlakyStore::new(store));
    let clock = Arc::new(TestClock(AtomicI64::new(NOW * 1000)));
    start(folder, store, clock, configure, extend).await
}

/// A gateway where people sign in by a directory, set up like this.
pub async fn world_of(directory: &Directory, oidc: &Oidc) -> World {
    let configure = |config: &mut GatewayConfig| {
        config.personas = Vec::new();
        config.oidc = OidcSettings::of(oidc).unwrap();
    };
    let w = world_with(configure, |builder| builder).await;
    directory.follow(&w.clock);
    w
}

/// Another gateway over the store of `w`, at the same address as far as browsers know.
pub async fn replica_of(w: &World) -> World {
    replica_with(w, &Oidc::default()).await
}

/// The same, where people sign in by a directory set up like this.
pub async fn replica_with(w: &World, oidc: &Oidc) -> World {
    let public = Origin::parse(&w.origin()).unwrap();
    let configure = |config: &mut GatewayConfig| {
        config.allowed_origins = vec![config.public_origin.clone()];
        config.public_origin = public;
        config.oidc = OidcSettings::of(oidc).unwrap();
    };
    let (folder, store) = (w._folder.clone(), w.store.clone());
    start(folder, store, w.clock.clone(), configure, |builder| builder).await
}

async fn start(
    folder: Arc<TempDir>,
    store: Arc<FlakyStore<SqliteStore>>,
    clock: Arc<TestClock>,
    configure: impl FnOnce(&mut GatewayConfig),
    extend: impl FnOnce(Builder) -> Builder,
) -> World {
    listen_to_all();
    let entropy = Arc::new(SystemEntropy);
    let registry = Registry::open(store.clone(), clock.clone(), entropy).await.unwrap();
    turnpike_testkit::teams::provide(&registry, &["orders", "platform"]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut config = GatewayConfig::new(Origin::parse(&format!("http://{address}")).unwrap());
    config.personas = personas();
    configure(&mut config);
    let puppet = Puppet::default();
    let (signer, verifier) =
        AssertionKeys::generate(clock.clone(), Arc::new(SystemEntropy)).unwrap();
    let keys = SealKeys::new(&[SealKey::new([1; 32])]).unwrap();
    let entropy = Arc::new(SystemEntropy);
    let builder = Gateway::builder(config, registry, signer, keys, clock.clone(), entropy)
        .upstream("test.Puppet", puppet.clone())
        .assets(portal());
    let gateway = extend(builder).build().unwrap();
    let links = gateway.login_links();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async move {
        let _ = stopped.await;
    };
    let served = tokio::spawn(gateway.serve(listener, shutdown));
    let stop = Some(stop);
    World { address, clock, puppet, verifier, links, stop, served, store, _folder: folder }
}

impl World {
    /// The registry of all gateways of the store.
    pub async fn registry(&self) -> Registry {
        let entropy = Arc::new(SystemEntropy);
        Registry::open(self.store.clone(), self.clock.clone(), entropy).await.unwrap()
    }

    pub async fn h1(&self) -> Client {
        Client::h1(self.address).await
    }

    pub async fn h2(&self) -> Client {
        Client::h2(self.address).await
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The code of a new login link.
    pub fn code(&self, persona: &str) -> String {
        let link = self.links.issue(persona).unwrap();
        link.expose().strip_prefix(&format!("{}/login?code=", self.origin())).unwrap().to_owned()
    }

    /// Signs a persona in; the `Cookie` header to send.
    pub async fn sign_in(&self, persona: &str) -> String {
        let body = format!("code={}", self.code(persona));
        let answer = self
            .h1()
            .await
            .post("/login")
            .header("x-turnpike-csrf", "1")
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .send(body)
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.cookie().unwrap()
    }
}

/// Somebody takes every line of the log. Where nobody does, a place that logs for the first time is noted as one that
/// nobody listens to, also for the test that does.
fn listen_to_all() {
    let nowhere = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(std::io::sink)
        .finish();
    // The first test does; for the others it is done.
    let _ = tracing::subscriber::set_global_default(nowhere);
}

pub fn personas() -> Vec<Persona> {
    let persona = |id: &str, name: &str, team: &str, roles: &[Role]| Persona {
        id: id.to_owned(),
        display_name: name.to_owned(),
        teams: BTreeSet::from([TeamId::parse(team).unwrap()]),
        roles: roles.iter().copied().collect(),
    };
    vec![
        persona("olga", "Olga <Orders>", "orders", &[]),
        persona("ada", "Ada Admin", "platform", &[Role::PlatformAdmin]),
    ]
}

fn portal() -> Assets {
    let file = |path: &str, bytes: &'static [u8]| (path.to_owned(), Bytes::from_static(bytes));
    Assets::from_files([
        file(
            "index.html",
            b"<html><meta property=csp-nonce nonce=\"__TURNPIKE_CSP_NONCE__\">portal</html>",
        ),
        file("assets/app-1a2b.js", b"console.log('plain')"),
        file("assets/app-1a2b.js.br", b"as brotli"),
        file("assets/app-1a2b.js.gz", b"as gzip"),
        file("favicon.svg", b"<svg/>"),
        file(".vite/manifest.json", b"{}"),
    ])
}
