//! What a gateway is told.

use std::collections::BTreeSet;
use std::time::Duration;

use turnpike_domain::actor::Role;
use turnpike_domain::id::TeamId;

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
    /// How long a login link works: 15 minutes by default.
    pub login_link_lifetime: Duration,
    /// Sessions of browsers.
    pub session: SessionSettings,
    /// Limits of each call.
    pub calls: CallSettings,
    /// The listener and its connections.
    pub server: ServerSettings,
}

impl GatewayConfig {
    /// The defaults, for this public origin.
    pub fn new(public_origin: Origin) -> Self {
        Self {
            public_origin,
            allowed_origins: Vec::new(),
            personas: Vec::new(),
            login_link_lifetime: Duration::from_secs(15 * 60),
            session: SessionSettings::default(),
            calls: CallSettings::default(),
            server: ServerSettings::default(),
        }
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

/// How long sessions last.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// From login to the end, whatever happens: 12 hours by default.
    pub lifetime: Duration,
    /// Without a call: 2 hours by default.
    pub idle: Duration,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { lifetime: Duration::from_secs(12 * 3600), idle: Duration::from_secs(2 * 3600) }
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
    /// The largest message of a request, in bytes: 4 MiB by default.
    pub message_bytes: u32,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            stream_timeout: Duration::from_secs(3600),
            message_bytes: 4 * 1024 * 1024,
        }
    }
}

/// The listener and its connections.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Open connections; more wait in the kernel's queue. 4096 by default.
    pub connections: usize,
    /// Calls at once on one HTTP/2 connection: 200 by default.
    pub concurrent_streams: u32,
    /// How long a connection may stay without a word at its beginning: 10 seconds by default.
    pub first_bytes_timeout: Duration,
    /// How long the headers of a request over HTTP/1.1 may take, and how long such a connection may stay
    /// unused: 30 seconds by default.
    pub headers_timeout: Duration,
    /// How often an HTTP/2 connection is asked for a sign of life: 60 seconds by default; it has 20
    /// seconds to give it.
    pub keep_alive: Duration,
    /// When a connection is asked to go (GOAWAY, calls on it end well), so that callers spread over new
    /// replicas: 30 minutes by default.
    pub connection_age: Duration,
    /// How long calls may still take once the gateway is told to stop: 15 seconds by default. Streams
    /// get a second, and then `UNAVAILABLE`.
    pub drain: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            connections: 4096,
            concurrent_streams: 200,
            first_bytes_timeout: Duration::from_secs(10),
            headers_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_secs(60),
            connection_age: Duration::from_secs(30 * 60),
            drain: Duration::from_secs(15),
        }
    }
}
