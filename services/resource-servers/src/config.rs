//! Configuration of the process of its own.

use serde::{Deserialize, Serialize};
use turnpike_domain::id::TeamId;
use turnpike_runtime::config::{
    AuthorizationServer, CallLimits, Configuration, Error, Log, Otlp, Policy, Quotas, Server, Store,
};
use turnpike_runtime::service::{Process, ServiceConfig};

/// The configuration of `turnpike-resource-servers`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where others find the installation: the gateway's URL.
    pub public_url: String,
    /// The team that owns Turnpike's own API, and decides who gets its scopes.
    pub platform_team: String,
    /// Where to listen.
    pub server: Server,
    /// How log lines look.
    pub log: Log,
    /// Where traces and metrics are sent.
    pub otlp: Otlp,
    /// Where the registry is kept.
    pub store: Store,
    /// Who issues tokens.
    pub authorization_server: AuthorizationServer,
    /// How often callers may call.
    pub limits: CallLimits,
    /// How long it decides about tokens while it cannot follow the log.
    pub policy: Policy,
    /// How much one team may have.
    pub quotas: Quotas,
}

impl Config {
    /// The team that owns Turnpike's own API.
    ///
    /// # Errors
    ///
    /// The rule that its key breaks.
    pub fn platform_team(&self) -> Result<TeamId, Error> {
        let team = TeamId::parse(&self.platform_team);
        team.map_err(|problem| Error::value("platform_team", problem))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            platform_team: "platform".to_owned(),
            server: Server::at(8081),
            log: Log::default(),
            otlp: Otlp::default(),
            store: Store::default(),
            authorization_server: AuthorizationServer::default(),
            limits: CallLimits::default(),
            policy: Policy::default(),
            quotas: Quotas::default(),
        }
    }
}

impl Configuration for Config {
    fn check(&self) -> Result<(), Error> {
        self.process().check()?;
        self.platform_team().map(|_| ())
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn otlp(&self) -> &Otlp {
        &self.otlp
    }
}

impl ServiceConfig for Config {
    const TELLS_POOL: bool = true;

    fn process(&self) -> Process<'_> {
        let Self {
            public_url,
            platform_team: _,
            server,
            log: _,
            otlp,
            store,
            authorization_server,
            limits,
            policy,
            quotas,
        } = self;
        Process {
            public_url,
            server,
            otlp,
            store,
            authorization_server,
            limits: *limits,
            policy: *policy,
            quotas: *quotas,
        }
    }
}
