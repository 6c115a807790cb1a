//! Teams: reads, what they own, when their members were last seen, and those that are there from the start.

use std::collections::{BTreeSet, HashMap};
use std::future::ready;

use turnpike_domain::actor::Actor;
use turnpike_domain::authz::{Action, Resource, decide};
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::id::{ClientId, TeamId};
use turnpike_domain::team::{AppRoles, DirectoryGroups, TeamState};
use turnpike_domain::text::{TeamContact, TeamName};
use turnpike_domain::{Error, Identifier, Problem, Team, Timestamp};

use crate::change::{Change, Origin};
use crate::commit::unavailable;
use crate::keys;
use crate::list::{Listed, Place, occurs};
use crate::record::{Versioned, decode, encode, kept, team};
use crate::registry::{Attempt, Registry};
use crate::store::{self, Item, Precondition, Query, Source, Write};

/// A member who signs in within this time of another changes nothing: states of teams are told by days.
const SEEN_SECONDS: i64 = 24 * 60 * 60;

/// Which teams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeamFilter {
    /// In whose key, name or contact this lower-case text occurs.
    pub text: String,
    /// In this state now.
    pub state: Option<TeamState>,
}

/// When a member of each team last signed in; a team that is not there has not seen one.
pub type TeamsSeen = HashMap<TeamId, Timestamp>;

/// Something that a team owns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owned {
    /// A client.
    Client(ClientId),
    /// A resource server.
    ResourceServer(Identifier),
}

