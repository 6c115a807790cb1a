//! The SDK's client: where it calls, as whom, and how long it waits.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::config::retry::RetryConfig;
use aws_sdk_cognitoidentityprovider::config::timeout::TimeoutConfig;
use aws_sdk_cognitoidentityprovider::config::{BehaviorVersion, Builder, Config, Region};
use aws_types::service_config::ServiceConfigKey;
use turnpike_domain::url::HttpUrl;

use crate::settings::{OpenError, Settings};

/// A client with the credentials of the environment, which are looked for when they are first needed.
pub(crate) async fn connect(settings: &Settings) -> Result<Client, OpenError> {
    let config =
        aws_config::defaults(behaviour()).region(Region::new(settings.region.clone())).load().await;
    if settings.endpoint_url.is_none()
        && let Some(url) = endpoint_of_environment(&config)
    {
        // The SDK would use it if it can be parsed, and else call the real service without a word.
        let problem = format!("is not set, and the environment or the profile says `{url}`");
        return Err(OpenError::setting("endpoint_url", problem));
    }
    Ok(finish(Builder::from(&config), settings))
}

/// A client with these credentials; the environment is not looked at.
pub(crate) fn connect_as(settings: &Settings, credentials: Credentials) -> Client {
    let config = Config::builder()
        .behavior_version(behaviour())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(credentials);
    finish(config, settings)
}

fn finish(config: Builder, settings: &Settings) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(settings.timeouts.connect)
        .operation_attempt_timeout(settings.timeouts.attempt)
        .operation_timeout(settings.timeouts.attempt)
        .build();
    let mut config = config.retry_config(RetryConfig::disabled()).timeout_config(timeouts);
    config.set_endpoint_url(settings.endpoint_url.as_ref().map(HttpUrl::to_string));
    Client::from_conf(config.build())
}

/// What `AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER`, `AWS_ENDPOINT_URL` or the profile say, be it an
/// address or not.
fn endpoint_of_environment(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("Cognito Identity Provider")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    config.service_config()?.load_config(key)
}

fn behaviour() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}
