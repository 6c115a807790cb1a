//! Lists: a page at a time, filtered while they are read, never more than a bounded number looked at.

use serde::{Deserialize, Serialize};
use turnpike_domain::grant::GrantState;
use turnpike_domain::id::{ClientId, TeamId};
use turnpike_domain::{Client, Error, Grant, Identifier, ResourceServer, Timestamp};

use crate::change::grant_at;
use crate::keys;
use crate::record::{Versioned, client, grant, resource_server};
use crate::registry::Registry;
use crate::store::{Cursor, IndexKey, Item, Key, Query, Source, check};

/// How many items one call looks at before it answers with what it found so far.
const LOOKED_AT_MAX: usize = 1_000;

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

/// Which clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFilter {
    /// Of this team; else of all.
    pub team: Option<TeamId>,
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
    /// In which this team owns a side.
    pub team: Option<TeamId>,
    /// Waiting for this team's decision.
    pub waiting_for: Option<TeamId>,
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
        let query = match &filter.team {
            Some(team) => Query::new(Source::Index1, keys::clients_of(team), limit),
            None => Query::new(Source::Index2, keys::CLIENTS, limit),
        };
        self.scan(query, limit, after, async |item| {
            let client = client::from_item(&item)?;
            let Client { client_id, display_name, description, enabled, .. } = &client.value;
            let texts = [client_id.as_str(), display_name.as_str(), description.as_str()];
            let keep = filter.enabled.is_none_or(|wanted| wanted == *enabled)
                && occurs(&filter.text, texts);
            Ok(keep.then_some(client))
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
        self.scan(query, limit, after, async |item| {
            let server = resource_server::from_item(&item)?;
            let ResourceServer { identifier, display_name, description, scopes, .. } =
                &server.value;
            let texts = [identifier.as_str(), display_name.as_str(), description.as_str()];
            let names = scopes.list().iter().map(|scope| scope.name.as_str());
            let keep = occurs(&filter.text, texts.into_iter().chain(names));
            Ok(keep.then_some(server))
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
        visible: impl Fn(&Grant) -> bool,
    ) -> Result<Listed<(Versioned<Grant>, Option<Client>)>, Error> {
        let (source, pk) = match filter {
            GrantFilter { waiting_for: Some(team), .. } => (Source::Table, keys::waiting(team)),
            GrantFilter { client_id: Some(id), .. } => (Source::Index1, keys::grants_of_client(id)),
            GrantFilter { resource_server: Some(id), .. } => {
                (Source::Index2, keys::grants_of_resource_server(id))
            }
            GrantFilter { team: Some(team), .. } => (Source::Table, keys::grants_of_team(team)),
            _ => (Source::Table, keys::GRANTS.to_owned()),
        };
        let now = self.now();
        self.scan(Query::new(source, pk, limit).backward(), limit, after, async |item| {
            let grant = match source {
                Source::Table => self.grant(&grant_at(&item.key.sk)?).await?,
                Source::Index1 | Source::Index2 => {
                    self.grant(&grant::from_item(&item)?.value.grant_id).await?
                }
            };
            let Some(grant) = grant.filter(|g| filter.takes(&g.value, now) && visible(&g.value))
            else {
                return Ok(None);
            };
            let client = self.client(&grant.value.client_id).await?.map(|client| client.value);
            let name = client.as_ref().map_or("", |client| client.display_name.as_str());
            let texts = [grant.value.client_id.as_str(), name, grant.value.reason.as_str()];
            let scopes = grant.value.scopes.list().iter().map(|scope| scope.as_str());
            let keep = occurs(&filter.text, texts.into_iter().chain(scopes));
            Ok(keep.then_some((grant, client)))
        })
        .await
    }

    /// Reads a query until `limit` items were kept, or enough were looked at.
    pub(crate) async fn scan<T>(
        &self,
        query: Query,
        limit: usize,
        after: Option<Place>,
        mut keep: impl AsyncFnMut(Item) -> Result<Option<T>, Error>,
    ) -> Result<Listed<T>, Error> {
        let mut query = query.after(after.map(Place::into_cursor));
        // A place is sealed before it leaves the process; one that does not fit its query is a defect of ours.
        check::query(&query).map_err(Error::internal)?;
        let mut kept = Vec::new();
        let mut looked_at = 0;
        loop {
            let page = self.query(&query).await?;
            let count = page.items.len();
            for (n, item) in page.items.into_iter().enumerate() {
                let place = Place::of(&item, query.source);
                kept.extend(keep(item).await?);
                if kept.len() == limit {
                    let more = n + 1 < count || page.next.is_some();
                    return Ok(Listed { items: kept, next: more.then_some(place) });
                }
            }
            looked_at += count;
            match page.next {
                None => return Ok(Listed { items: kept, next: None }),
                Some(next) if looked_at >= LOOKED_AT_MAX => {
                    return Ok(Listed { items: kept, next: Some(Place::of_cursor(next)) });
                }
                next => query = query.after(next),
            }
        }
    }
}

impl GrantFilter {
    fn takes(&self, grant: &Grant, now: Timestamp) -> bool {
        let team =
            |team: &TeamId| grant.client_team == *team || grant.resource_server_team == *team;
        self.client_id.as_ref().is_none_or(|id| *id == grant.client_id)
            && self.resource_server.as_ref().is_none_or(|id| *id == grant.resource_server)
            && self.team.as_ref().is_none_or(team)
            && self.waiting_for.as_ref().is_none_or(|t| {
                *t == grant.resource_server_team && grant.state_at(now) == GrantState::Pending
            })
            && self.state.is_none_or(|state| state == grant.state_at(now))
    }
}

impl Place {
    fn of(item: &Item, source: Source) -> Self {
        Self::of_cursor(Cursor { key: item.key.clone(), index: item.index(source).cloned() })
    }

    fn of_cursor(cursor: Cursor) -> Self {
        Self {
            key: (cursor.key.pk, cursor.key.sk),
            index: cursor.index.map(|index| (index.pk, index.sk)),
        }
    }

    fn into_cursor(self) -> Cursor {
        Cursor {
            key: Key::new(self.key.0, self.key.1),
            index: self.index.map(|(pk, sk)| IndexKey::new(pk, sk)),
        }
    }
}

/// Whether a lower-case text occurs in one of some texts, whatever their case.
fn occurs<'a>(text: &str, texts: impl IntoIterator<Item = &'a str>) -> bool {
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
