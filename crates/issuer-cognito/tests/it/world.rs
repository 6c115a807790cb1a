//! A fake, and an adapter over it.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use turnpike_domain::url::HttpUrl;
use turnpike_fake_cognito::FakeCognito;
use turnpike_issuer_cognito::{Cognito, Rates, SecretsFrom, Settings, Timeouts};
use turnpike_testkit::clock::{SeededEntropy, TestClock};

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
            timeouts: Timeouts::default(),
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
            attempt: Duration::from_millis(300),
            operation: Duration::from_millis(1500),
            token: Duration::from_millis(500),
            keys: Duration::from_millis(500),
            ..settings.timeouts
        };
        open(settings)
    }
}

pub fn open(settings: Settings) -> Cognito {
    Cognito::open_as(settings, Arc::new(SeededEntropy::new(1)), credentials()).unwrap()
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
