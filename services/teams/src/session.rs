//! SessionService: what authentication found, told to the caller; the sessions of people.

pub(crate) mod end;
pub(crate) mod list;

use std::sync::Arc;

use tonic::{Request, Response, Status};
use turnpike_domain::Error;
use turnpike_domain::Team;
use turnpike_domain::actor::{Actor, Role, Staff};
use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::id::TeamId;
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::session_service_server::{SessionService, SessionServiceServer};
use turnpike_rpc::convert::{to_principal, to_time};
use turnpike_rpc::{Gate, Op, methods};

/// Implements SessionService.
#[derive(Clone, Debug)]
pub struct Sessions {
    gate: Gate,
    deployment: Arc<pb::Deployment>,
}

/// SessionService, served through a gate; `deployment` are the facts of this installation.
pub fn session_service(gate: Gate, deployment: pb::Deployment) -> SessionServiceServer<Sessions> {
    SessionServiceServer::new(Sessions { gate, deployment: Arc::new(deployment) })
}

#[tonic::async_trait]
impl SessionService for Sessions {
    async fn get_session(
        &self,
        request: Request<pb::GetSessionRequest>,
    ) -> Result<Response<pb::GetSessionResponse>, Status> {
        let get = |op, _| async move { self.get(&op).await };
        self.gate.read(&methods::GET_SESSION, request, get).await
    }

    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        let gate = &self.gate;
        let handle = |op, message| async move {
            list::handle(gate.registry(), gate.page_tokens(), &op, message).await
        };
        gate.read(&methods::LIST_SESSIONS, request, handle).await
    }

    async fn end_session(
        &self,
        request: Request<pb::EndSessionRequest>,
    ) -> Result<Response<pb::EndSessionResponse>, Status> {
        let registry = self.gate.registry();
        let handle = |op, message| async move { end::handle(registry, &op, &message).await };
        self.gate.change(&methods::END_SESSION, request, handle).await
    }
}

impl Sessions {
    /// Needs to be signed in.
    async fn get(&self, op: &Op) -> Result<pb::GetSessionResponse, Error> {
        op.authorize_new(Action::ReadSession, &Resource::Whole)?;
        let actor = op.actor();
        let (roles, expire_time, teams_known) = match actor {
            Actor::Staff(Staff { roles, session_expire_time, teams, .. }) => (
                roles.iter().map(|role| to_role(*role).into()).collect(),
                Some(to_time(*session_expire_time)),
                teams.are_all(),
            ),
            _ => (Vec::new(), None, true),
        };
        Ok(pb::GetSessionResponse {
            principal: Some(to_principal(&actor.principal())),
            teams: teams_of(actor, self.gate.registry().all_teams().await?),
            roles,
            expire_time,
            deployment: Some((*self.deployment).clone()),
            teams_known,
        })
    }
}

/// The teams the caller acts for; one that is not there (any more) keeps its key as its name.
fn teams_of(actor: &Actor, all: Vec<Team>) -> Vec<pb::Team> {
    let named = |team: &TeamId, display_name: &str, contact: &str| pb::Team {
        team: team.to_string(),
        display_name: display_name.to_owned(),
        contact: contact.to_owned(),
        member: actor.is_in(team),
        ..pb::Team::default()
    };
    let known = |team: &Team| named(&team.team, team.display_name.as_str(), team.contact.as_str());
    if actor.has(Role::PlatformAdmin) {
        return all.iter().map(known).collect();
    }
    let one = |team: TeamId| match all.iter().find(|known| known.team == team) {
        Some(team) => known(team),
        None => named(&team, team.as_str(), ""),
    };
    actor.teams().into_iter().map(one).collect()
}

const fn to_role(role: Role) -> pb::Role {
    match role {
        Role::Auditor => pb::Role::Auditor,
        Role::PlatformAdmin => pb::Role::PlatformAdmin,
    }
}
