//! Configuration of the process of its own.

use serde::{Deserialize, Serialize};
use turnpike_runtime::config::{
    AuthorizationServer, CallLimits, Configuration, Error, Log, Otlp, Policy, Quotas, Server, Store,
};
use turnpike_runtime::service::{Process, ServiceConfig};

/// The configuration of `turnpike-introspection`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where others find the installation: the gateway's URL.
    pub public_url: String,
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
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            server: Server::at(8085),
            log: Log::default(),
            otlp: Otlp::default(),
            store: Store::default(),
            authorization_server: AuthorizationServer::default(),
            limits: CallLimits::default(),
            policy: Policy::default(),
        }
    }
}

impl Configuration for Config {
    fn check(&self) -> Result<(), Error> {
        self.process().check()
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn otlp(&self) -> &Otlp {
        &self.otlp
    }
}

impl ServiceConfig for Config {
    fn process(&self) -> Process<'_> {
        let Self { public_url, server, log: _, otlp, store, authorization_server, limits, policy } =
            self;
        Process {
            public_url,
            server,
            otlp,
            store,
            authorization_server,
            limits: *limits,
            policy: *policy,
            quotas: Quotas::default(),
        }
    }
}