impl Registry {
    /// A team.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn team(&self, id: &TeamId) -> Result<Option<Versioned<Team>>, Error> {
        self.get(&keys::team(id)).await?.as_ref().map(team::from_item).transpose()
    }

    /// Refuses a team that is not there as the owner of something. Who leans on it also
    /// [checks](Change::check_team) it in the change.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] at `field`; [`Error::Unavailable`], [`Error::Internal`].
    pub async fn owner(&self, field: &'static str, id: &TeamId) -> Result<(), Error> {
        match self.team(id).await? {
            Some(_) => Ok(()),
            None => Err(Error::invalid(field, Problem::NotFound)),
        }
    }

    /// Teams by name. `seen` is what [`Registry::teams_seen`] answered.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a place of another list; [`Error::Unavailable`], [`Error::Internal`].
    pub async fn list_teams(
        &self,
        filter: &TeamFilter,
        seen: &TeamsSeen,
        limit: usize,
        after: Option<Place>,
    ) -> Result<Listed<Versioned<Team>>, Error> {
        let query = Query::new(Source::Index2, keys::TEAMS, limit);
        let now = self.now();
        self.scan(query, limit, after, |item: Item| {
            let team = match team::from_item(&item) {
                Ok(team) => team,
                Err(error) => return ready(Err(error)),
            };
            let Team { team: id, display_name, contact, .. } = &team.value;
            let state = team.value.state_at(seen.get(id).copied(), now);
            let keep = filter.state.is_none_or(|wanted| wanted == state)
                && occurs(&filter.text, [id.as_str(), display_name.as_str(), contact.as_str()]);
            ready(Ok(keep.then_some(team)))
        })
        .await
    }

    /// All teams by name: a company has hundreds, not thousands. May lag behind changes.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn all_teams(&self) -> Result<Vec<Team>, Error> {
        let items = self.query_all(Source::Index2, keys::TEAMS, "").await?;
        items.iter().map(|item| Ok(team::from_item(item)?.value)).collect()
    }

    /// What a team owns, all of it: what was registered or handed over a moment ago too.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn owned_by(&self, team: &TeamId) -> Result<BTreeSet<Owned>, Error> {
        let mut owned = BTreeSet::new();
        // The indexes have all of it and may lag; the entries of the table do not, and may name what has
        // left the team, or, of things older than the entries, be missing.
        for item in self.query_all(Source::Index1, &keys::clients_of(team), "").await? {
            owned.insert(Owned::Client(client_of(&item.key.pk)?));
        }
        for item in self.query_all(Source::Index1, &keys::resource_servers_of(team), "").await? {
            owned.insert(Owned::ResourceServer(resource_server_of(&item.key.pk)?));
        }
        for item in self.query_all(Source::Table, &keys::owned_by(team), "").await? {
            if let Some(id) = item.key.sk.strip_prefix(keys::OWNED_CLIENT) {
                owned.insert(Owned::Client(kept("client_id", ClientId::parse(id))?));
            } else if let Some(id) = item.key.sk.strip_prefix(keys::OWNED_RESOURCE_SERVER) {
                owned.insert(Owned::ResourceServer(kept("identifier", Identifier::parse(id))?));
            }
        }
        let mut really = BTreeSet::new();
        for one in owned {
            let owner = match &one {
                Owned::Client(id) => self.client(id).await?.map(|client| client.value.team),
                Owned::ResourceServer(id) => {
                    self.resource_server(id).await?.map(|server| server.value.team)
                }
            };
            if owner.is_some_and(|owner| owner == *team) {
                really.insert(one);
            }
        }
        Ok(really)
    }

    /// When a member of each team last signed in, to the day.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn teams_seen(&self) -> Result<TeamsSeen, Error> {
        let items = self.query_all(Source::Table, keys::TEAMS_SEEN, "").await?;
        items.iter().map(seen).collect()
    }

    /// When a member of a team last signed in, to the day.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn team_seen(&self, id: &TeamId) -> Result<Option<Timestamp>, Error> {
        let item = self.get(&keys::team_seen(id)).await?;
        Ok(item.as_ref().map(seen).transpose()?.map(|(_, time)| time))
    }

    /// Notes that a member of a team signed in. Not a change: it is not in the log.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn note_team_member(&self, id: &TeamId) -> Result<(), Error> {
        let now = self.now();
        let before = self.team_seen(id).await?;
        if before.is_some_and(|before| now < before.plus_seconds(SEEN_SECONDS)) {
            return Ok(());
        }
        let item = Item {
            key: keys::team_seen(id),
            index1: None,
            index2: None,
            version: 1,
            body: encode(&now.millis())?,
        };
        let writes = [
            Write::Put { item, precondition: Precondition::Any },
            // A note must not outlive its team.
            Write::Check { key: keys::team(id), precondition: Precondition::Exists },
        ];
        match self.store.commit(&writes).await {
            Ok(()) | Err(store::Error::Precondition(_) | store::Error::Contended) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Makes the teams that are there from the start, by their keys and names. Those that are there already stay as
    /// they are. Any process may call it at any time.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn provide_teams(&self, teams: &[(TeamId, TeamName)]) -> Result<(), Error> {
        for (id, name) in teams {
            self.transact(|| self.decide_provided(id, name)).await?;
        }
        Ok(())
    }

    async fn decide_provided(&self, id: &TeamId, name: &TeamName) -> Result<Attempt<()>, Error> {
        if self.team(id).await?.is_some() {
            return Ok(Attempt::Nothing(()));
        }
        let permit = decide(&Actor::System, Action::ProvideBuiltIn, &Resource::Whole)
            .map_err(|_| Error::internal("the system may not make the teams of the start"))?;
        let now = self.now();
        let team = Team {
            team: id.clone(),
            display_name: name.clone(),
            contact: kept("contact", TeamContact::parse(""))?,
            directory_groups: DirectoryGroups::default(),
            app_roles: AppRoles::default(),
            create_time: now,
            update_time: now,
        };
        let origin = Origin { request_id: "start".to_owned(), method: String::new() };
        let mut change = Change::new(&permit, &origin);
        change.event(EventDraft::of_team(EventAction::TeamCreated, Became::New(&team)));
        change.put_team(&Versioned::new(team))?;
        Ok(Attempt::Change(Box::new(change), ()))
    }
}

fn seen(item: &Item) -> Result<(TeamId, Timestamp), Error> {
    let id = kept("team", TeamId::parse(&item.key.sk))?;
    Ok((id, Timestamp::from_millis(decode(&item.body)?)))
}

fn client_of(pk: &str) -> Result<ClientId, Error> {
    let id = pk.split_once('#').map_or("", |(_, id)| id);
    kept("client_id", ClientId::parse(id))
}

fn resource_server_of(pk: &str) -> Result<Identifier, Error> {
    let id = pk.split_once('#').map_or("", |(_, id)| id);
    kept("identifier", Identifier::parse(id))
}
