//! Configuration of the process that is everything.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use turnpike_runtime::config::{
    AuthorizationServer, Broker, Configuration, Error, Limits, Log, Oidc, Otlp, Persona, Policy,
    Quotas, Role, Server, Sessions, Sqlite, Store, Team, check_people, optional_url,
};

/// The configuration of `turnpike up`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where others find it: scheme, host and port; `http://` and the listening address if empty.
    pub public_url: String,
    /// Origins of other sites whose pages may call with a session.
    pub allowed_origins: Vec<String>,
    /// The folder in which it listens for `turnpike links`; that of its database if empty, where it has one.
    pub links_dir: PathBuf,
    /// Where to listen. Without staff login by OIDC this must be a loopback address.
    pub server: Server,
    /// How log lines look.
    pub log: Log,
    /// Where traces and metrics are sent.
    pub otlp: Otlp,
    /// Where the registry is kept.
    pub store: Store,
    /// Who issues tokens.
    pub authorization_server: AuthorizationServer,
    /// What stands before an authorization server elsewhere.
    pub broker: Broker,
    /// How often callers may call.
    pub limits: Limits,
    /// How long it decides about tokens while it cannot follow the log.
    pub policy: Policy,
    /// How much one team may have.
    pub quotas: Quotas,
    /// How long people stay signed in.
    pub sessions: Sessions,
    /// The company's directory, by which people sign in.
    pub oidc: Oidc,
    /// The teams there are from the start; they and others are changed in the portal.
    pub teams: Vec<Team>,
    /// The people who sign in by a printed link.
    pub personas: Vec<Persona>,
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
            public_url: String::new(),
            allowed_origins: Vec::new(),
            links_dir: PathBuf::new(),
            server: Server::default(),
            log: Log::default(),
            otlp: Otlp::default(),
            store: Store::default(),
            authorization_server: AuthorizationServer::default(),
            broker: Broker::default(),
            limits: Limits::default(),
            policy: Policy::default(),
            quotas: Quotas::default(),
            sessions: Sessions::default(),
            oidc: Oidc::default(),
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
        }
    }
}

impl Config {
    /// In which folder a process gives out login links while it runs, if in any.
    pub fn links_folder(&self) -> Option<&Path> {
        match &self.store {
            _ if !self.links_dir.as_os_str().is_empty() => Some(&self.links_dir),
            Store::Sqlite(Sqlite { data_dir }) => Some(data_dir),
            Store::DynamoDb(_) => None,
        }
    }
}

impl Configuration for Config {
    const RENAMED: &'static [(&'static str, &'static str)] = &[
        ("data_dir", "store.data_dir"),
        ("issuer", "authorization_server.issuer"),
        ("listen", "server.listen"),
        ("signing.algorithm", "authorization_server.algorithm"),
        ("signing.publish_ahead_hours", "authorization_server.publish_ahead_hours"),
        ("signing.rotation_days", "authorization_server.rotation_days"),
    ];

    fn check(&self) -> Result<(), Error> {
        let Self {
            public_url,
            allowed_origins: _,
            links_dir: _,
            server,
            log: _,
            otlp,
            store,
            authorization_server,
            broker,
            limits: _,
            policy,
            quotas: _,
            sessions,
            oidc,
            teams,
            personas,
        } = self;
        optional_url("public_url", public_url)?;
        server.check()?;
        otlp.check()?;
        if !personas.is_empty() && !server.listen.ip().is_loopback() {
            return Err(Error::value(
                "server.listen",
                "must be a loopback address: people sign in by printed links",
            ));
        }
        store.check()?;
        authorization_server.check()?;
        broker.check()?;
        policy.check()?;
        sessions.check()?;
        oidc.check(public_url)?;
        if oidc.is_on() && public_url.is_empty() && !server.listen.ip().is_loopback() {
            return Err(Error::value(
                "public_url",
                "must be set: the directory sends people there",
            ));
        }
        check_people(teams, personas)
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn otlp(&self) -> &Otlp {
        &self.otlp
    }
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
            (
                (|c| c.server.listen = SocketAddr::from(([0, 0, 0, 0], 80))) as fn(&mut Config),
                "server.listen: ",
            ),
            (|c| c.public_url = "turnpike".to_owned(), "public_url: "),
            (|c| c.sessions.idle_minutes = 0, "sessions.idle_minutes: "),
            (|c| c.oidc.issuer = "https://login.example".to_owned(), "oidc.client_id: "),
            (|c| c.personas[0].teams = vec!["ghosts".to_owned()], "personas[0].teams: "),
            (|c| c.personas[1].id = "olga".to_owned(), "personas[1].id: "),
            (|c| c.teams[0].team = "Orders".to_owned(), "teams[0].team: "),
            (|c| c.teams[0].team = "partners".to_owned(), "teams[1].team: "),
        ] {
            let error = with(change).unwrap_err();
            assert!(error.starts_with(key), "{error}");
        }
    }
}
