//! The authorization server that is a user pool of Amazon Cognito.

use std::sync::Arc;
use std::time::Duration;

use turnpike_domain::url::HttpUrl;
use turnpike_issuer_cognito::{Cognito, Rates, SecretsFrom, Settings};

use super::super::Pools;
use super::{Issuing, OpenError};
use crate::entropy::SystemEntropy;
use crate::trace::{TracedIssuer, TracedPool};
use crate::{config, start};

/// How often its keys are read anew. They change without notice, and as a rule never.
const KEYS_PAUSE: Duration = Duration::from_secs(15 * 60);
/// How long the first reading is tried again.
const FIRST_KEYS: Duration = Duration::from_secs(2);

/// Opens the pool. Its keys are read before anything is served, and kept up as long as the process lives.
///
/// # Errors
///
/// [`start::Error::Setting`], [`start::Error::Open`].
pub(in crate::backend) async fn open(config: &config::Cognito) -> Result<Issuing, start::Error> {
    let settings = settings(config)?;
    let jwks_uri = settings.jwks_uri.clone();
    let cognito = Cognito::open(settings, Arc::new(SystemEntropy)).await;
    let cognito = cognito.map_err(|error| OpenError::AuthorizationServer(Box::new(error)))?;
    while let Err(error) = cognito.refresh_keys().await {
        tracing::warn!(error = turnpike_rpc::status::causes(&error), "keys.not_read");
        tokio::time::sleep(FIRST_KEYS).await;
    }
    tokio::spawn(refresh(cognito.clone()));
    let pause = u64::from(config.drift_walk_pause_minutes) * 60;
    let pool = Pools {
        interactive: TracedPool::around(Arc::new(cognito.clone())),
        background: TracedPool::around(Arc::new(cognito.in_background())),
        walk_pause: Duration::from_secs(pause),
    };
    let keys = cognito.keys_changed();
    Ok(Issuing {
        server: TracedIssuer::around(Arc::new(cognito)),
        keys,
        jwks_uri,
        pool: Some(pool),
    })
}

fn settings(config: &config::Cognito) -> Result<Settings, start::Error> {
    let config::Cognito {
        user_pool_id,
        region,
        endpoint_url,
        issuer,
        jwks_uri,
        token_endpoint,
        secrets,
        requests_per_second,
        drift_walk_pause_minutes: _,
        insecure_http,
    } = config;
    let url = |key: &'static str, text: &str| start::http_url(key, text);
    let endpoint_url: Option<HttpUrl> = match endpoint_url.as_str() {
        "" => None,
        text => Some(url("authorization_server.endpoint_url", text)?),
    };
    Ok(Settings {
        region: region.clone(),
        user_pool_id: user_pool_id.clone(),
        endpoint_url,
        issuer: url("authorization_server.issuer", issuer)?,
        jwks_uri: url("authorization_server.jwks_uri", jwks_uri)?,
        token_endpoint: url("authorization_server.token_endpoint", token_endpoint)?,
        secrets: match secrets {
            config::Secrets::Chosen => SecretsFrom::Turnpike,
            config::Secrets::Generated => SecretsFrom::Cognito,
        },
        rates: rates(requests_per_second),
        timeouts: turnpike_issuer_cognito::Timeouts::default(),
        insecure_http: *insecure_http,
    })
}

fn rates(budgets: &config::Budgets) -> Rates {
    let config::Budgets {
        client_read,
        client_update,
        resource_read,
        resource_update,
        operation,
        tokens,
    } = budgets;
    Rates {
        client_read: f64::from(*client_read),
        client_update: f64::from(*client_update),
        resource_read: f64::from(*resource_read),
        resource_update: f64::from(*resource_update),
        operation: f64::from(*operation),
        tokens: f64::from(*tokens),
        ..Rates::default()
    }
}

async fn refresh(cognito: Cognito) {
    loop {
        tokio::time::sleep(KEYS_PAUSE).await;
        if let Err(error) = cognito.refresh_keys().await {
            // The last good ones stay in use.
            tracing::warn!(error = turnpike_rpc::status::causes(&error), "keys.not_read");
        }
    }
}
