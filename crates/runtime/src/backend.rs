//! What a process runs on: a store, and an authorization server. The one place that knows which there are.

#[cfg(feature = "aws")]
mod aws;
#[cfg(not(feature = "aws"))]
#[path = "backend/no_aws.rs"]
mod aws;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use turnpike_domain::Error;
use turnpike_domain::authorization_server::AuthorizationServer;
use turnpike_domain::authorization_server::pool::Pool;
use turnpike_domain::error::BoxError;
use turnpike_domain::ports::{Clock, Entropy};
use turnpike_domain::url::HttpUrl;
use turnpike_issuer_embedded::{Algorithm, EmbeddedIssuer, Settings};
use turnpike_registry::Registry;
use turnpike_registry::store::Store;
use turnpike_store_sqlite::SqliteStore;

use crate::config;
use crate::start;
use crate::trace::TracedStore;

/// How often the embedded issuer looks whether a key is due.
const ROTATION_PAUSE: Duration = Duration::from_secs(60);

/// Why a backend could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The authorization server refused its settings.
    #[error("{0}")]
    AuthorizationServer(BoxError),
    /// This binary was built without it.
    #[error("{key}: `{kind}` is not built into this binary: cargo feature `aws`")]
    NotBuiltIn {
        /// The key that asks for it.
        key: &'static str,
        /// What it asks for.
        kind: &'static str,
    },
    /// The store opened and could not be read.
    #[error(transparent)]
    Registry(#[from] Error),
    /// The store refused; the words say which file or table, and why.
    #[error("{0}")]
    Store(BoxError),
}

/// An authorization server, and what it publishes.
#[derive(Clone, Debug)]
pub struct Issuing {
    /// Issues tokens.
    pub server: Arc<dyn AuthorizationServer>,
    /// Its published JWK set; changes when that does.
    pub keys: watch::Receiver<Arc<str>>,
    /// Where others find that.
    pub jwks_uri: HttpUrl,
    /// Its pool, if it has one.
    pub pool: Option<Pools>,
}

/// The pool of an authorization server elsewhere.
#[derive(Clone, Debug)]
pub struct Pools {
    /// For what somebody waits for.
    pub interactive: Arc<dyn Pool>,
    /// For what lets others pass first.
    pub background: Arc<dyn Pool>,
    /// How long after a walk that looks for drift the next one begins.
    pub walk_pause: Duration,
}

impl Issuing {
    /// The registry, for this authorization server: with a pool, this process tells it of changes if `tells`, and else
    /// leaves marks for those that do.
    pub fn mirror(&self, registry: Registry, tells: bool) -> Registry {
        match &self.pool {
            Some(pool) => registry.mirrored(tells.then(|| pool.interactive.clone())),
            None => registry,
        }
    }
}

/// The registry in the store that the configuration names. Needs a tokio runtime.
///
/// # Errors
///
/// [`OpenError`].
pub async fn registry(
    store: &config::Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Registry, OpenError> {
    let store: Arc<dyn Store> = match store {
        config::Store::DynamoDb(dynamodb) => {
            TracedStore::around(aws::store(dynamodb).await?, "aws.dynamodb")
        }
        config::Store::Sqlite(config::Sqlite { data_dir }) => {
            let store = SqliteStore::open(&data_dir.join("turnpike.sqlite"));
            let store = store.map_err(|error| OpenError::Store(Box::new(error)))?;
            TracedStore::around(Arc::new(store), "sqlite")
        }
    };
    Ok(Registry::open(store, clock, entropy).await?)
}

/// The authorization server that the configuration names; one without an issuer of its own has `public_url`. It is kept
/// up as long as the process lives. Needs a tokio runtime.
///
/// # Errors
///
/// [`start::Error::Open`], [`start::Error::Setting`].
pub async fn issuing(
    server: &config::AuthorizationServer,
    public_url: &HttpUrl,
    registry: &Registry,
) -> Result<Issuing, start::Error> {
    match server {
        config::AuthorizationServer::Cognito(cognito) => aws::issuing(cognito).await,
        config::AuthorizationServer::Embedded(embedded) => {
            let settings = issuer_settings(embedded, public_url)?;
            let issuer = EmbeddedIssuer::open(settings, registry.clone()).await?;
            let issuer = Arc::new(issuer);
            let keys = issuer.keys_changed();
            tokio::spawn(rotate(issuer.clone()));
            let jwks_uri = public_url.join("/.well-known/jwks.json");
            let jwks_uri = start::http_url("public_url", &jwks_uri)?;
            Ok(Issuing { server: issuer, keys, jwks_uri, pool: None })
        }
    }
}

fn issuer_settings(
    embedded: &config::Embedded,
    public_url: &HttpUrl,
) -> Result<Settings, start::Error> {
    let config::Embedded { issuer, algorithm, rotation_days, publish_ahead_hours } = embedded;
    let issuer = match issuer.as_str() {
        "" => public_url.clone(),
        issuer => start::http_url("authorization_server.issuer", issuer)?,
    };
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    Settings::new(issuer)
        .algorithm(match algorithm {
            config::Algorithm::Es256 => Algorithm::Es256,
            config::Algorithm::Rs256 => Algorithm::Rs256,
        })
        .rotation(hours(u64::from(*rotation_days) * 24), hours(u64::from(*publish_ahead_hours)))
        .map_err(|problem| start::Error::setting("authorization_server.rotation_days", problem))
}

async fn rotate(issuer: Arc<EmbeddedIssuer>) {
    loop {
        if let Err(error) = issuer.rotate_if_due().await {
            tracing::warn!(error = turnpike_rpc::status::causes(&error), "rotation.failed");
        }
        tokio::time::sleep(ROTATION_PAUSE).await;
    }
}
