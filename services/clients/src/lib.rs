//! ClientService, GrantService and ReconcileService: registers clients, manages what they authenticate with, decides
//! what they hold, and keeps the authorization server's pool the same.

mod access;
mod client;
mod config;
mod grant;
mod reconcile;
#[cfg(test)]
mod tests;

use turnpike_proto::v1::client_service_server::ClientServiceServer;
use turnpike_proto::v1::grant_service_server::GrantServiceServer;
use turnpike_proto::v1::reconcile_service_server::ReconcileServiceServer;
use turnpike_rpc::Gate;
use turnpike_runtime::{Core, Grpc, Parts};

pub use client::Clients;
pub use config::Config;
pub use grant::Grants;
pub use reconcile::Reconcile;

/// The services over what a process shares.
pub fn parts(core: &Core) -> Parts {
    let grpc = Grpc::default()
        .with(client_service(core.gate.clone()))
        .with(grant_service(core.gate.clone()))
        .with(reconcile_service(core.gate.clone()));
    Parts { grpc, needs: vec![core.needs_store()], ..Parts::default() }
}

/// ClientService, served through a gate.
pub fn client_service(gate: Gate) -> ClientServiceServer<Clients> {
    ClientServiceServer::new(Clients::new(gate))
}

/// GrantService, served through a gate.
pub fn grant_service(gate: Gate) -> GrantServiceServer<Grants> {
    GrantServiceServer::new(Grants::new(gate))
}

/// ReconcileService, served through a gate.
pub fn reconcile_service(gate: Gate) -> ReconcileServiceServer<Reconcile> {
    ReconcileServiceServer::new(Reconcile::new(gate))
}
