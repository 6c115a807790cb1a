//! `[server]`: where a process listens, and how it ends.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::limits::positive;
use super::tls::ServerTls;

/// Each takes a file descriptor, and memory.
const CONNECTIONS_MAX: u32 = 1_000_000;

/// Where a process listens, and how it ends.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Where it listens, for HTTP/1.1 and HTTP/2.
    pub listen: SocketAddr,
    /// Where `/healthz`, `/readyz` and `/metrics` are, in plain text; at `listen` if empty. Whoever asks for
    /// certificates needs it: probes have none.
    pub ops_listen: String,
    /// Open connections. For one more the one goes that has been idle for the longest; if none is, it waits.
    pub connections: NonZeroU32,
    /// Open connections of one address (of IPv6: of one /64). For one more one of its own goes that is idle; if none is,
    /// it is closed at once. 0 for no bound, where a proxy or a load balancer stands in front.
    pub connections_per_address: u32,
    /// Certificate and key, and whom it lets in.
    pub tls: ServerTls,
    /// How long it still takes calls after it said that it is not ready any more, so that whoever spreads calls
    /// hears of it.
    pub drain_notice_seconds: u32,
    /// How long calls may still take after that. Streams end after one second.
    pub drain_seconds: u32,
}

impl Server {
    /// The defaults, at this port of this machine.
    pub fn at(port: u16) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], port)),
            ops_listen: String::new(),
            connections: positive(4096),
            connections_per_address: 1024,
            tls: ServerTls::default(),
            drain_notice_seconds: 0,
            drain_seconds: 15,
        }
    }

    /// Holds the section as a whole.
    ///
    /// # Errors
    ///
    /// The first key that makes no sense.
    pub fn check(&self) -> Result<(), Error> {
        let Self {
            listen: _,
            ops_listen: _,
            connections,
            connections_per_address: _,
            tls,
            drain_notice_seconds,
            drain_seconds,
        } = self;
        if connections.get() > CONNECTIONS_MAX {
            let words = format!("must be at most {CONNECTIONS_MAX}");
            return Err(Error::value("server.connections", words));
        }
        tls.check("server.tls")?;
        self.ops_address()?;
        for (key, seconds) in [
            ("server.drain_notice_seconds", drain_notice_seconds),
            ("server.drain_seconds", drain_seconds),
        ] {
            if *seconds > 600 {
                return Err(Error::value(key, "must be at most 600"));
            }
        }
        Ok(())
    }

    /// Where probes are answered, if elsewhere.
    ///
    /// # Errors
    ///
    /// It is no address.
    pub fn ops_address(&self) -> Result<Option<SocketAddr>, Error> {
        if self.ops_listen.is_empty() {
            return Ok(None);
        }
        let address = self.ops_listen.parse();
        address.map(Some).map_err(|error| Error::value("server.ops_listen", error))
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::at(8080)
    }
}
