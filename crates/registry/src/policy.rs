//! All that decides about tokens, in memory, kept up by following the log.

mod follower;
mod portion;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use turnpike_domain::id::TeamId;
use turnpike_domain::{Client, Identifier, ResourceServer, Timestamp};

pub use self::follower::Follower;
pub(crate) use self::follower::causes;
pub use self::portion::News;
use self::portion::Portion;
use crate::following::{Following, Standing};
use crate::quota::Counted;

/// A verifier may take a token for this long after its end (reference: `turnpike-sdk`, leeway).
pub(crate) const LEEWAY_SECONDS: i64 = 60;

/// Below this many revoked tokens none are looked for that could be forgotten.
const PURGE_MIN: usize = 1024;

/// The state of the registry as of one event, shared by those who decide about tokens. Reads take a lock
/// for as long as a look-up lasts.
#[derive(Debug)]
pub struct Policy {
    state: RwLock<State>,
    following: Arc<Following>,
    /// How often it was asked while it could not decide.
    stale_asks: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    sequence: u64,
    clients: HashMap<String, Arc<Client>>,
    resource_servers: HashMap<String, Arc<ResourceServer>>,
    revoked: HashMap<String, Revoked>,
    /// At how many of them those that have ended are forgotten.
    purge_at: usize,
    /// What concerns each resource server.
    portions: HashMap<Identifier, Portion>,
    /// The event up to which it is not known which one changed what.
    floor: u64,
}

/// A token that was revoked by itself.
#[derive(Debug)]
struct Revoked {
    client: Box<str>,
    /// When it would have ended anyway.
    end: Timestamp,
}

impl Policy {
    /// The event up to which this is the truth.
    pub fn sequence(&self) -> u64 {
        self.read(|state| state.sequence)
    }

    /// A number that changes whenever an answer may change by anything but time: the [sequence](Self::sequence),
    /// and one that never comes again while the policy [is stale](Self::is_stale).
    pub fn epoch(&self) -> u64 {
        const STALE: u64 = 1 << 63;
        if self.is_stale() {
            return STALE | self.stale_asks.fetch_add(1, Ordering::Relaxed);
        }
        self.sequence()
    }

    /// Whether it has not followed the log for too long, so that its answers count for nothing.
    pub fn is_stale(&self) -> bool {
        self.following.is_stale()
    }

    /// Where it stands.
    pub fn standing(&self) -> Standing {
        self.following.standing()
    }

    /// A client.
    pub fn client(&self, id: &str) -> Option<Arc<Client>> {
        self.read(|state| state.clients.get(id).cloned())
    }

    /// A resource server.
    pub fn resource_server(&self, id: &str) -> Option<Arc<ResourceServer>> {
        self.read(|state| state.resource_servers.get(id).cloned())
    }

    /// Whether a token was revoked by itself.
    pub fn is_revoked(&self, token_id: &str) -> bool {
        self.read(|state| state.revoked.contains_key(token_id))
    }

    /// What the verifiers of a resource server have to be told that know everything up to the event `since`: what
    /// changed since then, or all there is if that cannot be told apart any more.
    pub fn news(&self, identifier: &Identifier, since: Option<u64>) -> News {
        let news = self.read(|state| {
            let portion = state.portions.get(identifier)?;
            Some(portion.news(since, state.sequence, &state.clients))
        });
        news.unwrap_or_else(|| {
            // Made by the first who asks.
            self.write(|state| {
                state.portion(identifier);
                let State { portions, sequence, clients, .. } = state;
                portions[identifier].news(since, *sequence, clients)
            })
        })
    }

    /// The event that changed last what concerns a resource server; changes as it does.
    pub fn watch(&self, identifier: &Identifier) -> watch::Receiver<u64> {
        self.write(|state| state.portion(identifier).watch())
    }

    /// Waits until nobody is told anything by this policy without that event.
    pub(crate) async fn in_force(&self, sequence: u64) {
        self.following.in_force(sequence).await;
    }

    /// How much a team has, and the event as of which that is known: later ones may be counted already.
    pub(crate) fn counted(&self, team: &TeamId) -> (Counted, u64) {
        self.read(|state| {
            let mut counted = Counted::default();
            for client in state.clients.values().filter(|client| client.team == *team) {
                counted.clients += 1;
                counted.pending_grants += client.grants.iter().filter(|g| !g.active).count();
            }
            let servers = state.resource_servers.values();
            counted.resource_servers = servers.filter(|server| server.team == *team).count();
            (counted, state.sequence)
        })
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        // A writer that panicked left whole entries behind: it replaces them one by one.
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// All of which nothing is known before an event.
    const fn begin(&mut self, sequence: u64) {
        self.sequence = sequence;
        self.floor = sequence;
    }

    /// Events up to this one are applied.
    fn reached(&mut self, sequence: u64) {
        self.sequence = sequence;
        for portion in self.portions.values() {
            portion.tell();
        }
    }

    fn portion(&mut self, identifier: &Identifier) -> &mut Portion {
        let floor = self.floor;
        self.portions.entry(identifier.clone()).or_insert_with(|| Portion::since(floor))
    }

    /// Takes over a client as of an event.
    fn set_client(&mut self, id: &str, client: Option<Arc<Client>>, sequence: u64, now: Timestamp) {
        let of = |client: &Arc<Client>, now| client.concerns(now);
        // Whom it concerned ever: they may know it still.
        let before = self.clients.get(id).map(|c| of(c, Timestamp::from_millis(0)));
        let before = before.unwrap_or_default();
        let after = client.as_ref().map(|client| of(client, now)).unwrap_or_default();
        match client {
            Some(client) => self.clients.insert(id.to_owned(), client),
            None => self.clients.remove(id),
        };
        let concerned: BTreeSet<&Identifier> = before.iter().chain(&after).collect();
        let key: Arc<str> = id.into();
        for identifier in concerned {
            self.portion(identifier).note_client(&key, sequence, after.contains(identifier));
        }
        for identifier in after.iter().filter(|identifier| !before.contains(identifier)) {
            self.tell_revoked(id, identifier, sequence, now);
        }
    }

    /// Notes for a resource server that a client begins to concern which tokens of it are revoked: one may carry a scope that
    /// it had not from us.
    fn tell_revoked(
        &mut self,
        client: &str,
        identifier: &Identifier,
        sequence: u64,
        now: Timestamp,
    ) {
        let of_client = self.revoked.iter().filter(|(_, revoked)| *revoked.client == *client);
        let revoked: Vec<(Arc<str>, Timestamp)> =
            of_client.map(|(id, revoked)| (id.as_str().into(), revoked.end)).collect();
        for (token, end) in revoked {
            self.portion(identifier).note_revoked(&token, sequence, end, now);
        }
    }

    /// Takes over that a token of a client was revoked by an event, which would have ended at `end`.
    fn revoke(&mut self, token: &str, client: &str, sequence: u64, end: Timestamp, now: Timestamp) {
        if self.revoked.len() >= self.purge_at {
            // Rarely enough that it costs each revocation a constant.
            self.revoked.retain(|_, known| now <= known.end.plus_seconds(LEEWAY_SECONDS));
            self.purge_at = (self.revoked.len() * 2).max(PURGE_MIN);
        }
        self.revoked.insert(token.to_owned(), Revoked { client: client.into(), end });
        let concerned = self.clients.get(client).map(|client| client.concerns(now));
        let key: Arc<str> = token.into();
        for identifier in concerned.unwrap_or_default() {
            self.portion(&identifier).note_revoked(&key, sequence, end, now);
        }
    }
}
