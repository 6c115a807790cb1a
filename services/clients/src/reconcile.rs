//! ReconcileService.

pub(crate) mod adopt;
mod adopt_client;
mod adopt_resource_server;
pub(crate) mod list;
pub(crate) mod revert;

use tonic::{Request, Response, Status, async_trait};
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::reconcile_service_server::ReconcileService;
use turnpike_rpc::{Gate, methods};

/// Implements ReconcileService.
#[derive(Clone, Debug)]
pub struct Reconcile {
    gate: Gate,
}

impl Reconcile {
    /// Served through this gate.
    pub const fn new(gate: Gate) -> Self {
        Self { gate }
    }
}

#[async_trait]
impl ReconcileService for Reconcile {
    async fn list_pending(
        &self,
        request: Request<pb::ListPendingRequest>,
    ) -> Result<Response<pb::ListPendingResponse>, Status> {
        let gate = &self.gate;
        let handle = |op, message| async move {
            list::pending(gate.registry(), gate.page_tokens(), &op, message).await
        };
        gate.read(&methods::LIST_PENDING, request, handle).await
    }

    async fn list_drift(
        &self,
        request: Request<pb::ListDriftRequest>,
    ) -> Result<Response<pb::ListDriftResponse>, Status> {
        let gate = &self.gate;
        let handle = |op, message| async move {
            list::drift(gate.registry(), gate.page_tokens(), &op, message).await
        };
        gate.read(&methods::LIST_DRIFT, request, handle).await
    }

    async fn start_walk(
        &self,
        request: Request<pb::StartWalkRequest>,
    ) -> Result<Response<pb::StartWalkResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, _| async move { list::start_walk(registry, &op).await };
        self.gate.read(&methods::START_WALK, request, handle).await
    }

    async fn adopt(
        &self,
        request: Request<pb::AdoptRequest>,
    ) -> Result<Response<pb::AdoptResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { adopt::handle(registry, &op, &message).await };
        self.gate.change(&methods::ADOPT, request, handle).await
    }

    async fn revert(
        &self,
        request: Request<pb::RevertRequest>,
    ) -> Result<Response<pb::RevertResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { revert::handle(registry, &op, &message).await };
        self.gate.change(&methods::REVERT, request, handle).await
    }
}
