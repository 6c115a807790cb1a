//! Lists: a page at a time, filtered while they are read, never more than a bounded number looked at.

use std::future::ready;

use serde::{Deserialize, Serialize};
use turnpike_domain::grant::GrantState;
use turnpike_domain::id::{ClientId, TeamId};
use turnpike_domain::{Client, Error, Grant, Identifier, ResourceServer, Timestamp};

use crate::change::grant_at;
use crate::keys;
use crate::record::{Versioned, client, grant, resource_server};
use crate::registry::Registry;
use crate::store::{Cursor, IndexKey, Item, Key, Query, Source};

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// May be fewer than asked for while there are more.
    pub items: Vec<T>,
    /// Where the next page starts; `None` exactly when there is no more.
    pub next: Option<Place>,
}

/// Where a page starts. A plain value: sealed, and bound to its query and caller, before it leaves the
/// process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    key: (String, String),
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<(String, String)>,
}

impl Place {
    /// After an entry of a list that no store keeps, by what it is sorted by.
    pub fn after(sorted_by: (String, String)) -> Self {
        Self { key: sorted_by, index: None }
    }

    /// What [`Place::after`] was made of.
    pub fn sorted_by(&self) -> &(String, String) {
        &self.key
    }
}

/// Which clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFilter {
    /// Of one of these teams; else of all.
    pub teams: Option<Vec<TeamId>>,
    /// Enabled, or disabled.
    pub enabled: Option<bool>,
    /// In whose id, name or description this lower-case text occurs.
    pub text: String,
}

/// Which resource servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceServerFilter {
    /// Of this team; else of all.
    pub team: Option<TeamId>,
    /// In whose identifier, name, description or scope names this lower-case text occurs.
    pub text: String,
}

/// Which grants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantFilter {
    /// Of this client.
    pub client_id: Option<ClientId>,
    /// Of this resource server.
    pub resource_server: Option<Identifier>,
    /// In which one of these teams owns a side.
    pub teams: Option<Vec<TeamId>>,
    /// Waiting for the decision of one of these teams.
    pub waiting_for: Option<Vec<TeamId>>,
    /// In this state now.
    pub state: Option<GrantState>,
    /// In whose client's id or name, reason or scopes this lower-case text occurs.
    pub text: String,
}

impl Registry {
    /// Clients by name.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a place of another list; [`Error::Unavailable`], [`Error::Internal`].
    pub async fn list_clients(
        &self,
        filter: &ClientFilter,
        limit: usize,
        after: Option<Place>,
    ) -> Result<Listed<Versioned<Client>>, Error> {
        let queries = match &filter.teams {
            Some(teams) => queries(Source::Index1, teams, keys::clients_of, limit),
            None => vec![Query::new(Source::Index2, keys::CLIENTS, limit)],
        };
        self.merge(queries, limit, after, |item: Item| {
            let client = match client::from_item(&item) {
                Ok(client) => client,
                Err(error) => return ready(Err(error)),
            };
            let Client { client_id, display_name, description, enabled, .. } = &client.value;
            let texts = [client_id.as_str(), display_name.as_str(), description.as_str()];
            let keep = filter.enabled.is_none_or(|wanted| wanted == *enabled)
                && occurs(&filter.text, texts);
            ready(Ok(keep.then_some(client)))
        })
        .await
    }

    /// Resource servers by identifier.
    ///
    /// # Errors
    ///
    /// As for [`Registry::list_clients`].
    pub async fn list_resource_servers(
        &self,
        filter: &ResourceServerFilter,
        limit: usize,
        after: Option<Place>,
    ) -> Result<Listed<Versioned<ResourceServer>>, Error> {
        let query = match &filter.team {
            Some(team) => Query::new(Source::Index1, keys::resource_servers_of(team), limit),
            None => Query::new(Source::Index2, keys::RESOURCE_SERVERS, limit),
        };
        self.scan(query, limit, after, |item: Item| {
            let server = match resource_server::from_item(&item) {
                Ok(server) => server,
                Err(error) => return ready(Err(error)),
            };
            let ResourceServer { identifier, display_name, description, scopes, .. } =
                &server.value;
            let texts = [identifier.as_str(), display_name.as_str(), description.as_str()];
            let names = scopes.list().iter().map(|scope| scope.name.as_str());
            let keep = occurs(&filter.text, texts.into_iter().chain(names));
            ready(Ok(keep.then_some(server)))
        })
        .await
    }

