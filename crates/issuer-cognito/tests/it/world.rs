//! A fake, and an adapter over it.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use turnpike_domain::authorization_server::AuthorizationServer as _;
use turnpike_domain::url::HttpUrl;
use turnpike_fake_cognito::FakeCognito;
use turnpike_issuer_cognito::{Cognito, Rates, SecretsFrom, Settings, Timeouts};
use turnpike_testkit::clock::{SeededEntropy, TestClock};

/// What every name begins with that the suites make.
pub const MARK: &str = "tpsuite";

pub struct World {
    pub fake: FakeCognito,
    pub clock: Arc<TestClock>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut turnpike_fake_cognito::Settings)) -> Self {
        let clock = Arc::new(TestClock::default());
        let mut settings = turnpike_fake_cognito::Settings::new(clock.clone());
        change(&mut settings);
        Self { fake: FakeCognito::start(settings).await.unwrap(), clock }
    }

    pub fn settings(&self) -> Settings {
        let url = |text: String| HttpUrl::parse(&text).unwrap();
        Settings {
            region: self.fake.region().to_owned(),
            user_pool_id: self.fake.pool_id().to_owned(),
            endpoint_url: Some(url(self.fake.endpoint_url())),
            issuer: url(self.fake.issuer()),
            jwks_uri: url(self.fake.jwks_uri()),
            token_endpoint: url(self.fake.token_endpoint()),
            secrets: SecretsFrom::Turnpike,
            rates: unlimited(),
            timeouts: patient(),
            insecure_http: false,
        }
    }

    pub fn cognito(&self) -> Cognito {
        open(self.settings())
    }

    /// An adapter that gives up soon.
    pub fn impatient(&self) -> Cognito {
        let mut settings = self.settings();
        settings.timeouts = Timeouts {
            attempt: Duration::from_secs(1),
            operation: Duration::from_secs(3),
            token: Duration::from_secs(1),
            keys: Duration::from_secs(1),
            ..settings.timeouts
        };
        open(settings)
    }

    /// Has the fake make its keys, which takes a while, before somebody is impatient.
    pub async fn make_keys(&self) {
        self.cognito().keys().await.unwrap();
    }
}

pub fn open(settings: Settings) -> Cognito {
    Cognito::open_as(settings, Arc::new(SeededEntropy::new(1)), credentials()).unwrap()
}

/// On a machine that is busy with other tests.
pub fn patient() -> Timeouts {
    let long = Duration::from_secs(60);
    Timeouts { connect: long, attempt: long, operation: long, token: long, keys: long }
}

pub fn credentials() -> Credentials {
    Credentials::from_keys("test", "test", None)
}

/// As fast as it goes.
pub fn unlimited() -> Rates {
    let fast = 100_000.0;
    Rates {
        client_read: fast,
        client_update: fast,
        resource_read: fast,
        resource_update: fast,
        operation: fast,
        tokens: fast,
        background_share: 1.0,
    }
}
