//! What of the policy concerns one resource server, and since when: for verifiers that follow it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::watch;
use turnpike_domain::{Client, Timestamp};

use super::LEEWAY_SECONDS;

/// As many clients that are gone are remembered at least, for those who know them still.
const GONE_MIN: usize = 1024;

/// What is new for the verifiers of a resource server.
#[derive(Debug)]
pub struct News {
    /// Whether this is all that there is to know, and not what is added to what was known.
    pub whole: bool,
    /// The event up to which it is the truth.
    pub sequence: u64,
    /// Clients, and those that no longer concern the resource server.
    pub clients: Vec<(Arc<str>, Option<Arc<Client>>)>,
    /// Tokens that were revoked one by one, with the moment at which each would have ended anyway.
    pub revoked: Vec<(Arc<str>, Timestamp)>,
}

/// The clients and tokens that concern one resource server, by the event that changed them last. Whoever follows is
/// told the newest state of what changed since, so one that is slow costs nothing.
#[derive(Debug)]
pub(super) struct Portion {
    clients: HashMap<Arc<str>, Concern>,
    changes: BTreeSet<(u64, Arc<str>)>,
    gone: usize,
    revoked: BTreeMap<(u64, Arc<str>), Timestamp>,
    /// At how many of them those that have ended are forgotten.
    purge_at: usize,
    /// Whoever knows less than this is told everything.
    floor: u64,
    changed: watch::Sender<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Concern {
    changed: u64,
    concerned: bool,
}

impl Portion {
    /// One of which nothing was known before an event.
    pub(super) fn since(floor: u64) -> Self {
        Self {
            clients: HashMap::new(),
            changes: BTreeSet::new(),
            gone: 0,
            revoked: BTreeMap::new(),
            purge_at: GONE_MIN,
            floor,
            changed: watch::Sender::new(floor),
        }
    }

    /// The event that changed it last; changes as it does.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Notes that an event changed a client, and whether it still concerns the resource server. One that is gone is told
    /// of once.
    pub(super) fn note_client(&mut self, id: &Arc<str>, sequence: u64, concerned: bool) {
        let is_known = self.clients.get(id).is_some_and(|known| known.concerned);
        if !concerned && !is_known {
            return;
        }
        let concern = Concern { changed: sequence, concerned };
        if let Some(before) = self.clients.insert(id.clone(), concern) {
            self.changes.remove(&(before.changed, id.clone()));
            self.gone -= usize::from(!before.concerned);
        }
        self.changes.insert((sequence, id.clone()));
        self.gone += usize::from(!concerned);
        if self.gone > GONE_MIN.max(self.clients.len() - self.gone) {
            self.forget_gone();
        }
    }

    /// Notes that an event ended a token, which would have ended at `end`.
    pub(super) fn note_revoked(
        &mut self,
        id: &Arc<str>,
        sequence: u64,
        end: Timestamp,
        now: Timestamp,
    ) {
        if self.revoked.len() >= self.purge_at {
            self.revoked.retain(|_, end| now <= end.plus_seconds(LEEWAY_SECONDS));
            self.purge_at = (self.revoked.len() * 2).max(GONE_MIN);
        }
        self.revoked.insert((sequence, id.clone()), end);
    }

    /// Tells those who follow that something has changed.
    pub(super) fn tell(&self) {
        let client = self.changes.last().map(|(sequence, _)| *sequence);
        let token = self.revoked.last_key_value().map(|((sequence, _), _)| *sequence);
        let newest = client.max(token).unwrap_or(self.floor);
        self.changed.send_if_modified(|told| {
            let is_new = newest > *told;
            *told = newest.max(*told);
            is_new
        });
    }

