//! `[quotas]`: how much one team may have.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use turnpike_registry as registry;

use super::limits::positive;

/// How much one team may have.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Clients.
    pub clients: NonZeroU32,
    /// Resource servers.
    pub resource_servers: NonZeroU32,
    /// Grants that its clients have asked for and nobody has decided.
    pub pending_grants: NonZeroU32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            clients: positive(1000),
            resource_servers: positive(100),
            pending_grants: positive(500),
        }
    }
}

impl From<Quotas> for registry::Quotas {
    fn from(quotas: Quotas) -> Self {
        let Quotas { clients, resource_servers, pending_grants } = quotas;
        Self { clients, resource_servers, pending_grants }
    }
}
