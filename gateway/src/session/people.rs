//! Who a session's person is now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use turnpike_domain::actor::{Staff, Teams};
use turnpike_domain::id::TeamId;
use turnpike_domain::ports::Clock;
use turnpike_domain::session::{DirectoryEntry, Groups, Session, SignIn};
use turnpike_domain::{Error, Team, Timestamp};
use turnpike_registry::Registry;

use crate::config::Persona;
use crate::oidc::{self, RoleRule};

/// For how long the teams that were read count.
const TEAMS_FRESH_MILLIS: i64 = 2_000;

/// Finds what people may do: of those with a link in the configuration, of those of the directory in the teams'
/// records.
pub(super) struct People {
    personas: BTreeMap<String, Persona>,
    roles: Vec<RoleRule>,
    registry: Registry,
    clock: Arc<dyn Clock>,
    teams: tokio::sync::Mutex<Option<(Timestamp, Arc<Vec<Team>>)>>,
}

impl People {
    pub(super) fn new(
        personas: &[Persona],
        roles: Vec<RoleRule>,
        registry: Registry,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            personas: personas.iter().map(|p| (p.id.clone(), p.clone())).collect(),
            roles,
            registry,
            clock,
            teams: tokio::sync::Mutex::default(),
        }
    }

    /// The person of a session with the teams and roles they have now; `None` if they are no longer known.
    pub(super) async fn staff(&self, session: &Session) -> Result<Option<Staff>, Error> {
        let Session { person, expire_time, .. } = session;
        let found = match &session.sign_in {
            SignIn::Directory(entry) => {
                let teams = self.teams().await?;
                let roles = oidc::roles(entry, &self.roles);
                Some((person.display_name.clone(), of_directory(entry, &teams), roles))
            }
            SignIn::Link => self.personas.get(&person.id).map(|persona| {
                let Persona { display_name, teams, roles, .. } = persona.clone();
                (display_name, Teams::Known(teams), roles)
            }),
        };
        Ok(found.map(|(display_name, teams, roles)| Staff {
            id: person.id.clone(),
            display_name,
            teams,
            roles,
            session_expire_time: *expire_time,
        }))
    }

    /// Notes that a member of each team of a person signed in. What fails is tried at the next login.
    pub(super) async fn note_teams(&self, session: &Session) {
        let Ok(Some(staff)) = self.staff(session).await else { return };
        for team in staff.teams.known() {
            if let Err(error) = self.registry.note_team_member(team).await {
                let error = turnpike_rpc::status::causes(&error);
                tracing::warn!(team = team.as_str(), error, "team.member_not_noted");
            }
        }
    }

    async fn teams(&self) -> Result<Arc<Vec<Team>>, Error> {
        let mut held = self.teams.lock().await;
        let now = self.clock.now();
        if let Some((time, teams)) = held.as_ref()
            && (0..TEAMS_FRESH_MILLIS).contains(&(now.millis() - time.millis()))
        {
            return Ok(Arc::clone(teams));
        }
        let teams = Arc::new(self.registry.all_teams().await?);
        *held = Some((now, Arc::clone(&teams)));
        Ok(teams)
    }
}

/// The teams whose groups or app roles a person has.
pub(super) fn of_directory(entry: &DirectoryEntry, teams: &[Team]) -> Teams {
    let in_group = |team: &Team| match &entry.groups {
        Groups::Known(groups) => team.directory_groups.list().iter().any(|g| groups.contains(g)),
        Groups::Unknown => false,
    };
    let has_role = |team: &Team| team.app_roles.list().iter().any(|r| entry.app_roles.contains(r));
    let of = teams.iter().filter(|team| in_group(team) || has_role(team));
    let of: BTreeSet<TeamId> = of.map(|team| team.team.clone()).collect();
    match entry.groups {
        Groups::Known(_) => Teams::Known(of),
        Groups::Unknown => Teams::Unknown(of),
    }
}
