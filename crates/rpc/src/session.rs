//! SessionService: what authentication found, told to the caller. It stands with the edge because it says
//! nothing that the edge does not know.

use std::sync::Arc;

use tonic::{Request, Response, Status};
use turnpike_domain::Error;
use turnpike_domain::actor::{Actor, Role, Staff, Teams};
use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::id::TeamId;
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::session_service_server::{SessionService, SessionServiceServer};

use crate::convert::{to_principal, to_time};
use crate::gate::Gate;
use crate::methods;
use crate::op::Op;

/// A team of the directory, with what people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamName {
    /// Its key.
    pub team: TeamId,
    /// What people call it.
    pub display_name: String,
}

/// The service.
#[derive(Clone, Debug)]
pub struct Sessions {
    gate: Gate,
    teams: Arc<Vec<TeamName>>,
    deployment: Arc<pb::Deployment>,
}

/// The server to mount: `teams` are all teams there are, `deployment` the facts of this installation.
pub fn server(
    gate: Gate,
    teams: Vec<TeamName>,
    deployment: pb::Deployment,
) -> SessionServiceServer<Sessions> {
    let (teams, deployment) = (Arc::new(teams), Arc::new(deployment));
    SessionServiceServer::new(Sessions { gate, teams, deployment })
}

#[tonic::async_trait]
impl SessionService for Sessions {
    async fn get_session(
        &self,
        request: Request<pb::GetSessionRequest>,
    ) -> Result<Response<pb::GetSessionResponse>, Status> {
        let get = |op, _| async move { self.get(&op) };
        self.gate.read(&methods::GET_SESSION, request, get).await
    }
}

impl Sessions {
    /// Needs to be signed in.
    fn get(&self, op: &Op) -> Result<pb::GetSessionResponse, Error> {
        op.authorize_new(Action::ReadSession, &Resource::Whole)?;
        let actor = op.actor();
        let (roles, expire_time, teams_known) = match actor {
            Actor::Staff(Staff { roles, session_expire_time, teams, .. }) => (
                roles.iter().map(|role| to_role(*role).into()).collect(),
                Some(to_time(*session_expire_time)),
                matches!(teams, Teams::Known(_)),
            ),
            _ => (Vec::new(), None, true),
        };
        Ok(pb::GetSessionResponse {
            principal: Some(to_principal(&actor.principal())),
            teams: self.teams_of(actor),
            roles,
            expire_time,
            deployment: Some((*self.deployment).clone()),
            teams_known,
        })
    }

    /// The teams the caller acts for; one that the directory no longer names keeps its key as its name.
    fn teams_of(&self, actor: &Actor) -> Vec<pb::Team> {
        let named = |team: &TeamName, member| pb::Team {
            team: team.team.to_string(),
            display_name: team.display_name.clone(),
            member,
        };
        if actor.has(Role::PlatformAdmin) {
            return self.teams.iter().map(|team| named(team, actor.is_in(&team.team))).collect();
        }
        let teams = actor.teams();
        let known = |team: &TeamId| self.teams.iter().find(|known| known.team == *team);
        teams
            .into_iter()
            .map(|team| match known(&team) {
                Some(team) => named(team, true),
                None => named(&TeamName { display_name: team.to_string(), team }, true),
            })
            .collect()
    }
}

const fn to_role(role: Role) -> pb::Role {
    match role {
        Role::Auditor => pb::Role::Auditor,
        Role::PlatformAdmin => pb::Role::PlatformAdmin,
    }
}
