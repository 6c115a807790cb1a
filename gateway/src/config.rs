//! What a gateway is told.

use std::collections::BTreeSet;
use std::time::Duration;

use turnpike_domain::actor::Role;
use turnpike_domain::id::TeamId;
use turnpike_runtime::{config, server, start};

use crate::oidc::OidcSettings;
use crate::origin::Origin;

/// Settings of a gateway. [`GatewayConfig::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Where browsers find the portal. Decides the session cookie's name, what counts as the same
    /// origin, and whether the gateway answers to the names of this machine only.
    pub public_origin: Origin,
    /// Other origins whose pages may call with a session: none by default. They answer to CORS, and
    /// their hosts are accepted in `Host`, so that a development server may stand in front.
    pub allowed_origins: Vec<Origin>,
    /// The people who can sign in by a login link. Only with a loopback `public_origin`.
    pub personas: Vec<Persona>,
    /// The directory by which people sign in, if there is one.
    pub oidc: Option<OidcSettings>,
    /// How long a login link works: 15 minutes by default.
    pub login_link_lifetime: Duration,
    /// Sessions of browsers.
    pub session: SessionSettings,
    /// Limits of each call.
    pub calls: CallSettings,
    /// The listener and its connections.
    pub server: server::Settings,
}

impl GatewayConfig {
    /// The defaults, for this public origin.
    pub fn new(public_origin: Origin) -> Self {
        Self {
            public_origin,
            allowed_origins: Vec::new(),
            personas: Vec::new(),
            oidc: None,
            login_link_lifetime: Duration::from_secs(15 * 60),
            session: SessionSettings::default(),
            calls: CallSettings::default(),
            server: server::Settings::default(),
        }
    }

    /// What the configuration of a program says: the defaults for this public URL, with these other origins and these
    /// people.
    ///
    /// # Errors
    ///
    /// The first setting that makes no sense.
    pub fn of(
        public_url: &str,
        allowed_origins: &[String],
        personas: &[config::Persona],
    ) -> Result<Self, start::Error> {
        let origin = |key, text: &str| {
            Origin::parse(text).map_err(|problem| start::Error::setting(key, problem))
        };
        let mut settings = Self::new(origin("public_url", public_url)?);
        for allowed in allowed_origins {
            settings.allowed_origins.push(origin("allowed_origins", allowed)?);
        }
        for persona in personas {
            settings.personas.push(Persona::of(persona)?);
        }
        Ok(settings)
    }
}

/// A person of a local installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persona {
    /// Key: what the log keeps, and what [`LoginLinks::issue`](crate::LoginLinks::issue) takes.
    pub id: String,
    /// What people call them.
    pub display_name: String,
    /// The teams they are in.
    pub teams: BTreeSet<TeamId>,
    /// What they may do beyond their teams.
    pub roles: BTreeSet<Role>,
}

impl Persona {
    fn of(persona: &config::Persona) -> Result<Self, start::Error> {
        let config::Persona { id, display_name, teams, roles } = persona;
        let teams: Result<_, _> = teams.iter().map(|team| TeamId::parse(team)).collect();
        Ok(Self {
            id: id.clone(),
            display_name: display_name.clone(),
            teams: teams.map_err(|problem| start::Error::setting("personas", problem))?,
            roles: roles
                .iter()
                .map(|role| match role {
                    config::Role::Auditor => Role::Auditor,
                    config::Role::PlatformAdmin => Role::PlatformAdmin,
                })
                .collect(),
        })
    }
}

/// How long sessions last.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// From login to the end, whatever happens: 8 hours by default.
    pub lifetime: Duration,
    /// Without a call, less up to a tenth: 30 minutes by default.
    pub idle: Duration,
}

impl SessionSettings {
    /// What the configuration of a program says.
    pub fn of(sessions: &config::Sessions) -> Self {
        let config::Sessions { lifetime_minutes, idle_minutes } = *sessions;
        let minutes = |minutes: u32| Duration::from_secs(u64::from(minutes) * 60);
        Self { lifetime: minutes(lifetime_minutes), idle: minutes(idle_minutes) }
    }
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { lifetime: Duration::from_secs(8 * 3600), idle: Duration::from_secs(30 * 60) }
    }
}

/// Limits of each call.
#[derive(Clone, Debug)]
pub struct CallSettings {
    /// How long a call may take until its answer begins, and a plain HTTP request too: 30 seconds by
    /// default. A shorter `grpc-timeout` of the caller wins.
    pub timeout: Duration,
    /// How long the answer of a call may last, for streams: 1 hour by default.
    pub stream_timeout: Duration,
    /// The largest message of a request, in bytes: 256 KiB by default. Services that answer everybody take less.
    pub message_bytes: u32,
    /// How long a message of a request may take from its first byte to its last: 10 seconds by default.
    pub message_timeout: Duration,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            stream_timeout: Duration::from_secs(3600),
            message_bytes: 256 * 1024,
            message_timeout: Duration::from_secs(10),
        }
    }
}
