//! TeamService: who owns what, and how the directory names the members. SessionService: who the caller is.

mod config;
mod create;
mod delete;
mod get;
mod list;
mod session;
mod update;

#[cfg(test)]
mod tests;

use tonic::{Request, Response, Status, async_trait};
use turnpike_domain::Team;
use turnpike_domain::Timestamp;
use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::{Error, Subject};
use turnpike_domain::id::TeamId;
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::team_service_server::{TeamService, TeamServiceServer};
use turnpike_registry::{Registry, Versioned};
use turnpike_rpc::convert::teams::{TeamView, to_team};
use turnpike_rpc::{Gate, Op, methods};
use turnpike_runtime::{Core, Grpc, Parts};

pub use crate::config::Config;
pub use crate::session::{Sessions, session_service};

/// Both services over what a process shares.
pub fn parts(core: &Core) -> Parts {
    let grpc = Grpc::default()
        .with(session_service(core.gate.clone(), core.deployment()))
        .with(team_service(core.gate.clone()));
    Parts { grpc, needs: vec![core.needs_store()], ..Parts::default() }
}

/// TeamService, served through a gate.
pub fn team_service(gate: Gate) -> TeamServiceServer<Teams> {
    TeamServiceServer::new(Teams { gate })
}

/// Implements TeamService.
#[derive(Clone, Debug)]
pub struct Teams {
    gate: Gate,
}

#[async_trait]
impl TeamService for Teams {
    async fn list_teams(
        &self,
        request: Request<pb::ListTeamsRequest>,
    ) -> Result<Response<pb::ListTeamsResponse>, Status> {
        let gate = &self.gate;
        let handle = |op, message| async move {
            list::handle(gate.registry(), gate.page_tokens(), &op, message).await
        };
        gate.read(&methods::LIST_TEAMS, request, handle).await
    }

    async fn get_team(
        &self,
        request: Request<pb::GetTeamRequest>,
    ) -> Result<Response<pb::GetTeamResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { get::handle(registry, &op, &message).await };
        self.gate.read(&methods::GET_TEAM, request, handle).await
    }

    async fn create_team(
        &self,
        request: Request<pb::CreateTeamRequest>,
    ) -> Result<Response<pb::CreateTeamResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { create::handle(registry, &op, &message).await };
        self.gate.change(&methods::CREATE_TEAM, request, handle).await
    }

    async fn update_team(
        &self,
        request: Request<pb::UpdateTeamRequest>,
    ) -> Result<Response<pb::UpdateTeamResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { update::handle(registry, &op, &message).await };
        self.gate.change(&methods::UPDATE_TEAM, request, handle).await
    }

    async fn delete_team(
        &self,
        request: Request<pb::DeleteTeamRequest>,
    ) -> Result<Response<pb::DeleteTeamResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { delete::handle(registry, &op, &message).await };
        self.gate.change(&methods::DELETE_TEAM, request, handle).await
    }
}

/// What an error says a team is.
fn subject(team: &TeamId) -> Subject {
    Subject::new("teams", team.as_str())
}

/// A team that is there.
async fn existing(registry: &Registry, team: &TeamId) -> Result<Versioned<Team>, Error> {
    registry.team(team).await?.ok_or_else(|| Error::NotFound(subject(team)))
}

/// As far as the caller may see it.
fn shown(op: &Op, team: &Versioned<Team>, last_member: Option<Timestamp>) -> pb::Team {
    let view = TeamView {
        member: op.actor().is_in(&team.value.team),
        mapping: op.authorize_new(Action::ReadTeamMapping, &Resource::Whole).is_ok(),
        last_member,
        now: op.now(),
    };
    to_team(team, &view)
}
