//! Teams that are there before a test begins.

#![expect(clippy::unwrap_used, reason = "a test stops where what it needs cannot be made")]

use turnpike_domain::authz::{Action, Resource, decide};
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::id::TeamId;
use turnpike_domain::team::{AppRole, AppRoles, DirectoryGroup, DirectoryGroups};
use turnpike_domain::text::TeamName;
use turnpike_registry::{Attempt, Change, Origin, Registry};

use crate::registered::admin;

/// The request id of the events that say that these teams were made.
pub const REQUEST_ID: &str = "start";

/// Makes teams of these keys, each called like it.
///
/// # Panics
///
/// If one is no key of a team, or the registry refuses.
pub async fn provide(registry: &Registry, teams: &[&str]) {
    let team = |key: &&str| (TeamId::parse(key).unwrap(), TeamName::parse(key).unwrap());
    let teams: Vec<_> = teams.iter().map(team).collect();
    registry.provide_teams(&teams).await.unwrap();
}

/// Maps a team to these groups and app roles of the directory.
///
/// # Panics
///
/// If the team is not there, or the registry refuses.
pub async fn map(registry: &Registry, team: &str, groups: &[&str], app_roles: &[&str]) {
    let groups = groups.iter().map(|text| DirectoryGroup::parse(text).unwrap()).collect();
    let app_roles = app_roles.iter().map(|text| AppRole::parse(text).unwrap()).collect();
    let groups = DirectoryGroups::new(groups).unwrap();
    let app_roles = AppRoles::new(app_roles).unwrap();
    let id = TeamId::parse(team).unwrap();
    let mapped = registry.transact(async || {
        let team = registry.team(&id).await?.unwrap();
        let mut next = team.clone();
        next.value.directory_groups = groups.clone();
        next.value.app_roles = app_roles.clone();
        let permit = decide(&admin(), Action::ManageTeam, &Resource::Whole).unwrap();
        let origin = Origin { request_id: REQUEST_ID.to_owned(), method: String::new() };
        let mut change = Change::new(&permit, &origin);
        change.put_team(&next)?;
        let became = Became::Other(&team.value, &next.value);
        change.event(EventDraft::of_team(EventAction::TeamUpdated, became));
        Ok(Attempt::Change(Box::new(change), ()))
    });
    mapped.await.unwrap();
}
