//! ClientService and GrantService: registers clients, manages what they authenticate with, and decides what
//! they hold.

mod access;
mod client;
mod grant;
#[cfg(test)]
mod tests;

use turnpike_proto::v1::client_service_server::ClientServiceServer;
use turnpike_proto::v1::grant_service_server::GrantServiceServer;
use turnpike_rpc::Gate;

pub use client::Clients;
pub use grant::Grants;

/// ClientService, served through a gate.
pub fn client_service(gate: Gate) -> ClientServiceServer<Clients> {
    ClientServiceServer::new(Clients::new(gate))
}

/// GrantService, served through a gate.
pub fn grant_service(gate: Gate) -> GrantServiceServer<Grants> {
    GrantServiceServer::new(Grants::new(gate))
}
