//! AuditService: reads, verifies and exports the log.

mod config;
mod export;
mod read;
mod verify;

use std::pin::Pin;

use futures_core::Stream;
use tonic::{Request, Response, Status};
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::audit_service_server::{AuditService, AuditServiceServer};
use turnpike_rpc::{Gate, methods};
use turnpike_runtime::{Core, Grpc, Parts};

pub use crate::config::Config;

/// The service.
#[derive(Clone, Debug)]
pub struct Audit {
    gate: Gate,
}

/// The service over what a process shares.
pub fn parts(core: &Core) -> Parts {
    let grpc = Grpc::default().with(server(core.gate.clone()));
    Parts { grpc, needs: vec![core.needs_store()], ..Parts::default() }
}

/// The server to mount.
pub fn server(gate: Gate) -> AuditServiceServer<Audit> {
    AuditServiceServer::new(Audit { gate })
}

type Exported = Pin<Box<dyn Stream<Item = Result<pb::ExportEventsResponse, Status>> + Send>>;

#[tonic::async_trait]
impl AuditService for Audit {
    type ExportEventsStream = Exported;

    async fn list_events(
        &self,
        request: Request<pb::ListEventsRequest>,
    ) -> Result<Response<pb::ListEventsResponse>, Status> {
        let list = |op, message| read::list(&self.gate, op, message);
        self.gate.read(&methods::LIST_EVENTS, request, list).await
    }

    async fn get_event(
        &self,
        request: Request<pb::GetEventRequest>,
    ) -> Result<Response<pb::GetEventResponse>, Status> {
        let get = |op, message| read::get(self.gate.registry(), op, message);
        self.gate.read(&methods::GET_EVENT, request, get).await
    }

    async fn verify_log(
        &self,
        request: Request<pb::VerifyLogRequest>,
    ) -> Result<Response<pb::VerifyLogResponse>, Status> {
        let verify = |op, message| verify::run(self.gate.registry(), op, message);
        self.gate.read(&methods::VERIFY_LOG, request, verify).await
    }

    async fn export_events(
        &self,
        request: Request<pb::ExportEventsRequest>,
    ) -> Result<Response<Self::ExportEventsStream>, Status> {
        let export = |op, message| export::run(self.gate.registry().clone(), op, message);
        self.gate.read(&methods::EXPORT_EVENTS, request, export).await
    }
}
