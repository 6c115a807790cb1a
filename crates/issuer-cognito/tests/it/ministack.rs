//! Both suites over an emulator that others wrote. What it does not know is said in the trial: it makes
//! all secrets itself, checks no scope, and its claims are not quite Cognito's. What it takes and
//! Cognito does not, the adapter refuses by itself.

use aws_sdk_cognitoidentityprovider::config::{BehaviorVersion, Config, Region};
use turnpike_domain::Scope;
use turnpike_domain::url::HttpUrl;
use turnpike_issuer_cognito::{Cognito, SecretsFrom, Settings};
use turnpike_testkit::authorization_server::{Trial, authorization_server_conformance};
use turnpike_testkit::ministack::MiniStack;
use turnpike_testkit::pool::{PoolTrial, pool_conformance};

use crate::issue::register;
use crate::live::now;
use crate::world::{MARK, credentials, open, patient, unlimited};

/// An emulator with a pool of its own.
async fn emulated() -> (MiniStack, Cognito) {
    let emulator = MiniStack::start().await;
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(MiniStack::REGION))
        .credentials_provider(credentials())
        .endpoint_url(emulator.url())
        .build();
    let sdk = aws_sdk_cognitoidentityprovider::Client::from_conf(config);
    let made = sdk.create_user_pool().pool_name("turnpike").send().await.unwrap();
    let pool_id = made.user_pool().unwrap().id().unwrap().to_owned();

    let base = emulator.url();
    let url = |text: String| HttpUrl::parse(&text).unwrap();
    let issuer = format!("https://cognito-idp.{}.amazonaws.com/{pool_id}", MiniStack::REGION);
    let cognito = open(Settings {
        region: MiniStack::REGION.to_owned(),
        endpoint_url: Some(url(base.to_owned())),
        issuer: url(issuer),
        jwks_uri: url(format!("{base}/{pool_id}/.well-known/jwks.json")),
        token_endpoint: url(format!("{base}/oauth2/token")),
        user_pool_id: pool_id,
        secrets: SecretsFrom::Cognito,
        rates: unlimited(),
        timeouts: patient(),
        insecure_http: false,
    });
    (emulator, cognito)
}

#[tokio::test]
async fn the_pools_suite() {
    let (_emulator, cognito) = emulated().await;
    let trial = PoolTrial {
        pool: &cognito,
        mark: MARK,
        clients: 61,
        resource_servers: 51,
        knows_scopes: false,
        knows_rules: true,
    };
    pool_conformance(&trial).await;
}

#[tokio::test]
async fn the_tokens_suite() {
    let (_emulator, cognito) = emulated().await;
    let trial = Trial {
        server: &cognito,
        prefix: "",
        register: async |lifetime: i64, scopes: &[Scope]| {
            register(&cognito, lifetime, scopes).await
        },
        now: now(),
        // How long the suite may take on a busy machine.
        clock_seconds: 300,
        keeps_order: false,
        odd_claims: &["origin_jti", "version"],
    };
    authorization_server_conformance(&trial).await;
}
