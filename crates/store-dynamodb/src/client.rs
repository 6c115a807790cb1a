//! The client: where it calls, as whom, and how long it waits.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_types::service_config::ServiceConfigKey;
use http::Uri;

use crate::open::OpenError;

/// Which table, where, and how long to wait for it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The table's name: 3 to 255 of `a-z`, `A-Z`, `0-9`, `_`, `-` and `.`.
    pub table: String,
    /// The region, such as `eu-west-1`; that of the environment does not count.
    pub region: String,
    /// The address of an emulator, or of an endpoint of one's own; the region's service if `None`.
    pub endpoint_url: Option<String>,
    /// For a connection to be made.
    pub connect_timeout: Duration,
    /// For one request to be answered.
    pub attempt_timeout: Duration,
    /// For a call with its retries. A commit begins no new try after it, so one may take an attempt longer.
    pub operation_timeout: Duration,
}

impl Settings {
    /// The region's service, and timeouts that let one lost request be repeated within six seconds.
    pub fn new(table: impl Into<String>, region: impl Into<String>) -> Settings {
        Settings {
            table: table.into(),
            region: region.into(),
            endpoint_url: None,
            connect_timeout: Duration::from_secs(1),
            attempt_timeout: Duration::from_secs(2),
            operation_timeout: Duration::from_secs(6),
        }
    }
}

/// A client with the credentials of the environment, which are looked for when they are first needed.
///
/// # Errors
/// [`OpenError::Setting`].
pub async fn connect(settings: &Settings) -> Result<Client, OpenError> {
    check(settings)?;
    let config = aws_config::defaults(behaviour())
        .region(region(settings))
        .retry_config(retries())
        .timeout_config(timeouts(settings))
        .load()
        .await;
    of_environment(&config, settings)
}

/// A client with these credentials; the environment is not looked at.
///
/// # Errors
/// [`OpenError::Setting`].
pub fn connect_as(settings: &Settings, credentials: Credentials) -> Result<Client, OpenError> {
    check(settings)?;
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(behaviour())
        .region(region(settings))
        .credentials_provider(credentials)
        .retry_config(retries())
        .timeout_config(timeouts(settings));
    Ok(finish(config, settings))
}

fn of_environment(config: &SdkConfig, settings: &Settings) -> Result<Client, OpenError> {
    if settings.endpoint_url.is_none()
        && let Some(url) = endpoint_of_environment(config)
    {
        // The SDK would use it if it can be parsed, and else call the real service without a word.
        return Err(refuse(
            "endpoint_url",
            format!("the environment or the profile says `{url}`, and the configuration does not"),
        ));
    }
    Ok(finish(Builder::from(config), settings))
}

fn finish(mut config: Builder, settings: &Settings) -> Client {
    config.set_endpoint_url(settings.endpoint_url.clone());
    Client::from_conf(config.build())
}

fn check(settings: &Settings) -> Result<(), OpenError> {
    let Settings {
        table,
        region,
        endpoint_url,
        connect_timeout,
        attempt_timeout,
        operation_timeout,
    } = settings;
    let of_table = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if !(3..=255).contains(&table.len()) || !table.chars().all(of_table) {
        return Err(refuse("table", "must be 3 to 255 of a-z, A-Z, 0-9, `_`, `-`, `.`".to_owned()));
    }
    let of_region = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if region.is_empty() || !region.chars().all(of_region) {
        return Err(refuse(
            "region",
            "must be the name of a region, such as `eu-west-1`".to_owned(),
        ));
    }
    if let Some(url) = endpoint_url {
        let url = url.parse::<Uri>().ok();
        let usable = url.is_some_and(|url| {
            matches!(url.scheme_str(), Some("http" | "https"))
                && url.host().is_some_and(|host| !host.is_empty())
                && url.authority().is_some_and(|authority| !authority.as_str().contains('@'))
                && matches!(url.path(), "" | "/")
                && url.query().is_none()
        });
        if !usable {
            return Err(refuse(
                "endpoint_url",
                "must be `http://` or `https://` and a host".to_owned(),
            ));
        }
    }
    for (key, timeout) in [
        ("connect_timeout", connect_timeout),
        ("attempt_timeout", attempt_timeout),
        ("operation_timeout", operation_timeout),
    ] {
        if timeout.is_zero() {
            return Err(refuse(key, "must be more than nothing".to_owned()));
        }
    }
    if attempt_timeout > operation_timeout {
        let problem = "must not be more than operation_timeout, which it is a part of";
        return Err(refuse("attempt_timeout", problem.to_owned()));
    }
    Ok(())
}

fn region(settings: &Settings) -> Region {
    Region::new(settings.region.clone())
}

/// What `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL` or the profile say, be it an address or not.
fn endpoint_of_environment(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("DynamoDB")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    config.service_config()?.load_config(key)
}

fn behaviour() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// Of reads; a commit has its own. An item is read in milliseconds, so the first pause is short.
fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_secs(1))
}

/// The SDK on its own would wait for an answer for ever.
fn timeouts(settings: &Settings) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(settings.connect_timeout)
        .operation_attempt_timeout(settings.attempt_timeout)
        .operation_timeout(settings.operation_timeout)
        .build()
}

fn refuse(key: &'static str, problem: String) -> OpenError {
    OpenError::Setting { key, problem }
}

#[cfg(test)]
mod tests {
    use aws_types::service_config::LoadServiceConfig;

    use super::*;

    #[derive(Debug)]
    struct Environment;

    impl LoadServiceConfig for Environment {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            let asked = (key.service_id(), key.env(), key.profile());
            (asked == ("DynamoDB", "AWS_ENDPOINT_URL", "endpoint_url")).then(|| "local".to_owned())
        }
    }

    #[test]
    fn an_endpoint_that_only_the_environment_names_is_refused() {
        let config = || SdkConfig::builder().behavior_version(behaviour());
        let named = config().service_config(Environment).build();
        let mut settings = Settings::new("turnpike", "eu-west-1");
        let refused = of_environment(&named, &settings).unwrap_err().to_string();
        assert!(refused.starts_with("endpoint_url: ") && refused.contains("`local`"), "{refused}");
        of_environment(&config().build(), &settings).unwrap();
        settings.endpoint_url = Some("http://127.0.0.1:4566".to_owned());
        of_environment(&named, &settings).unwrap();
    }
}
