//! What the newest events of the log are about: for changes that lean on what is not there.

use std::collections::VecDeque;

use turnpike_domain::Identifier;
use turnpike_domain::event::EventDraft;
use turnpike_domain::id::TeamId;

use crate::change::{About, Lean};
use crate::event::Event;
use crate::keys;
use crate::store::{self, Query, Range, Source, Store, check};

/// How many events are remembered, and read at most to remember them.
const EVENTS_MAX: usize = check::PAGE_ITEMS;

/// The newest events, in order.
pub(super) struct Recent {
    /// Events after this one are known.
    pub(super) after: u64,
    events: VecDeque<Concern>,
}

/// What an event is about.
pub(super) struct Concern {
    team: Option<TeamId>,
    resource_server: Option<Identifier>,
}

impl Recent {
    /// Nothing of the events up to this one, the newest there is.
    pub(super) const fn after(sequence: u64) -> Self {
        Self { after: sequence, events: VecDeque::new() }
    }

    /// Whether few enough events are known to be about what a change leans on, if `before` come before it too.
    pub(super) fn bears(&self, lean: &Lean, before: &[Concern]) -> bool {
        let newest = self.after + self.events.len() as u64;
        let all = newest.saturating_sub(lean.since) + before.len() as u64;
        if all <= lean.events {
            return true;
        }
        let Some(known) = lean.since.checked_sub(self.after) else { return false };
        let skip = usize::try_from(known).unwrap_or(usize::MAX);
        let events = self.events.iter().skip(skip).chain(before);
        events.filter(|event| event.is(&lean.about)).count() as u64 <= lean.events
    }

    /// Adds the events of a commit.
    pub(super) fn extend(&mut self, events: Vec<Concern>) {
        self.events.extend(events);
        while self.events.len() > EVENTS_MAX {
            self.events.pop_front();
            self.after += 1;
        }
    }

    /// Takes the events after one up to the newest instead, if they are all there.
    pub(super) fn replace(&mut self, after: u64, newest: u64, lines: &[String]) {
        let events: Option<VecDeque<_>> = lines.iter().map(|line| Concern::read(line)).collect();
        if let Some(events) = events.filter(|events| after + events.len() as u64 == newest) {
            *self = Self { after, events };
        }
    }
}

impl Concern {
    pub(super) fn of(event: &EventDraft) -> Self {
        Self { team: event.team.clone(), resource_server: event.resource_server.clone() }
    }

    fn read(line: &str) -> Option<Self> {
        let Event { team, resource_server, .. } = Event::parse(line).ok()?;
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(Self {
            team: some(&team).map(|team| TeamId::parse(&team)).transpose().ok()?,
            resource_server: some(&resource_server)
                .map(|id| Identifier::parse(&id))
                .transpose()
                .ok()?,
        })
    }

    fn is(&self, about: &About) -> bool {
        match about {
            About::ResourceServer(id) => self.resource_server.as_ref() == Some(id),
            About::Team(team) => self.team.as_ref() == Some(team),
        }
    }
}

/// The lines of these events, as far as they are in one bucket and not too many.
pub(super) async fn read_lines(
    store: &dyn Store,
    first: u64,
    last: u64,
) -> Result<Vec<String>, store::Error> {
    let last = last.min(keys::bucket_end(first));
    let query = Query::new(Source::Table, keys::log_bucket(first), EVENTS_MAX)
        .range(Range::Between(keys::place(first), keys::place(last)));
    let items = store.query(&query).await?.items;
    Ok(items.into_iter().filter_map(|item| String::from_utf8(item.body).ok()).collect())
}