    /// Grants, newest first, each with its client if that still exists. `visible` says which of them the caller
    /// may read.
    ///
    /// # Errors
    ///
    /// As for [`Registry::list_clients`].
    pub async fn list_grants(
        &self,
        filter: &GrantFilter,
        limit: usize,
        after: Option<Place>,
        visible: impl Fn(&Grant) -> bool + Send + Sync,
    ) -> Result<Listed<(Versioned<Grant>, Option<Client>)>, Error> {
        let queries = match filter {
            GrantFilter { waiting_for: Some(teams), .. } => {
                queries(Source::Table, teams, keys::waiting, limit)
            }
            GrantFilter { client_id: Some(id), .. } => {
                vec![Query::new(Source::Index1, keys::grants_of_client(id), limit)]
            }
            GrantFilter { resource_server: Some(id), .. } => {
                vec![Query::new(Source::Index2, keys::grants_of_resource_server(id), limit)]
            }
            GrantFilter { teams: Some(teams), .. } => {
                queries(Source::Table, teams, keys::grants_of_team, limit)
            }
            _ => vec![Query::new(Source::Table, keys::GRANTS, limit)],
        };
        let source = queries.first().map_or(Source::Table, |query| query.source);
        let queries = queries.into_iter().map(Query::backward).collect();
        let keep = |item| self.keep_grant(item, source, filter, &visible);
        self.merge(queries, limit, after, keep).await
    }

    /// The grant behind an item of a list, if it is asked for and visible.
    async fn keep_grant(
        &self,
        item: Item,
        source: Source,
        filter: &GrantFilter,
        visible: &(impl Fn(&Grant) -> bool + Sync),
    ) -> Result<Option<(Versioned<Grant>, Option<Client>)>, Error> {
        let id = match source {
            Source::Table => grant_at(&item.key.sk)?,
            Source::Index1 | Source::Index2 => grant::from_item(&item)?.value.grant_id,
        };
        let now = self.now();
        let taken = |g: &Versioned<Grant>| filter.takes(&g.value, now) && visible(&g.value);
        let Some(grant) = self.grant(&id).await?.filter(taken) else { return Ok(None) };
        let client = self.client(&grant.value.client_id).await?.map(|client| client.value);
        let name = client.as_ref().map_or("", |client| client.display_name.as_str());
        let texts = [grant.value.client_id.as_str(), name, grant.value.reason.as_str()];
        let scopes = grant.value.scopes.list().iter().map(|scope| scope.as_str());
        let keep = occurs(&filter.text, texts.into_iter().chain(scopes));
        Ok(keep.then_some((grant, client)))
    }
}

impl GrantFilter {
    fn takes(&self, grant: &Grant, now: Timestamp) -> bool {
        self.client_id.as_ref().is_none_or(|id| *id == grant.client_id)
            && self.resource_server.as_ref().is_none_or(|id| *id == grant.resource_server)
            && self.teams.as_ref().is_none_or(|teams| {
                teams.contains(&grant.client_team) || teams.contains(&grant.resource_server_team)
            })
            && self.waiting_for.as_ref().is_none_or(|teams| {
                teams.contains(&grant.resource_server_team)
                    && grant.state_at(now) == GrantState::Pending
            })
            && self.state.is_none_or(|state| state == grant.state_at(now))
    }
}

impl Place {
    pub(crate) fn of(item: &Item, source: Source) -> Self {
        Self {
            key: (item.key.pk.clone(), item.key.sk.clone()),
            index: item.index(source).map(|index| (index.pk.clone(), index.sk.clone())),
        }
    }

    /// This place in the partition of a query.
    pub(crate) fn cursor_of(&self, query: &Query) -> Cursor {
        let (pk, sk) = self.key.clone();
        match &self.index {
            None => Cursor { key: Key::new(query.pk.clone(), sk), index: None },
            Some((_, place)) => Cursor {
                key: Key::new(pk, sk),
                index: Some(IndexKey::new(query.pk.clone(), place.clone())),
            },
        }
    }
}

/// One query a team, of the list that `pk` names.
fn queries(
    source: Source,
    teams: &[TeamId],
    pk: impl Fn(&TeamId) -> String,
    limit: usize,
) -> Vec<Query> {
    teams.iter().map(|team| Query::new(source, pk(team), limit)).collect()
}

/// Whether a lower-case text occurs in one of some texts, whatever their case.
pub(crate) fn occurs<'a>(text: &str, texts: impl IntoIterator<Item = &'a str>) -> bool {
    text.is_empty() || texts.into_iter().any(|candidate| candidate.to_lowercase().contains(text))
}

/// Places in the log, whose buckets are partitions of their own.
impl Place {
    /// The place of an event.
    pub(crate) fn event(sequence: u64) -> Self {
        let key = keys::event(sequence);
        Self { key: (key.pk, key.sk), index: None }
    }

    /// The sequence of the event at this place.
    pub(crate) fn sequence(&self) -> Result<u64, Error> {
        self.key.1.parse().map_err(Error::internal)
    }
}
