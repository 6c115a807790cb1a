//! ResourceServerService: registers APIs and their scopes.

mod add_secret;
mod config;
mod create;
mod delete;
mod get;
mod list;
mod remove_secret;
mod update;

#[cfg(test)]
mod tests;

use tonic::{Request, Response, Status, async_trait};
use turnpike_domain::authz::{Action, Permit, Resource};
use turnpike_domain::error::{Error, Subject};
use turnpike_domain::impact::Effect;
use turnpike_domain::{Identifier, ResourceServer};
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::resource_server_service_server::{
    ResourceServerService, ResourceServerServiceServer,
};
use turnpike_registry::{Affected, Registry, Versioned};
use turnpike_rpc::{Gate, Op, methods};
use turnpike_runtime::{Core, Grpc, Parts};

pub use crate::config::Config;

/// The service over what a process shares.
pub fn parts(core: &Core) -> Parts {
    let grpc = Grpc::default().with(service(core.gate.clone()));
    Parts { grpc, needs: vec![core.needs_store()], ..Parts::default() }
}

/// The service, served through a gate.
pub fn service(gate: Gate) -> ResourceServerServiceServer<ResourceServers> {
    ResourceServerServiceServer::new(ResourceServers::new(gate))
}

/// Implements ResourceServerService.
#[derive(Clone, Debug)]
pub struct ResourceServers {
    gate: Gate,
}

impl ResourceServers {
    /// Served through this gate.
    pub const fn new(gate: Gate) -> Self {
        Self { gate }
    }
}

#[async_trait]
impl ResourceServerService for ResourceServers {
    async fn create_resource_server(
        &self,
        request: Request<pb::CreateResourceServerRequest>,
    ) -> Result<Response<pb::CreateResourceServerResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { create::handle(registry, &op, &message).await };
        self.gate.change(&methods::CREATE_RESOURCE_SERVER, request, handle).await
    }

    async fn get_resource_server(
        &self,
        request: Request<pb::GetResourceServerRequest>,
    ) -> Result<Response<pb::GetResourceServerResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { get::handle(registry, &op, &message).await };
        self.gate.read(&methods::GET_RESOURCE_SERVER, request, handle).await
    }

    async fn list_resource_servers(
        &self,
        request: Request<pb::ListResourceServersRequest>,
    ) -> Result<Response<pb::ListResourceServersResponse>, Status> {
        let gate = &self.gate;
        let handle = |op, message| async move {
            list::handle(gate.registry(), gate.page_tokens(), &op, message).await
        };
        gate.read(&methods::LIST_RESOURCE_SERVERS, request, handle).await
    }

    async fn update_resource_server(
        &self,
        request: Request<pb::UpdateResourceServerRequest>,
    ) -> Result<Response<pb::UpdateResourceServerResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { update::handle(registry, &op, &message).await };
        self.gate.change(&methods::UPDATE_RESOURCE_SERVER, request, handle).await
    }

    async fn delete_resource_server(
        &self,
        request: Request<pb::DeleteResourceServerRequest>,
    ) -> Result<Response<pb::DeleteResourceServerResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { delete::handle(registry, &op, &message).await };
        self.gate.change(&methods::DELETE_RESOURCE_SERVER, request, handle).await
    }

    async fn add_resource_server_secret(
        &self,
        request: Request<pb::AddResourceServerSecretRequest>,
    ) -> Result<Response<pb::AddResourceServerSecretResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { add_secret::handle(registry, &op, &message).await };
        self.gate.change(&methods::ADD_RESOURCE_SERVER_SECRET, request, handle).await
    }

    async fn remove_resource_server_secret(
        &self,
        request: Request<pb::RemoveResourceServerSecretRequest>,
    ) -> Result<Response<pb::RemoveResourceServerSecretResponse>, Status> {
        let registry = self.gate.registry();
        let handle =
            |op, message| async move { remove_secret::handle(registry, &op, &message).await };
        self.gate.change(&methods::REMOVE_RESOURCE_SERVER_SECRET, request, handle).await
    }
}

/// What a step of a change came to.
#[derive(Debug)]
enum Step<T> {
    /// It is done.
    Done(T),
    /// Grants ended, and there are more than one change holds.
    More(Vec<Effect>),
}

/// What an error says a resource server is.
fn subject(identifier: &Identifier) -> Subject {
    Subject::new("resource-servers", identifier.as_str())
}

/// What the rules look at.
fn resource(server: &ResourceServer) -> Resource<'_> {
    Resource::ResourceServer { team: &server.team, built_in: server.identifier.is_built_in() }
}

/// A resource server that the caller manages, and the right to do so.
async fn managed(
    registry: &Registry,
    op: &Op,
    identifier: &Identifier,
) -> Result<(Versioned<ResourceServer>, Permit), Error> {
    let found = registry.resource_server(identifier).await?;
    let server = found.ok_or_else(|| Error::NotFound(subject(identifier)))?;
    let permit =
        op.authorize(Action::ManageResourceServer, &resource(&server.value), subject(identifier))?;
    Ok((server, permit))
}

/// The effects of these, for an impact.
fn effects(affected: &[Affected]) -> Vec<Effect> {
    affected.iter().map(|affected| affected.effect.clone()).collect()
}
