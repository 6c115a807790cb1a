//! What the adapter is told, and what it makes of it.

use std::time::Duration;

use turnpike_domain::url::HttpUrl;

/// Settings of a [`Cognito`](crate::Cognito).
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region of the pool, such as `eu-central-1`.
    pub region: String,
    /// Its id, such as `eu-central-1_AbCdEfGhI`.
    pub user_pool_id: String,
    /// Where the API is, if it is not the region's own: an emulator, a proxy. What the environment says
    /// about endpoints does not count, and if it says anything, it must be said here too.
    pub endpoint_url: Option<HttpUrl>,
    /// `iss` of the pool's tokens, byte for byte. A pool has one of two forms, so it is not derived.
    pub issuer: HttpUrl,
    /// Where the pool's keys are.
    pub jwks_uri: HttpUrl,
    /// Where the pool's tokens are: `/oauth2/token` of its domain.
    pub token_endpoint: HttpUrl,
    /// Who makes the secrets of clients.
    pub secrets: SecretsFrom,
    /// How much of the account's rates this process may use.
    pub rates: Rates,
    /// How long it waits.
    pub timeouts: Timeouts,
    /// Lets secrets and keys travel over plain HTTP to other machines, such as an emulator in the next
    /// container. Loopback needs no permission.
    pub insecure_http: bool,
}

/// Who makes the secrets by which clients authenticate to Cognito.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretsFrom {
    /// Turnpike: Cognito is given the value. What clients show to Turnpike is what Turnpike shows to
    /// Cognito.
    Turnpike,
    /// Cognito, or an emulator that takes no others. What clients show is known to Turnpike alone;
    /// Turnpike reads Cognito's secret when it has to issue, and keeps it in memory only.
    Cognito,
}

/// Calls per second that this process makes at most. The account has these once for all its pools, all
/// processes and everybody else: give each process its part.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// `UserPoolClientRead`.
    pub client_read: f64,
    /// `UserPoolClientUpdate`.
    pub client_update: f64,
    /// `UserPoolResourceRead`.
    pub resource_read: f64,
    /// `UserPoolResourceUpdate`.
    pub resource_update: f64,
    /// Each single operation of these four on one pool.
    pub operation: f64,
    /// `ClientAuthentication`: tokens.
    pub tokens: f64,
    /// The part of all but the tokens that [background](crate::Cognito::in_background) work may have.
    pub background_share: f64,
}

/// How long the adapter waits.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For one answer of the API.
    pub attempt: Duration,
    /// For a call of the seam with its queueing and retries. No new attempt begins after it, so that a
    /// call may take an attempt longer.
    pub operation: Duration,
    /// For a token.
    pub token: Duration,
    /// For a set of keys.
    pub keys: Duration,
}

/// A setting that is not usable.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The system has no certificates to trust, so no server could be recognised.
    #[error("the system has no trusted certificates")]
    NoTrustedCertificates,
    /// A setting breaks its rule.
    #[error("{setting} {problem}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// The rule.
        problem: String,
    },
}

impl OpenError {
    pub(crate) fn setting(setting: &'static str, problem: impl Into<String>) -> Self {
        Self::Setting { setting, problem: problem.into() }
    }
}

impl Default for Rates {
    /// All that an account has (developer guide, "Quotas in Amazon Cognito"), a third of it in the
    /// background.
    fn default() -> Self {
        Self {
            client_read: 15.0,
            client_update: 15.0,
            resource_read: 20.0,
            resource_update: 15.0,
            operation: 5.0,
            tokens: 150.0,
            background_share: 1.0 / 3.0,
        }
    }
}

impl Default for Timeouts {
    /// A lost request can be repeated within ten seconds.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            attempt: Duration::from_secs(4),
            operation: Duration::from_secs(8),
            token: Duration::from_secs(5),
            keys: Duration::from_secs(5),
        }
    }
}

