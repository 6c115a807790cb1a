//! What a server is told.

use std::time::Duration;

use crate::config;
use crate::tls::{self, ServerIdentity};

/// Settings of a server and its connections. The default has no TLS.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Open connections. For one more the one goes that has been idle for the longest; if none is idle it waits. 4096
    /// by default.
    pub connections: usize,
    /// Open connections of one address (of IPv6: of one /64). For one more one of its own goes that is idle; if none is,
    /// it is closed at once. 0 for no bound; 1024 by default.
    pub connections_per_address: usize,
    /// Calls at once on one HTTP/2 connection: 200 by default.
    pub concurrent_streams: u32,
    /// How long a connection may stay without a word at its beginning, and how long its TLS handshake may take: 10
    /// seconds by default.
    pub first_bytes_timeout: Duration,
    /// How long the headers of a request over HTTP/1.1 may take, and how long such a connection may stay
    /// unused: 30 seconds by default.
    pub headers_timeout: Duration,
    /// How long a connection over HTTP/2 may stay without a call: 60 seconds by default.
    pub idle_timeout: Duration,
    /// How long a caller may take nothing of an answer before it is broken off: 30 seconds by default.
    pub stall_timeout: Duration,
    /// Bytes of requests that are held because they are not whole yet, of callers who are not known yet; as many again
    /// of those who are. 64 MiB by default.
    pub request_bytes: usize,
    /// The same of one connection: 4 MiB by default.
    pub connection_request_bytes: usize,
    /// How often an HTTP/2 connection is asked for a sign of life: 60 seconds by default; it has 20
    /// seconds to give it.
    pub keep_alive: Duration,
    /// When a connection is asked to go (GOAWAY, calls on it end well), so that callers spread over new
    /// replicas: 30 minutes by default.
    pub connection_age: Duration,
    /// What a connection gets after it was asked to go: a caller that reads nothing would stay. An hour by default, as
    /// long as the longest stream.
    pub last_words: Duration,
    /// How long it still takes connections once it is told to stop, and says that it is not ready: not at all by
    /// default.
    pub drain_notice: Duration,
    /// How long calls may still take after that: 15 seconds by default. Streams get a second, and then
    /// `UNAVAILABLE`.
    pub drain: Duration,
    /// Certificate and key; plain text without.
    pub tls: Option<ServerIdentity>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_per_address: 1024,
            concurrent_streams: 200,
            first_bytes_timeout: Duration::from_secs(10),
            headers_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            stall_timeout: Duration::from_secs(30),
            request_bytes: 64 * 1024 * 1024,
            connection_request_bytes: 4 * 1024 * 1024,
            keep_alive: Duration::from_secs(60),
            connection_age: Duration::from_secs(30 * 60),
            last_words: Duration::from_secs(3600),
            drain_notice: Duration::ZERO,
            drain: Duration::from_secs(15),
            tls: None,
        }
    }
}

impl Settings {
    /// The same for a service behind a gateway, which puts all calls of all callers on one connection.
    ///
    /// # Errors
    ///
    /// A file of TLS that makes no sense.
    pub fn of_service(config: &config::Server) -> Result<Self, tls::Error> {
        let settings = Self::of(config)?;
        Ok(Self {
            concurrent_streams: 10_000,
            // It keeps its connection also while nobody calls.
            idle_timeout: settings.connection_age,
            ..settings
        })
    }

    /// What the configuration says, and the defaults for the rest. Needs a tokio runtime, where files of TLS are read
    /// again as they change.
    ///
    /// # Errors
    ///
    /// A file of TLS that makes no sense.
    pub fn of(config: &config::Server) -> Result<Self, tls::Error> {
        let config::Server {
            listen: _,
            ops_listen: _,
            connections,
            connections_per_address,
            tls,
            drain_notice_seconds,
            drain_seconds,
        } = config;
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let tls = if tls.is_on() { Some(ServerIdentity::open(tls)?) } else { None };
        Ok(Self {
            connections: count(connections.get()),
            connections_per_address: count(*connections_per_address),
            drain_notice: Duration::from_secs(u64::from(*drain_notice_seconds)),
            drain: Duration::from_secs(u64::from(*drain_seconds)),
            tls,
            ..Self::default()
        })
    }
}
