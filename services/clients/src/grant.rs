//! GrantService.

pub(crate) mod decide;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod request;
pub(crate) mod revoke;

use tonic::{Request, Response, Status, async_trait};
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::grant_service_server::GrantService;
use turnpike_rpc::{Gate, methods};

pub(crate) use request::{Asked, ask, pending, room_for};

/// Implements GrantService.
#[derive(Clone, Debug)]
pub struct Grants {
    gate: Gate,
}

impl Grants {
    /// Served through this gate.
    pub const fn new(gate: Gate) -> Self {
        Self { gate }
    }
}

#[async_trait]
impl GrantService for Grants {
    async fn request_grant(
        &self,
        request: Request<pb::RequestGrantRequest>,
    ) -> Result<Response<pb::RequestGrantResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { request::handle(registry, &op, &message).await };
        self.gate.change(&methods::REQUEST_GRANT, request, handle).await
    }

    async fn approve_grant(
        &self,
        request: Request<pb::ApproveGrantRequest>,
    ) -> Result<Response<pb::ApproveGrantResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { decide::approve(registry, &op, &message).await };
        self.gate.change(&methods::APPROVE_GRANT, request, handle).await
    }

    async fn deny_grant(
        &self,
        request: Request<pb::DenyGrantRequest>,
    ) -> Result<Response<pb::DenyGrantResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { decide::deny(registry, &op, &message).await };
        self.gate.change(&methods::DENY_GRANT, request, handle).await
    }

    async fn revoke_grant(
        &self,
        request: Request<pb::RevokeGrantRequest>,
    ) -> Result<Response<pb::RevokeGrantResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { revoke::handle(registry, &op, &message).await };
        self.gate.change(&methods::REVOKE_GRANT, request, handle).await
    }

    async fn get_grant(
        &self,
        request: Request<pb::GetGrantRequest>,
    ) -> Result<Response<pb::GetGrantResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { get::handle(registry, &op, &message).await };
        self.gate.read(&methods::GET_GRANT, request, handle).await
    }

    async fn list_grants(
        &self,
        request: Request<pb::ListGrantsRequest>,
    ) -> Result<Response<pb::ListGrantsResponse>, Status> {
        let gate = &self.gate;
        let handle = |op, message| async move {
            list::handle(gate.registry(), gate.page_tokens(), &op, message).await
        };
        gate.read(&methods::LIST_GRANTS, request, handle).await
    }
}
