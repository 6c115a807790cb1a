//! ClientService.

pub(crate) mod add_secret;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod remove_secret;
pub(crate) mod revoke_tokens;
pub(crate) mod switch;
pub(crate) mod update;

use tonic::{Request, Response, Status, async_trait};
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::client_service_server::ClientService;
use turnpike_rpc::{Gate, methods};

/// Implements ClientService.
#[derive(Clone, Debug)]
pub struct Clients {
    gate: Gate,
}

impl Clients {
    /// Served through this gate.
    pub const fn new(gate: Gate) -> Self {
        Self { gate }
    }
}

#[async_trait]
impl ClientService for Clients {
    async fn create_client(
        &self,
        request: Request<pb::CreateClientRequest>,
    ) -> Result<Response<pb::CreateClientResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { create::handle(registry, &op, &message).await };
        self.gate.change(&methods::CREATE_CLIENT, request, handle).await
    }

    async fn get_client(
        &self,
        request: Request<pb::GetClientRequest>,
    ) -> Result<Response<pb::GetClientResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { get::handle(registry, &op, &message).await };
        self.gate.read(&methods::GET_CLIENT, request, handle).await
    }

    async fn list_clients(
        &self,
        request: Request<pb::ListClientsRequest>,
    ) -> Result<Response<pb::ListClientsResponse>, Status> {
        let gate = &self.gate;
        let handle = |op, message| async move {
            list::handle(gate.registry(), gate.page_tokens(), &op, message).await
        };
        gate.read(&methods::LIST_CLIENTS, request, handle).await
    }

    async fn update_client(
        &self,
        request: Request<pb::UpdateClientRequest>,
    ) -> Result<Response<pb::UpdateClientResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { update::handle(registry, &op, &message).await };
        self.gate.change(&methods::UPDATE_CLIENT, request, handle).await
    }

    async fn delete_client(
        &self,
        request: Request<pb::DeleteClientRequest>,
    ) -> Result<Response<pb::DeleteClientResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { delete::handle(registry, &op, &message).await };
        self.gate.change(&methods::DELETE_CLIENT, request, handle).await
    }

    async fn disable_client(
        &self,
        request: Request<pb::DisableClientRequest>,
    ) -> Result<Response<pb::DisableClientResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { switch::disable(registry, &op, &message).await };
        self.gate.change(&methods::DISABLE_CLIENT, request, handle).await
    }

    async fn enable_client(
        &self,
        request: Request<pb::EnableClientRequest>,
    ) -> Result<Response<pb::EnableClientResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { switch::enable(registry, &op, &message).await };
        self.gate.change(&methods::ENABLE_CLIENT, request, handle).await
    }

    async fn add_client_secret(
        &self,
        request: Request<pb::AddClientSecretRequest>,
    ) -> Result<Response<pb::AddClientSecretResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { add_secret::handle(registry, &op, &message).await };
        self.gate.change(&methods::ADD_CLIENT_SECRET, request, handle).await
    }

    async fn remove_client_secret(
        &self,
        request: Request<pb::RemoveClientSecretRequest>,
    ) -> Result<Response<pb::RemoveClientSecretResponse>, Status> {
        let registry = self.gate.registry();
        let handle =
            |op, message| async move { remove_secret::handle(registry, &op, &message).await };
        self.gate.change(&methods::REMOVE_CLIENT_SECRET, request, handle).await
    }

    async fn revoke_client_tokens(
        &self,
        request: Request<pb::RevokeClientTokensRequest>,
    ) -> Result<Response<pb::RevokeClientTokensResponse>, Status> {
        let registry = self.gate.registry();
        let handle =
            |op, message| async move { revoke_tokens::handle(registry, &op, &message).await };
        self.gate.change(&methods::REVOKE_CLIENT_TOKENS, request, handle).await
    }
}
