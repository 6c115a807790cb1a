//! Reads the log: pages of it, single events, runs of lines to verify or export.

use std::future::ready;

use turnpike_domain::id::{ClientId, TeamId};
use turnpike_domain::{Error, Identifier, Timestamp};

use crate::event::Event;
use crate::keys;
use crate::list::{Listed, Place};
use crate::record::damaged;
use crate::registry::Registry;
use crate::store::{Item, Query, Range, Source, check};

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// That concern this client.
    pub client_id: Option<ClientId>,
    /// That concern this resource server.
    pub resource_server: Option<Identifier>,
    /// That concern this team.
    pub team: Option<TeamId>,
    /// This action, or all that begin so if it ends with `.*`.
    pub action: String,
    /// By this principal's id.
    pub actor_id: String,
    /// At or after this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

impl Registry {
    /// One event.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn event(&self, sequence: u64) -> Result<Option<Event>, Error> {
        self.get(&keys::event(sequence)).await?.as_ref().map(from_item).transpose()
    }

    /// Events, newest first. `visible` says which of them the caller may read.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn list_events(
        &self,
        filter: &EventFilter,
        limit: usize,
        after: Option<Place>,
        visible: impl Fn(&Event) -> bool + Send + Sync,
    ) -> Result<Listed<Event>, Error> {
        let keep = |item: Item| {
            let event = from_item(&item)?;
            Ok((filter.takes(&event) && visible(&event)).then_some(event))
        };
        let index = match filter {
            EventFilter { client_id: Some(id), .. } => {
                Some((Source::Index1, keys::events_of_client(id)))
            }
            EventFilter { resource_server: Some(id), .. } => {
                Some((Source::Index2, keys::events_of_resource_server(id)))
            }
            _ => None,
        };
        if let Some((source, pk)) = index {
            let query = Query::new(source, pk, limit).backward();
            return self.scan(query, limit, after, |item| ready(keep(item))).await;
        }
        // The whole log lies in buckets, newest last: a page comes from one of them.
        let mut newest = match after {
            Some(place) => place.sequence()?.saturating_sub(1),
            None => self.head().await?.sequence,
        };
        while newest > 0 {
            let query = Query::new(Source::Table, keys::log_bucket(newest), limit)
                .range(Range::To(keys::place(newest)))
                .backward();
            let mut listed = self.scan(query, limit, None, |item| ready(keep(item))).await?;
            let oldest = keys::bucket_start(newest);
            if listed.next.is_some() || oldest <= 1 {
                return Ok(listed);
            }
            if !listed.items.is_empty() {
                listed.next = Some(Place::event(oldest));
                return Ok(listed);
            }
            newest = oldest - 1;
        }
        Ok(Listed { items: Vec::new(), next: None })
    }

    /// The sequence of the first event at or after a moment, of those up to `head`; the one after `head` if there is
    /// none. Reads back from `head` to the moment and no event further, for the log's times never run backwards.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub(crate) async fn first_event_since(
        &self,
        head: u64,
        moment: Timestamp,
    ) -> Result<u64, Error> {
        let mut first = head + 1;
        while first > 1 {
            let last = first - 1;
            let from = last.saturating_sub(99).max(keys::bucket_start(last)).max(1);
            let lines = self.lines(from, last).await?;
            if lines.is_empty() {
                return Err(damaged("an event is missing from the log"));
            }
            for line in lines.iter().rev() {
                let event = Event::parse(line)?;
                if event.time < moment {
                    return Ok(first);
                }
                first = event.sequence;
            }
        }
        Ok(first)
    }

    /// Events from one sequence to another, both included, oldest first: at most a thousand, and
    /// none past the end of a bucket.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`].
    pub async fn lines(&self, first: u64, last: u64) -> Result<Vec<String>, Error> {
        let last = last.min(keys::bucket_end(first));
        if last < first {
            return Ok(Vec::new());
        }
        let query = Query::new(Source::Table, keys::log_bucket(first), check::PAGE_ITEMS)
            .range(Range::Between(keys::place(first), keys::place(last)));
        self.query(&query).await?.items.iter().map(line).collect()
    }
}

impl EventFilter {
    fn takes(&self, event: &Event) -> bool {
        let action = match self.action.strip_suffix('*') {
            Some(begin) => event.action.starts_with(begin),
            None => self.action.is_empty() || event.action == self.action,
        };
        action
            && self.client_id.as_ref().is_none_or(|id| event.client_id == id.as_str())
            && self.resource_server.as_ref().is_none_or(|id| event.resource_server == id.as_str())
            && self
                .team
                .as_ref()
                .is_none_or(|t| event.team == t.as_str() || event.other_team == t.as_str())
            && (self.actor_id.is_empty() || event.actor.id == self.actor_id)
            && self.from.is_none_or(|from| from <= event.time)
            && self.to.is_none_or(|to| event.time < to)
    }
}

pub(crate) fn from_item(item: &Item) -> Result<Event, Error> {
    Event::parse(&line(item)?)
}

fn line(item: &Item) -> Result<String, Error> {
    String::from_utf8(item.body.clone()).map_err(|_| damaged("a kept event is not text"))
}
