//! Configuration of the process that is everything: defaults, then a file, then what the command line says.
//! Unknown keys are refused, and so is what does not go together.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use turnpike_domain::Problem;
use turnpike_domain::id::TeamId;

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, has an unknown key, or a value of a wrong kind.
    #[error("{path}: {source}")]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A value, or two together, make no sense.
    #[error("{key}: {problem}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong.
        problem: String,
    },
}

/// The configuration as it stands in a file; every key has a default.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen. Without staff login by OIDC this must be a loopback address.
    pub listen: SocketAddr,
    /// Where others find it: scheme, host and port; `http://` and the listening address if empty.
    pub public_url: String,
    /// `iss` of its tokens; `public_url` if empty.
    pub issuer: String,
    /// The folder of the database; made if absent, for its owner only.
    pub data_dir: PathBuf,
    /// How log lines look.
    pub log: Log,
    /// The embedded issuer.
    pub signing: Signing,
    /// How often callers may call.
    pub limits: Limits,
    /// How long it decides about tokens while it cannot follow the log.
    pub policy: Policy,
    /// The teams there are.
    pub teams: Vec<Team>,
    /// The people who sign in by a printed link.
    pub personas: Vec<Persona>,
    /// Origins of other sites whose pages may call with a session.
    pub allowed_origins: Vec<String>,
}

/// How log lines look.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `text` for people, `json` for machines.
    pub format: LogFormat,
    /// Which lines, as `tracing_subscriber::EnvFilter` takes it.
    pub filter: String,
}

/// See [`Log::format`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// One line of text.
    Text,
}

/// The embedded issuer.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Signing {
    /// `RS256` or `ES256`.
    pub algorithm: Algorithm,
    /// How long a key signs.
    pub rotation_days: u32,
    /// How long a key is published before it signs: at least as long as verifiers keep a key set.
    pub publish_ahead_hours: u32,
}

/// See [`Signing::algorithm`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA over P-256: signs 15 times cheaper, verifies 3 times dearer.
    #[serde(rename = "ES256")]
    Es256,
    /// RSA 2048: what Cognito and all of its verifiers speak.
    #[serde(rename = "RS256")]
    Rs256,
}

/// How often one caller may call.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Reads per second of one caller.
    pub reads_per_second: NonZeroU32,
    /// Changes per second of one caller.
    pub changes_per_second: NonZeroU32,
    /// Tokens per second of one client.
    pub tokens_per_second: NonZeroU32,
}

/// How long the policy in memory decides while it does not follow the log. After that introspection, and Turnpike's
/// own API for programs, answer that they are unavailable; `GET /readyz` fails too.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// In seconds, while events are known of that it has not applied.
    pub behind_seconds: NonZeroU32,
    /// In seconds, while the store does not answer; at least `behind_seconds`.
    pub unheard_seconds: NonZeroU32,
}

/// A team.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Its key.
    pub team: String,
    /// What people call it.
    pub display_name: String,
}

/// Someone who signs in by a printed link.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// Key, as it stands in the log.
    pub id: String,
    /// What people call them.
    pub display_name: String,
    /// Their teams.
    pub teams: Vec<String>,
    /// `platform-admin`, `auditor`.
    #[serde(default)]
    pub roles: Vec<Role>,
}

/// See [`Persona::roles`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads everything.
    Auditor,
    /// Does everything.
    PlatformAdmin,
}

impl Default for Config {
    fn default() -> Self {
        let team = |team: &str, display_name: &str| Team {
            team: team.to_owned(),
            display_name: display_name.to_owned(),
        };
        let persona = |id: &str, display_name: &str, team: &str, roles: &[Role]| Persona {
            id: id.to_owned(),
            display_name: display_name.to_owned(),
            teams: vec![team.to_owned()],
            roles: roles.to_vec(),
        };
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: String::new(),
            issuer: String::new(),
            data_dir: PathBuf::from("turnpike-data"),
            log: Log::default(),
            signing: Signing::default(),
            limits: Limits::default(),
            policy: Policy::default(),
            teams: vec![
                team("orders", "Orders"),
                team("partners", "Partners"),
                team("platform", "Platform"),
                team("security", "Security"),
            ],
            personas: vec![
                persona("olga", "Olga Orders", "orders", &[]),
                persona("pavel", "Pavel Partners", "partners", &[]),
                persona("ada", "Ada Admin", "platform", &[Role::PlatformAdmin]),
                persona("aino", "Aino Auditor", "security", &[Role::Auditor]),
            ],
            allowed_origins: Vec::new(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        // A line for each file of the portal would hide what was printed at start.
        Self { format: LogFormat::Text, filter: "info,turnpike::access=warn".to_owned() }
    }
}

impl Default for Signing {
    fn default() -> Self {
        Self { algorithm: Algorithm::Rs256, rotation_days: 30, publish_ahead_hours: 24 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reads_per_second: positive(200),
            changes_per_second: positive(50),
            tokens_per_second: positive(50),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self { behind_seconds: positive(10), unheard_seconds: positive(300) }
    }
}

const fn positive(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

impl Config {
    /// The defaults with what a file says instead.
    ///
    /// # Errors
    ///
    /// [`Error::Read`], [`Error::Syntax`].
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path)
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|source| Error::Syntax { path: path.to_owned(), source: Box::new(source) })
    }

