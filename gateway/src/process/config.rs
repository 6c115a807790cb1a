//! Configuration of the process of its own.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use turnpike_runtime::config::{
    ClientTls, Configuration, Error, Log, Oidc, Otlp, Persona, Server, Sessions, Store,
    check_personas, check_url,
};

use crate::upstream::Target;

/// The configuration of `turnpike-gateway`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where others find it: scheme, host and port.
    pub public_url: String,
    /// Origins of other sites whose pages may call with a session.
    pub allowed_origins: Vec<String>,
    /// Where to listen.
    pub server: Server,
    /// How log lines look.
    pub log: Log,
    /// Where traces and metrics are sent.
    pub otlp: Otlp,
    /// Where the registry is kept: a gateway keeps its keys there.
    pub store: Store,
    /// Where the services are.
    pub upstreams: Upstreams,
    /// How long people stay signed in.
    pub sessions: Sessions,
    /// The company's directory, by which people sign in.
    pub oidc: Oidc,
    /// The people who sign in by a printed link. Only with a `public_url` of this machine.
    pub personas: Vec<Persona>,
    /// The folder in which it listens for `turnpike links --data-dir`, which makes them new links; nowhere if empty.
    pub links_dir: PathBuf,
}

/// Where the services are: for each the URLs of its replicas, or one whose name stands for all of them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Upstreams {
    /// `turnpike-audit`.
    pub audit: Vec<String>,
    /// `turnpike-clients`.
    pub clients: Vec<String>,
    /// `turnpike-introspection`.
    pub introspection: Vec<String>,
    /// `turnpike-resource-servers`.
    pub resource_servers: Vec<String>,
    /// `turnpike-teams`.
    pub teams: Vec<String>,
    /// `turnpike-tokens`.
    pub tokens: Vec<String>,
    /// How long a connection may take to come about, in milliseconds.
    pub connect_timeout_ms: u64,
    /// For URLs with `https`.
    pub tls: ClientTls,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            allowed_origins: Vec::new(),
            server: Server::at(8080),
            log: Log::default(),
            otlp: Otlp::default(),
            store: Store::default(),
            upstreams: Upstreams::default(),
            sessions: Sessions::default(),
            oidc: Oidc::default(),
            personas: Vec::new(),
            links_dir: PathBuf::new(),
        }
    }
}

impl Default for Upstreams {
    fn default() -> Self {
        let at = |port: u16| vec![format!("http://127.0.0.1:{port}")];
        Self {
            audit: at(8083),
            clients: at(8082),
            introspection: at(8085),
            resource_servers: at(8081),
            teams: at(8086),
            tokens: at(8084),
            connect_timeout_ms: 1000,
            tls: ClientTls::default(),
        }
    }
}

impl Configuration for Config {
    fn check(&self) -> Result<(), Error> {
        let Self {
            public_url,
            allowed_origins: _,
            server,
            log: _,
            otlp,
            store,
            upstreams,
            sessions,
            oidc,
            personas,
            links_dir: _,
        } = self;
        check_url("public_url", public_url)?;
        server.check()?;
        otlp.check()?;
        store.check()?;
        upstreams.check()?;
        sessions.check()?;
        oidc.check(public_url)?;
        check_personas(personas)?;
        if !personas.is_empty() && !server.listen.ip().is_loopback() {
            return Err(Error::value(
                "server.listen",
                "must be a loopback address: people sign in by printed links",
            ));
        }
        Ok(())
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn otlp(&self) -> &Otlp {
        &self.otlp
    }
}

impl Upstreams {
    fn check(&self) -> Result<(), Error> {
        let Self { connect_timeout_ms, tls, .. } = self;
        for (key, urls) in self.named() {
            targets(key, urls)?;
        }
        if *connect_timeout_ms == 0 {
            return Err(Error::value("upstreams.connect_timeout_ms", "must be more than 0"));
        }
        tls.check("upstreams.tls")
    }

    /// How long a connection may take to come about.
    pub(super) const fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// Whether any service is reached through TLS.
    pub(super) fn any_secure(&self) -> Result<bool, Error> {
        let mut any = false;
        for (key, urls) in self.named() {
            any |= targets(key, urls)?.iter().any(Target::is_secure);
        }
        Ok(any)
    }

    fn named(&self) -> [(&'static str, &[String]); 6] {
        let Self { audit, clients, introspection, resource_servers, teams, tokens, .. } = self;
        [
            ("upstreams.audit", audit),
            ("upstreams.clients", clients),
            ("upstreams.introspection", introspection),
            ("upstreams.resource_servers", resource_servers),
            ("upstreams.teams", teams),
            ("upstreams.tokens", tokens),
        ]
    }
}

/// The targets that these URLs are.
pub(super) fn targets(key: &str, urls: &[String]) -> Result<Vec<Target>, Error> {
    if urls.is_empty() {
        return Err(Error::value(key, "must name at least one URL"));
    }
    let target = |url: &String| Target::parse(url).map_err(|problem| Error::value(key, problem));
    urls.iter().map(target).collect()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn what_does_not_go_together_is_refused() {
        let with = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.check().map_err(|error| error.to_string())
        };
        assert_eq!(with(|_| {}), Ok(()));
        for (change, key) in [
            ((|c| c.public_url.clear()) as fn(&mut Config), "public_url: "),
            (|c| c.upstreams.audit.clear(), "upstreams.audit: "),
            (|c| c.sessions.idle_minutes = 0, "sessions.idle_minutes: "),
            (|c| c.oidc.issuer = "https://login.example".to_owned(), "oidc.client_id: "),
            (|c| c.upstreams.tokens[0] = "tokens:80".to_owned(), "upstreams.tokens: "),
            (|c| c.upstreams.tls.key = "key.pem".into(), "upstreams.tls.certificate: "),
            (|c| c.upstreams.connect_timeout_ms = 0, "upstreams.connect_timeout_ms: "),
            (
                |c| {
                    c.server.listen = SocketAddr::from(([0, 0, 0, 0], 80));
                    c.personas.push(Persona {
                        id: "olga".to_owned(),
                        display_name: "Olga".to_owned(),
                        teams: Vec::new(),
                        roles: Vec::new(),
                    });
                },
                "server.listen: ",
            ),
        ] {
            let error = with(change).unwrap_err();
            assert!(error.starts_with(key), "{error}");
        }
    }
}
