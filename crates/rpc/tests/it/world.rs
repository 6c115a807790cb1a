//! What each test starts from: a gate, and people who call.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use tempfile::TempDir;
use tonic::Request;
use turnpike_domain::Timestamp;
use turnpike_domain::actor::{Staff, Teams};
use turnpike_domain::id::TeamId;
use turnpike_registry::{Follower, Registry};
use turnpike_rpc::Gate;
use turnpike_rpc::assertion::{AssertionKeys, AssertionSigner, METADATA_KEY};
use turnpike_rpc::authenticate::Authenticator;
use turnpike_rpc::limits::{InFlight, Limits, Rate};
use turnpike_rpc::methods::Row;
use turnpike_rpc::metrics::Metrics;
use turnpike_rpc::oauth::{SecretHolders, SecretUses, TokenVerifiers};
use turnpike_rpc::page_token::PageTokens;
use turnpike_sdk::test_util::Issuer;
use turnpike_store_sqlite::SqliteStore;
use turnpike_testkit::clock::{SeededEntropy, TestClock};
use turnpike_testkit::store::FlakyStore;

const ISSUER: &str = "https://issuer.example.com";

pub(crate) struct World {
    pub(crate) gate: Gate,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) metrics: Metrics,
    pub(crate) store: Arc<FlakyStore<SqliteStore>>,
    signer: AssertionSigner,
    _folder: TempDir,
}

pub(crate) fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(InFlight::UNBOUNDED).await
    }

    pub(crate) async fn with(bounds: InFlight) -> Self {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("t.db")).unwrap();
        let store = Arc::new(FlakyStore::new(store));
        let clock = Arc::new(TestClock::default());
        let entropy = Arc::new(SeededEntropy::new(7));
        let registry = Registry::open(store.clone(), clock.clone(), entropy.clone()).await.unwrap();
        let policy = Follower::start(registry.clone()).await.unwrap().policy();
        let keys = Issuer::es256(ISSUER).keys();
        let verifiers = TokenVerifiers::new(ISSUER, &keys, policy.clone(), clock.clone()).unwrap();
        let secrets = SecretHolders::new(policy.clone(), SecretUses::start(registry.clone()));
        let (signer, assertions) = AssertionKeys::generate(clock.clone(), entropy).unwrap();
        let tokens = verifiers.decides().clone();
        let authenticator = Authenticator::new(assertions, tokens, policy, secrets).unwrap();
        let rate = Rate { per_second: number(100_000), burst: number(100_000) };
        let limits = Limits::new(rate, rate).in_flight(bounds);
        let (pages, metrics) = (PageTokens::new(&[7; 32]).unwrap(), Metrics::new().unwrap());
        let gate = Gate::new(authenticator, registry, pages, limits, metrics.clone());
        Self { gate, clock, metrics, store, signer, _folder: folder }
    }

    /// A call of `row` by a person.
    pub(crate) fn call<M>(&self, who: &str, row: &Row, message: M) -> Request<M> {
        let staff = Staff {
            id: who.to_owned(),
            display_name: "Someone".to_owned(),
            teams: Teams::Known(BTreeSet::from([TeamId::parse("orders").unwrap()])),
            roles: BTreeSet::new(),
            session_expire_time: Timestamp::MAX,
        };
        let assertion = self.signer.sign(&staff, row.path).unwrap();
        let mut request = Request::new(message);
        request.metadata_mut().insert(METADATA_KEY, assertion.parse().unwrap());
        request
    }
}