    /// What changed after `since`, or all there is; as of `sequence`.
    pub(super) fn news(
        &self,
        since: Option<u64>,
        sequence: u64,
        clients: &HashMap<String, Arc<Client>>,
    ) -> News {
        let since = since.filter(|since| (self.floor..=sequence).contains(since));
        let newest = |id: &Arc<str>| {
            let concerned = self.clients.get(id).is_some_and(|concern| concern.concerned);
            clients.get(&**id).filter(|_| concerned).cloned()
        };
        let after = (since.map_or(0, |since| since + 1), Arc::from(""));
        let changed = self.changes.range(after.clone()..).map(|(_, id)| (id.clone(), newest(id)));
        let known =
            |(_, client): &(Arc<str>, Option<Arc<Client>>)| since.is_some() || client.is_some();
        News {
            whole: since.is_none(),
            sequence,
            clients: changed.filter(known).collect(),
            revoked: self.revoked.range(after..).map(|((_, id), end)| (id.clone(), *end)).collect(),
        }
    }

    /// Forgets the older half of the clients that are gone. Whoever may know one of them is told everything.
    fn forget_gone(&mut self) {
        let gone = |id: &Arc<str>| self.clients.get(id).is_some_and(|concern| !concern.concerned);
        let of_gone = self.changes.iter().filter(|(_, id)| gone(id));
        let oldest: Vec<_> = of_gone.take(self.gone / 2).cloned().collect();
        for change in oldest {
            self.floor = self.floor.max(change.0);
            self.clients.remove(&change.1);
            self.changes.remove(&change);
            self.gone -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Arc<str> {
        text.into()
    }

    fn ids(news: &News) -> Vec<&str> {
        news.clients.iter().map(|(id, _)| &**id).collect()
    }

    #[test]
    fn what_changed_since_is_told_once_and_in_its_newest_state() {
        let mut portion = Portion::since(10);
        let (a, b) = (id("a"), id("b"));
        portion.note_client(&a, 11, true);
        portion.note_client(&b, 12, true);
        portion.note_client(&a, 13, false);
        portion.note_client(&a, 13, false);
        portion.note_client(&id("never known"), 13, false);
        let news = portion.news(Some(10), 13, &HashMap::new());
        assert_eq!((ids(&news), news.whole), (vec!["b", "a"], false));
        assert_eq!(ids(&portion.news(Some(12), 13, &HashMap::new())), ["a"]);
        assert!(ids(&portion.news(Some(13), 13, &HashMap::new())).is_empty());
    }

    #[test]
    fn who_knows_too_little_or_too_much_is_told_everything() {
        let portion = Portion::since(10);
        for since in [None, Some(9), Some(14)] {
            assert!(portion.news(since, 13, &HashMap::new()).whole, "{since:?}");
        }
        assert!(!portion.news(Some(10), 13, &HashMap::new()).whole);
    }

    #[test]
    fn clients_that_are_gone_are_bounded_and_nobody_keeps_one() {
        let mut portion = Portion::since(0);
        let count = 4 * GONE_MIN as u64;
        for n in 1..=count {
            portion.note_client(&id(&format!("c{n}")), n, true);
            portion.note_client(&id(&format!("c{n}")), n, false);
            assert!(portion.clients.len() <= GONE_MIN + 1, "{n}");
        }
        assert_eq!(portion.clients.len(), portion.changes.len());
        assert_eq!(portion.clients.len(), portion.gone);
        // Whoever stands before what was forgotten is told everything; all others learn what went.
        for since in 0..count {
            let news = portion.news(Some(since), count, &HashMap::new());
            assert!(news.whole || news.clients.len() as u64 == count - since, "{since}");
        }
    }

    #[test]
    fn tokens_that_have_ended_are_forgotten() {
        let mut portion = Portion::since(0);
        for n in 0..10_000 {
            let now = Timestamp::from_seconds(n);
            let end = now.plus_seconds(5);
            portion.note_revoked(&id(&n.to_string()), n as u64, end, now);
        }
        assert!(portion.revoked.len() <= GONE_MIN);
    }
}
