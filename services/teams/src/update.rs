//! Changes a team's name, contact, or who its members are.

use turnpike_domain::Team;
use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Registry, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::teams::{TeamUpdate, parse_update};

use crate::{existing, shown, subject};

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::UpdateTeamRequest,
) -> Result<pb::UpdateTeamResponse, Error> {
    let update = parse_update(message)?;
    let team = registry.transact(async || decide(registry, op, &update).await).await?;
    let seen = registry.team_seen(&update.team).await?;
    Ok(pb::UpdateTeamResponse { team: Some(shown(op, &team, seen)) })
}

async fn decide(
    registry: &Registry,
    op: &Op,
    update: &TeamUpdate,
) -> Result<Attempt<Versioned<Team>>, Error> {
    let permit = op.authorize_new(Action::ManageTeam, &Resource::Whole)?;
    let team = existing(registry, &update.team).await?;
    if team.version != update.version {
        return Err(Error::Stale(subject(&update.team)));
    }
    let mut next = applied(&team, update);
    if next == team || update.validate_only {
        return Ok(Attempt::Nothing(next));
    }
    next.value.update_time = registry.now();
    let mut change = Change::new(&permit, op.origin());
    let revision = change.put_team(&next)?;
    let became = Became::Other(&team.value, &next.value);
    change.event(EventDraft::of_team(EventAction::TeamUpdated, became));
    next.version = revision;
    Ok(Attempt::Change(Box::new(change), next))
}

/// The team as it would be.
fn applied(team: &Versioned<Team>, update: &TeamUpdate) -> Versioned<Team> {
    let TeamUpdate {
        team: _,
        version: _,
        display_name,
        contact,
        directory_groups,
        app_roles,
        validate_only: _,
    } = update.clone();
    let mut next = team.clone();
    let value = &mut next.value;
    value.display_name = display_name.unwrap_or_else(|| value.display_name.clone());
    value.contact = contact.unwrap_or_else(|| value.contact.clone());
    value.directory_groups = directory_groups.unwrap_or_else(|| value.directory_groups.clone());
    value.app_roles = app_roles.unwrap_or_else(|| value.app_roles.clone());
    next
}
