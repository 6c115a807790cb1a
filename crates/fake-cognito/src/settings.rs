//! What a fake is told.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use turnpike_domain::ports::Clock;

/// Settings of a [`FakeCognito`](crate::FakeCognito).
#[derive(Clone)]
pub struct Settings {
    /// Where it listens; port 0 for any that is free.
    pub listen: SocketAddr,
    /// The pool that is there from the start, a domain of its own included.
    pub pool_id: String,
    /// The `iss` of tokens; `None` for the fake's own address and the pool's id.
    pub issuer: Option<String>,
    /// What pools may hold.
    pub quotas: Quotas,
    /// How often it may be asked; `None` for any number of times.
    pub rates: Option<Rates>,
    /// How long every operation takes. Two changes of one client within it are a conflict.
    pub latency: Duration,
    /// The time of tokens and records.
    pub clock: Arc<dyn Clock>,
}

/// What pools may hold (developer guide, "Quotas in Amazon Cognito").
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// App clients per pool.
    pub clients: usize,
    /// Resource servers per pool.
    pub resource_servers: usize,
}

/// Requests per second (same page). Each is a bucket that holds a second's worth.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// `UserPoolClientRead`: Describe and List.
    pub client_read: u32,
    /// `UserPoolClientUpdate`: Create, Update and Delete; the operations of secrets count here.
    pub client_update: u32,
    /// `UserPoolResourceRead`.
    pub resource_read: u32,
    /// `UserPoolResourceUpdate`.
    pub resource_update: u32,
    /// Each single operation of these four, per pool.
    pub operation: u32,
    /// `ClientAuthentication`: requests at the token endpoint.
    pub client_authentication: u32,
}

impl Settings {
    /// A free port of this machine, real quotas, no rates.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            pool_id: "eu-central-1_Fake00001".to_owned(),
            issuer: None,
            quotas: Quotas::default(),
            rates: None,
            latency: Duration::ZERO,
            clock,
        }
    }
}

impl Default for Quotas {
    /// As a new account has them.
    fn default() -> Self {
        Self { clients: 1000, resource_servers: 25 }
    }
}

impl Default for Rates {
    /// As every account has them.
    fn default() -> Self {
        Self {
            client_read: 15,
            client_update: 15,
            resource_read: 20,
            resource_update: 15,
            operation: 5,
            client_authentication: 150,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("listen", &self.listen)
            .field("pool_id", &self.pool_id)
            .field("quotas", &self.quotas)
            .field("rates", &self.rates)
            .finish_non_exhaustive()
    }
}
