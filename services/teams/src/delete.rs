//! Deletes a team that owns nothing.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::{Blocker, Error};
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_proto::v1 as pb;
use turnpike_registry::{About, Attempt, Change, Owned, Registry};
use turnpike_rpc::Op;
use turnpike_rpc::convert::teams::{TeamDeletion, parse_delete};

use crate::{existing, subject};

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::DeleteTeamRequest,
) -> Result<pb::DeleteTeamResponse, Error> {
    let deletion = parse_delete(message)?;
    registry.transact(async || decide(registry, op, &deletion).await).await?;
    Ok(pb::DeleteTeamResponse {})
}

async fn decide(
    registry: &Registry,
    op: &Op,
    deletion: &TeamDeletion,
) -> Result<Attempt<()>, Error> {
    let permit = op.authorize_new(Action::ManageTeam, &Resource::Whole)?;
    // That the team owns nothing holds only while it is given nothing: from here on.
    let head = registry.head().await?;
    let team = existing(registry, &deletion.team).await?;
    if team.version != deletion.version {
        return Err(Error::Stale(subject(&deletion.team)));
    }
    let owned = registry.owned_by(&deletion.team).await?;
    if !owned.is_empty() {
        return Err(Error::Precondition(owned.iter().map(blocker).collect()));
    }
    if deletion.validate_only {
        return Ok(Attempt::Nothing(()));
    }
    let mut change = Change::new(&permit, op.origin());
    change.leans_on(About::Team(deletion.team.clone()), head.sequence, 0);
    change.delete_team(&team);
    change.event(EventDraft::of_team(EventAction::TeamDeleted, Became::Gone(&team.value)));
    Ok(Attempt::Change(Box::new(change), ()))
}

fn blocker(owned: &Owned) -> Blocker {
    let (subject, what) = match owned {
        Owned::Client(id) => (format!("clients/{id}"), "client"),
        Owned::ResourceServer(id) => (format!("resource-servers/{id}"), "resource server"),
    };
    Blocker {
        kind: "TEAM_OWNS",
        subject,
        description: format!("the team owns this {what}: hand it over or delete it first"),
    }
}
