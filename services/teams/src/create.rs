//! Makes a team.

use turnpike_domain::authz::{Action, Permit, Resource};
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::{Team, Timestamp};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Registry, Seen, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::teams::{NewTeam, parse_create};

use crate::{existing, shown, subject};

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::CreateTeamRequest,
) -> Result<pb::CreateTeamResponse, Error> {
    let new = parse_create(message, op.once(&message.request_id))?;
    let permit = op.authorize_new(Action::ManageTeam, &Resource::Whole)?;
    let team = registry.transact(async || decide(registry, op, &permit, &new).await).await?;
    let seen = registry.team_seen(&new.team).await?;
    Ok(pb::CreateTeamResponse { team: Some(shown(op, &team, seen)) })
}

async fn decide(
    registry: &Registry,
    op: &Op,
    permit: &Permit,
    new: &NewTeam,
) -> Result<Attempt<Versioned<Team>>, Error> {
    let once = new.once.as_ref().filter(|_| !new.validate_only);
    let replaces = match registry.seen(permit.principal(), once).await? {
        Seen::Before(_) => return Ok(Attempt::Nothing(existing(registry, &new.team).await?)),
        Seen::Never(replaces) => replaces,
    };
    if registry.team(&new.team).await?.is_some() {
        return Err(Error::AlreadyExists(subject(&new.team)));
    }
    let now = registry.now();
    let mut team = Versioned::new(build(new, now));
    if new.validate_only {
        return Ok(Attempt::Nothing(team));
    }
    let mut change = Change::new(permit, op.origin());
    let revision = change.put_team(&team)?;
    change.event(EventDraft::of_team(EventAction::TeamCreated, Became::New(&team.value)));
    let keys = vec![new.team.to_string()];
    change.remember(once.map(|once| once.clone().answered(keys, now, replaces)).as_ref())?;
    team.version = revision;
    Ok(Attempt::Change(Box::new(change), team))
}

fn build(new: &NewTeam, now: Timestamp) -> Team {
    Team {
        team: new.team.clone(),
        display_name: new.display_name.clone(),
        contact: new.contact.clone(),
        directory_groups: new.directory_groups.clone(),
        app_roles: new.app_roles.clone(),
        create_time: now,
        update_time: now,
    }
}
