//! Both suites over a user pool of Amazon's, if the environment names one; else over the fake at the rates
//! that the real one has. Which it was is printed.
//!
//! | variable | is |
//! | --- | --- |
//! | `TURNPIKE_TEST_COGNITO_POOL_ID` | the pool: one for tests, with a domain; what is made there begins with `tpsuite` |
//! | `TURNPIKE_TEST_COGNITO_REGION` | its region |
//! | `TURNPIKE_TEST_COGNITO_ISSUER` | `iss` of its tokens |
//! | `TURNPIKE_TEST_COGNITO_JWKS_URI` | where its keys are |
//! | `TURNPIKE_TEST_COGNITO_TOKEN_ENDPOINT` | `/oauth2/token` of its domain |
//!
//! Credentials are looked for as the AWS SDK does. They need the actions that `docs/cognito.md` lists. A run
//! makes some eighty clients and thirty tokens, and takes them away again; it takes about two minutes.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use turnpike_domain::ports::Clock as _;
use turnpike_domain::url::HttpUrl;
use turnpike_domain::{Scope, Timestamp};
use turnpike_fake_cognito::Rates as RealRates;
use turnpike_issuer_cognito::{Cognito, Rates, SecretsFrom, Settings};
use turnpike_testkit::authorization_server::{Trial, authorization_server_conformance};
use turnpike_testkit::clock::SeededEntropy;
use turnpike_testkit::pool::{PoolTrial, pool_conformance};

use crate::issue::register;
use crate::world::{MARK, World, open, patient};

#[tokio::test]
async fn the_suites_over_a_pool_at_real_rates() {
    match live().await {
        Some(cognito) => {
            eprintln!("live: a user pool of Amazon's");
            conforms(&cognito, now(), 600, 61).await;
        }
        None => {
            eprintln!("live: no pool in the environment, so the fake at real rates");
            let world = World::with(|fake| fake.rates = Some(RealRates::default())).await;
            let mut settings = world.settings();
            settings.rates = Rates::default();
            conforms(&open(settings), world.clock.now(), 0, 4).await;
            let throttled = |outcome: &str| outcome == "TooManyRequestsException";
            assert!(!world.fake.calls().iter().any(|call| throttled(&call.outcome)));
        }
    }
}

async fn conforms(cognito: &Cognito, now: Timestamp, clock_seconds: i64, clients: usize) {
    let pool = PoolTrial {
        pool: cognito,
        mark: MARK,
        clients,
        // A new pool takes 25.
        resource_servers: 10,
        knows_scopes: true,
        knows_rules: true,
    };
    pool_conformance(&pool).await;
    let tokens = Trial {
        server: cognito,
        prefix: &format!("{MARK}-"),
        register: async |lifetime: i64, scopes: &[Scope]| register(cognito, lifetime, scopes).await,
        now,
        clock_seconds,
        keeps_order: false,
        odd_claims: &[],
    };
    authorization_server_conformance(&tokens).await;
    pool.clean().await;
}

async fn live() -> Option<Cognito> {
    let user_pool_id = variable("POOL_ID")?;
    let url = |name: &str| HttpUrl::parse(&required(name)).unwrap();
    let settings = Settings {
        user_pool_id,
        region: required("REGION"),
        endpoint_url: None,
        issuer: url("ISSUER"),
        jwks_uri: url("JWKS_URI"),
        token_endpoint: url("TOKEN_ENDPOINT"),
        secrets: SecretsFrom::Turnpike,
        rates: Rates::default(),
        timeouts: patient(),
        insecure_http: false,
    };
    Some(
        Cognito::open(settings, Arc::new(SeededEntropy::new(now().seconds().unsigned_abs())))
            .await
            .unwrap(),
    )
}

fn required(name: &str) -> String {
    variable(name).unwrap_or_else(|| panic!("TURNPIKE_TEST_COGNITO_{name} is not set"))
}

#[expect(clippy::disallowed_methods, reason = "a test has no configuration but this")]
fn variable(name: &str) -> Option<String> {
    std::env::var(format!("TURNPIKE_TEST_COGNITO_{name}")).ok()
}

#[expect(clippy::disallowed_methods, reason = "the real service has the real time")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap())
}
