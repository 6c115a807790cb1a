//! `teams` and `personas`: the company, where no directory tells of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use turnpike_domain::id::TeamId;
use turnpike_domain::text::TeamName;

use super::error::Error;

/// A team.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Its key.
    pub team: String,
    /// What people call it.
    pub display_name: String,
}

/// A person who signs in by a printed link.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// Key, as it stands in the log.
    pub id: String,
    /// What people call them.
    pub display_name: String,
    /// Their teams.
    pub teams: Vec<String>,
    /// `platform-admin`, `auditor`.
    #[serde(default)]
    pub roles: Vec<Role>,
}

/// See [`Persona::roles`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads everything.
    Auditor,
    /// Does everything.
    PlatformAdmin,
}

/// Holds teams and personas together: each once, and nobody in a team that is none.
///
/// # Errors
///
/// The first that makes no sense.
pub fn check_people(teams: &[Team], personas: &[Persona]) -> Result<(), Error> {
    check_teams(teams)?;
    check_personas(personas)?;
    for (n, persona) in personas.iter().enumerate() {
        let known = |team: &String| teams.iter().any(|known| known.team == *team);
        if !persona.teams.iter().all(known) {
            return Err(Error::value(format!("personas[{n}].teams"), "is not one of `teams`"));
        }
    }
    Ok(())
}

/// Holds teams: each once.
fn check_teams(teams: &[Team]) -> Result<(), Error> {
    let mut known = BTreeSet::new();
    for (n, team) in teams.iter().enumerate() {
        let key = format!("teams[{n}].team");
        check_team(&key, &team.team)?;
        if !known.insert(&team.team) {
            return Err(Error::value(key, "is there twice"));
        }
        team_name(&format!("teams[{n}].display_name"), &team.display_name)?;
    }
    Ok(())
}

/// Holds personas whose teams others know: each once.
///
/// # Errors
///
/// The first that makes no sense.
pub fn check_personas(personas: &[Persona]) -> Result<(), Error> {
    let mut people = BTreeSet::new();
    for (n, persona) in personas.iter().enumerate() {
        if persona.id.is_empty() || !people.insert(&persona.id) {
            return Err(Error::value(format!("personas[{n}].id"), "must be there, and only once"));
        }
        for team in &persona.teams {
            check_team(&format!("personas[{n}].teams"), team)?;
        }
    }
    Ok(())
}

/// The teams that are there from the start.
///
/// # Errors
///
/// The first whose key or name is none.
pub fn provided_teams(teams: &[Team]) -> Result<Vec<(TeamId, TeamName)>, Error> {
    let team =
        |team: &Team| Ok((team_id("teams", &team.team)?, team_name("teams", &team.display_name)?));
    teams.iter().map(team).collect()
}

fn check_team(key: &str, team: &str) -> Result<(), Error> {
    team_id(key, team).map(|_| ())
}

/// The team that a setting is.
pub(crate) fn team_id(key: &str, team: &str) -> Result<TeamId, Error> {
    TeamId::parse(team).map_err(|problem| Error::value(key, problem))
}

fn team_name(key: &str, name: &str) -> Result<TeamName, Error> {
    TeamName::parse(name).map_err(|problem| Error::value(key, problem))
}