    /// Holds the configuration as a whole: every value, and those that must go together.
    ///
    /// # Errors
    ///
    /// [`Error::Value`] with the first key that makes no sense.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |key: &str, problem: &str| {
            Err(Error::Value { key: key.to_owned(), problem: problem.to_owned() })
        };
        if !self.listen.ip().is_loopback() {
            return refuse("listen", "must be a loopback address: people sign in by printed links");
        }
        if !self.public_url.is_empty() && !self.public_url.starts_with("http") {
            return refuse("public_url", "must begin with http:// or https://");
        }
        if self.signing.publish_ahead_hours / 24 >= self.signing.rotation_days {
            return refuse(
                "signing.publish_ahead_hours",
                "must be less than signing.rotation_days: a key is published before it signs",
            );
        }
        if self.policy.unheard_seconds < self.policy.behind_seconds {
            return refuse("policy.unheard_seconds", "must be at least policy.behind_seconds");
        }
        let mut teams = BTreeSet::new();
        for (n, team) in self.teams.iter().enumerate() {
            self.team(&format!("teams[{n}].team"), &team.team)?;
            if !teams.insert(&team.team) {
                return refuse(&format!("teams[{n}].team"), "is there twice");
            }
        }
        let mut people = BTreeSet::new();
        for (n, persona) in self.personas.iter().enumerate() {
            if persona.id.is_empty() || !people.insert(&persona.id) {
                return refuse(&format!("personas[{n}].id"), "must be there, and only once");
            }
            for team in &persona.teams {
                self.team(&format!("personas[{n}].teams"), team)?;
                if !teams.contains(team) {
                    return refuse(&format!("personas[{n}].teams"), "is not one of `teams`");
                }
            }
        }
        Ok(())
    }

    fn team(&self, key: &str, team: &str) -> Result<TeamId, Error> {
        TeamId::parse(team).map_err(|problem: Problem| Error::Value {
            key: key.to_owned(),
            problem: problem.to_string(),
        })
    }

    /// The whole configuration as a file would say it.
    ///
    /// # Errors
    ///
    /// [`Error::Value`] if it cannot be written, which a test would find.
    pub fn dump(&self) -> Result<String, Error> {
        toml::to_string(self).map_err(|error| Error::Value {
            key: "configuration".to_owned(),
            problem: error.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_right_and_say_themselves() {
        let config = Config::default();
        config.check().unwrap();
        let again: Config = toml::from_str(&config.dump().unwrap()).unwrap();
        assert_eq!(again.dump().unwrap(), config.dump().unwrap());
    }

    #[test]
    fn a_typo_is_an_error_at_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("turnpike.toml");
        for (text, key) in [
            ("lisen = \"127.0.0.1:1\"", "lisen"),
            ("[log]\nformat = \"xml\"", "xml"),
            ("[limits]\nreads_per_second = 0", "reads_per_second"),
        ] {
            fs::write(&path, text).unwrap();
            let error = Config::from_file(&path).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let with = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.check().unwrap_err().to_string()
        };
        assert!(with(|c| c.listen = SocketAddr::from(([0, 0, 0, 0], 80))).starts_with("listen"));
        assert!(with(|c| c.signing.rotation_days = 1).starts_with("signing"));
        assert!(with(|c| c.policy.unheard_seconds = positive(9)).starts_with("policy"));
        assert!(
            with(|c| c.personas[0].teams = vec!["ghosts".to_owned()]).starts_with("personas[0]")
        );
        assert!(with(|c| c.teams[0].team = "Orders".to_owned()).starts_with("teams[0]"));
    }
}