impl Settings {
    /// Everything that can be wrong with settings alone.
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let Self {
            region,
            user_pool_id,
            endpoint_url,
            issuer: _,
            jwks_uri: _,
            token_endpoint: _,
            secrets: _,
            rates,
            timeouts,
            insecure_http: _,
        } = self;
        let of_region = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if region.is_empty() || !region.chars().all(of_region) {
            let problem = "must be the name of a region, such as `eu-central-1`";
            return Err(OpenError::setting("region", problem));
        }
        if !is_pool_id(user_pool_id) {
            let problem = "must be the id of a user pool, such as `eu-central-1_AbCdEfGhI`";
            return Err(OpenError::setting("user_pool_id", problem));
        }
        if endpoint_url.as_ref().is_some_and(|url| !matches!(url.path(), "" | "/")) {
            return Err(OpenError::setting("endpoint_url", "must have no path"));
        }
        rates.check()?;
        timeouts.check()
    }
}

impl Rates {
    fn check(&self) -> Result<(), OpenError> {
        let Self {
            client_read,
            client_update,
            resource_read,
            resource_update,
            operation,
            tokens,
            background_share,
        } = *self;
        let rates = [
            ("rates.client_read", client_read),
            ("rates.client_update", client_update),
            ("rates.resource_read", resource_read),
            ("rates.resource_update", resource_update),
            ("rates.operation", operation),
            ("rates.tokens", tokens),
        ];
        for (setting, rate) in rates {
            if !(0.01..=100_000.0).contains(&rate) {
                let problem = "must be between one call in 100 seconds and 100,000 a second";
                return Err(OpenError::setting(setting, problem));
            }
        }
        if !(0.01..=1.0).contains(&background_share) {
            let problem = "must be between 0.01 and 1";
            return Err(OpenError::setting("rates.background_share", problem));
        }
        Ok(())
    }
}

impl Timeouts {
    fn check(&self) -> Result<(), OpenError> {
        let Self { connect, attempt, operation, token, keys } = *self;
        let timeouts = [
            ("timeouts.connect", connect),
            ("timeouts.attempt", attempt),
            ("timeouts.operation", operation),
            ("timeouts.token", token),
            ("timeouts.keys", keys),
        ];
        for (setting, timeout) in timeouts {
            if timeout.is_zero() || timeout > Duration::from_secs(60) {
                let problem = "must be more than nothing and at most a minute";
                return Err(OpenError::setting(setting, problem));
            }
        }
        if attempt > operation {
            let problem = "must not be more than timeouts.operation, which it is a part of";
            return Err(OpenError::setting("timeouts.attempt", problem));
        }
        Ok(())
    }
}

/// `UserPoolIdType`: 1 to 55 of `[\w-]+_[0-9a-zA-Z]+`.
fn is_pool_id(text: &str) -> bool {
    let of_region = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.len() <= 55
        && text.rsplit_once('_').is_some_and(|(region, id)| {
            !region.is_empty()
                && region.chars().all(of_region)
                && !id.is_empty()
                && id.chars().all(|c| c.is_ascii_alphanumeric())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let url = |text| HttpUrl::parse(text).unwrap();
        Settings {
            region: "eu-central-1".to_owned(),
            user_pool_id: "eu-central-1_AbCdEfGhI".to_owned(),
            endpoint_url: None,
            issuer: url("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI"),
            jwks_uri: url("https://cognito-idp.eu-central-1.amazonaws.com/x/jwks.json"),
            token_endpoint: url("https://shop.auth.eu-central-1.amazoncognito.com/oauth2/token"),
            secrets: SecretsFrom::Turnpike,
            rates: Rates::default(),
            timeouts: Timeouts::default(),
            insecure_http: false,
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(settings().check().is_ok());
        let wrong = |change: fn(&mut Settings)| {
            let mut settings = settings();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        for (change, named) in [
            ((|s| s.region = "Frankfurt!".to_owned()) as fn(&mut Settings), "region "),
            (|s| s.user_pool_id = "eu-central-1".to_owned(), "user_pool_id "),
            (|s| s.endpoint_url = HttpUrl::parse("http://h/path").ok(), "endpoint_url "),
            (|s| s.rates.client_read = 0.0, "rates.client_read "),
            (|s| s.rates.tokens = f64::NAN, "rates.tokens "),
            (|s| s.rates.background_share = 1.5, "rates.background_share "),
            (|s| s.timeouts.token = Duration::ZERO, "timeouts.token "),
            (|s| s.timeouts.attempt = Duration::from_secs(9), "timeouts.attempt "),
        ] {
            let problem = wrong(change);
            assert!(problem.starts_with(named), "{problem}");
        }
    }
}
