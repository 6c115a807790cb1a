//! What is kept: pools with their resource servers, clients and keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use turnpike_domain::Timestamp;
use turnpike_domain::ports::Clock;

use crate::error::ApiError;
use crate::keys::PoolKeys;
use crate::settings::Quotas;

/// Everything behind the API.
pub(crate) struct World {
    pub(crate) pools: BTreeMap<String, Pool>,
    pub(crate) quotas: Quotas,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A user pool.
pub(crate) struct Pool {
    pub(crate) name: String,
    pub(crate) create_time: Timestamp,
    /// Without one there is no token endpoint.
    pub(crate) domain: Option<String>,
    pub(crate) deletion_protection: bool,
    pub(crate) resource_servers: BTreeMap<String, ResourceServer>,
    pub(crate) clients: BTreeMap<String, AppClient>,
    pub(crate) keys: PoolKeys,
}

/// A resource server.
#[derive(Clone)]
pub(crate) struct ResourceServer {
    pub(crate) name: String,
    /// Names and descriptions.
    pub(crate) scopes: Vec<(String, String)>,
}

/// An app client.
pub(crate) struct AppClient {
    pub(crate) create_time: Timestamp,
    pub(crate) change_time: Timestamp,
    pub(crate) secrets: Vec<Secret>,
    /// What the newest name of a secret was made of: names are never used again.
    pub(crate) last_secret: i64,
    /// Every settable member, defaults filled in.
    pub(crate) settings: Map<String, Value>,
}

/// A secret of an app client.
pub(crate) struct Secret {
    pub(crate) id: String,
    pub(crate) value: String,
    pub(crate) create_time: Timestamp,
}

impl World {
    pub(crate) fn pool(&mut self, id: &str) -> Result<&mut Pool, ApiError> {
        self.pools
            .get_mut(id)
            .ok_or_else(|| ApiError::not_found(format!("User pool {id} does not exist.")))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Pool {
    pub(crate) fn new(name: &str, now: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            create_time: now,
            domain: None,
            deletion_protection: false,
            resource_servers: BTreeMap::new(),
            clients: BTreeMap::new(),
            keys: PoolKeys::default(),
        }
    }

    pub(crate) fn client(&mut self, id: &str) -> Result<&mut AppClient, ApiError> {
        self.clients
            .get_mut(id)
            .ok_or_else(|| ApiError::not_found(format!("User pool client {id} does not exist.")))
    }

    /// Whether a resource server offers this scope now.
    pub(crate) fn offers(&self, scope: &str) -> bool {
        scope.rsplit_once('/').is_some_and(|(identifier, name)| {
            let server = self.resource_servers.get(identifier);
            server.is_some_and(|server| server.scopes.iter().any(|(known, _)| known == name))
        })
    }
}

impl AppClient {
    /// A list among its settings.
    pub(crate) fn list(&self, member: &str) -> Vec<&str> {
        let list = self.settings.get(member).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// How long its access tokens live, in seconds.
    pub(crate) fn token_lifetime(&self) -> i64 {
        let value = self.settings.get("AccessTokenValidity").and_then(Value::as_i64).unwrap_or(1);
        let unit = self.settings.get("TokenValidityUnits").and_then(|u| u["AccessToken"].as_str());
        value * seconds_of(unit.unwrap_or("hours"))
    }
}

/// A unit of `TimeUnitsType`, in seconds.
pub(crate) fn seconds_of(unit: &str) -> i64 {
    match unit {
        "seconds" => 1,
        "minutes" => 60,
        "days" => 86_400,
        _ => 3600,
    }
}

/// Seconds since the epoch with a fraction, as the protocol writes times.
pub(crate) fn time(time: Timestamp) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age fit into 53 bits")]
    Value::from(time.millis() as f64 / 1000.0)
}

/// `length` random characters of `alphabet`.
pub(crate) fn random(alphabet: &[u8], length: usize) -> Result<String, ApiError> {
    let mut bytes = vec![0; length];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| ApiError::internal())?;
    // Not quite even, which does no harm to a fake.
    Ok(bytes.iter().map(|b| char::from(alphabet[usize::from(*b) % alphabet.len()])).collect())
}
