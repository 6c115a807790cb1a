//! `[authorization_server]`: who issues tokens.

use serde::{Deserialize, Deserializer, Serialize};

use super::error::Error;
use super::kind;
use super::values::{check_url, optional_url, required};

/// Who issues tokens.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum AuthorizationServer {
    /// A user pool of Amazon Cognito.
    Cognito(Cognito),
    /// Turnpike itself.
    Embedded(Embedded),
}

/// `kind = "cognito"`. Issuer and key set are two settings: neither is derived from the other or from the pool, since
/// a pool may have either of two issuers, and an emulator serves the keys of an issuer elsewhere.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cognito {
    /// The pool's id, such as `eu-central-1_AbCdEfGhI`.
    pub user_pool_id: String,
    /// Its region, such as `eu-central-1`.
    pub region: String,
    /// Where the API is, if not at AWS: an emulator, or a private endpoint.
    pub endpoint_url: String,
    /// `iss` of its tokens, character for character.
    pub issuer: String,
    /// Where its key set is.
    pub jwks_uri: String,
    /// Its own token endpoint, on the pool's domain.
    pub token_endpoint: String,
    /// Who makes the secrets of clients.
    pub secrets: Secrets,
    /// How much of Cognito's rates this process uses.
    pub requests_per_second: Budgets,
    /// How long after a walk through the pool that looks for drift the next one begins, in minutes.
    pub drift_walk_pause_minutes: u32,
    /// Let secrets travel to other machines over plain HTTP, such as to an emulator in a container beside.
    pub insecure_http: bool,
}

/// See [`Cognito::secrets`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Secrets {
    /// Turnpike: every secret has its form, by which scanners recognise one.
    Chosen,
    /// The pool, for one that takes no chosen values, such as an emulator's.
    Generated,
}

/// Requests a second, below Cognito's quotas. Those are for an account and region: what several processes and others
/// use of them has to fit together.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budgets {
    /// `UserPoolClientRead`, of 15.
    pub client_read: u32,
    /// `UserPoolClientUpdate`, of 15.
    pub client_update: u32,
    /// `UserPoolResourceRead`, of 20.
    pub resource_read: u32,
    /// `UserPoolResourceUpdate`, of 15.
    pub resource_update: u32,
    /// Each single operation of these four, of 5 in a pool.
    pub operation: u32,
    /// Tokens from the token endpoint, of 150.
    pub tokens: u32,
}

/// `kind = "embedded"`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Embedded {
    /// `iss` of its tokens; `public_url` if empty.
    pub issuer: String,
    /// `RS256` or `ES256`.
    pub algorithm: Algorithm,
    /// How long a key signs.
    pub rotation_days: u32,
    /// How long a key is published before it signs: at least as long as verifiers keep a key set.
    pub publish_ahead_hours: u32,
}

/// See [`Embedded::algorithm`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA over P-256: signs 15 times cheaper, verifies 3 times dearer.
    #[serde(rename = "ES256")]
    Es256,
    /// RSA 2048: what Cognito and all of its verifiers speak.
    #[serde(rename = "RS256")]
    Rs256,
}

impl Default for AuthorizationServer {
    fn default() -> Self {
        Self::Embedded(Embedded::default())
    }
}

impl Default for Cognito {
    fn default() -> Self {
        Self {
            user_pool_id: String::new(),
            region: String::new(),
            endpoint_url: String::new(),
            issuer: String::new(),
            jwks_uri: String::new(),
            token_endpoint: String::new(),
            secrets: Secrets::Chosen,
            requests_per_second: Budgets::default(),
            drift_walk_pause_minutes: 10,
            insecure_http: false,
        }
    }
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            client_read: 4,
            client_update: 4,
            resource_read: 4,
            resource_update: 4,
            operation: 4,
            tokens: 60,
        }
    }
}

impl Default for Embedded {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            algorithm: Algorithm::Rs256,
            rotation_days: 30,
            publish_ahead_hours: 24,
        }
    }
}

impl<'de> Deserialize<'de> for AuthorizationServer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (kind, section) = kind::split(deserializer, "embedded")?;
        match kind.as_str() {
            "cognito" => Ok(Self::Cognito(kind::keys(&kind, section)?)),
            "embedded" => Ok(Self::Embedded(kind::keys(&kind, section)?)),
            _ => Err(kind::unknown(&kind, "`embedded` or `cognito`")),
        }
    }
}

impl AuthorizationServer {
    /// Holds the section as a whole.
    ///
    /// # Errors
    ///
    /// The first key that makes no sense.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Cognito(cognito) => cognito.check(),
            Self::Embedded(embedded) => embedded.check(),
        }
    }
}

impl Cognito {
    fn check(&self) -> Result<(), Error> {
        let Self {
            user_pool_id,
            region,
            endpoint_url,
            issuer,
            jwks_uri,
            token_endpoint,
            secrets: _,
            requests_per_second,
            drift_walk_pause_minutes: _,
            insecure_http: _,
        } = self;
        required("authorization_server.user_pool_id", user_pool_id)?;
        required("authorization_server.region", region)?;
        for (key, url) in [
            ("authorization_server.issuer", issuer),
            ("authorization_server.jwks_uri", jwks_uri),
            ("authorization_server.token_endpoint", token_endpoint),
        ] {
            required(key, url)?;
            check_url(key, url)?;
        }
        optional_url("authorization_server.endpoint_url", endpoint_url)?;
        let Budgets {
            client_read,
            client_update,
            resource_read,
            resource_update,
            operation,
            tokens,
        } = requests_per_second;
        for (key, budget, most) in [
            ("client_read", client_read, 15),
            ("client_update", client_update, 15),
            ("resource_read", resource_read, 20),
            ("resource_update", resource_update, 15),
            ("operation", operation, 5),
            ("tokens", tokens, 150),
        ] {
            if !(1..=most).contains(budget) {
                return Err(Error::value(
                    format!("authorization_server.requests_per_second.{key}"),
                    format!("must be 1 to {most}, which is all that Cognito allows"),
                ));
            }
        }
        Ok(())
    }
}

impl Embedded {
    fn check(&self) -> Result<(), Error> {
        let Self { issuer, algorithm: _, rotation_days, publish_ahead_hours } = self;
        optional_url("authorization_server.issuer", issuer)?;
        if publish_ahead_hours / 24 >= *rotation_days {
            return Err(Error::value(
                "authorization_server.publish_ahead_hours",
                "must be less than authorization_server.rotation_days: a key is published before \
                 it signs",
            ));
        }
        Ok(())
    }
}
