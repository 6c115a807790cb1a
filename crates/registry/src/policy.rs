//! All that decides about tokens, in memory, kept up by following the log.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use tokio::time::Instant;
use turnpike_domain::error::ErrorCode;
use turnpike_domain::id::{ClientId, TeamId, TokenId};
use turnpike_domain::{Client, Error, Identifier, ResourceServer, Timestamp};

use crate::event::Event;
use crate::following::{Bounds, Following, Standing};
use crate::keys;
use crate::list::{ClientFilter, ResourceServerFilter};
use crate::quota::Counted;
use crate::record::kept;
use crate::registry::Registry;
use crate::store::{Source, check};

/// A verifier may take a token for this long after its end (reference: `turnpike-sdk`, leeway).
pub(crate) const LEEWAY_SECONDS: i64 = 60;

/// How far indexes may lag behind the log: usually less than a second, and this if they are throttled.
const INDEX_LAG_SECONDS: i64 = 300;

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
    /// With the moment at which each would have ended anyway.
    revoked: HashMap<String, Timestamp>,
    /// At how many of them those that have ended are forgotten.
    purge_at: usize,
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

/// Keeps a [`Policy`] up to date.
#[derive(Debug)]
pub struct Follower {
    registry: Registry,
    policy: Arc<Policy>,
    following: Arc<Following>,
}

impl Follower {
    /// Reads everything once. The policy decides within the default [`Bounds`].
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn start(registry: Registry) -> Result<Self, Error> {
        Self::start_within(registry, Bounds::default()).await
    }

    /// Reads everything once. The policy decides within `bounds`.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn start_within(registry: Registry, bounds: Bounds) -> Result<Self, Error> {
        let following = Arc::new(Following::new(bounds, registry.watch()));
        let policy = Arc::new(Policy {
            state: RwLock::default(),
            following: following.clone(),
            stale_asks: AtomicU64::new(0),
        });
        let follower = Self { registry, policy, following };
        follower.snapshot().await?;
        // A second follower of one registry changes nothing: changes wait for the first.
        let _ = follower.registry.followed.set(follower.policy.clone());
        Ok(follower)
    }

    /// What it keeps up to date.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.clone()
    }

    /// The sequence applied last; changes as events are applied.
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.following.watch()
    }

    /// Follows the log until the process ends: at once for what this process commits, and within a tenth of a
    /// second for what others do. A store that does not answer is asked again, and so is an event that cannot be
    /// read: someone may mend it.
    pub async fn run(self) {
        let mut committed = self.registry.watch();
        let mut told = (None, false);
        loop {
            let result = self.catch_up().await;
            self.tell(result.err().as_ref(), &mut told);
            let pause = tokio::time::sleep(std::time::Duration::from_millis(100));
            tokio::select! {
                () = pause => {}
                changed = committed.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Says in the log when following begins to fail, fails in another way, or goes on; not each time that it does.
    fn tell(&self, error: Option<&Error>, told: &mut (Option<ErrorCode>, bool)) {
        let now = (error.map(Error::code), self.policy.is_stale());
        if std::mem::replace(told, now) == now {
            return;
        }
        let Standing { applied, known, .. } = self.policy.standing();
        match (error, now.1) {
            (Some(error), true) => {
                let error = causes(error);
                tracing::error!(error, log.applied = applied, log.sequence = known, "policy.stale");
            }
            (Some(error), false) => {
                let error = causes(error);
                tracing::warn!(
                    error,
                    log.applied = applied,
                    log.sequence = known,
                    "policy.follow_failed"
                );
            }
            (None, _) => tracing::info!(log.applied = applied, "policy.follows_again"),
        }
    }

    /// Applies every event up to the log's end.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn catch_up(&self) -> Result<(), Error> {
        let began = Instant::now();
        let result = self.apply_all().await;
        match &result {
            Ok(()) => self.following.whole(began),
            Err(error) => self.following.failed(error.code()),
        }
        result
    }

    async fn apply_all(&self) -> Result<(), Error> {
        let head = self.registry.head().await?.sequence;
        self.following.heard(head);
        let mut next = self.policy.sequence() + 1;
        while next <= head {
            let lines = self.registry.lines(next, head).await?;
            let mut clients = HashSet::new();
            let mut servers = HashSet::new();
            let mut tokens = Vec::new();
            for line in &lines {
                let event = Event::parse(line)?;
                clients.extend(Some(event.client_id).filter(|id| !id.is_empty()));
                servers.extend(Some(event.resource_server).filter(|id| !id.is_empty()));
                tokens.extend(event.subject.strip_prefix("tokens/").map(str::to_owned));
            }
            if lines.is_empty() {
                return Err(Error::internal(format!("event {next} is missing from the log")));
            }
            self.reload(clients, servers, tokens).await?;
            next += lines.len() as u64;
            self.policy.write(|state| state.sequence = next - 1);
            self.following.applied(next - 1);
        }
        Ok(())
    }

    async fn snapshot(&self) -> Result<(), Error> {
        let began = Instant::now();
        let head = self.registry.head().await?.sequence;
        let mut place = None;
        loop {
            let filter = ClientFilter::default();
            let page = self.registry.list_clients(&filter, check::PAGE_ITEMS, place).await?;
            // An index may lag: each client is read again by its key.
            for listed in page.items {
                self.reload_client(listed.value.client_id.as_str()).await?;
            }
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        loop {
            let filter = ResourceServerFilter::default();
            let page =
                self.registry.list_resource_servers(&filter, check::PAGE_ITEMS, place).await?;
            for listed in page.items {
                self.reload_resource_server(listed.value.identifier.as_str()).await?;
            }
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        let revoked = self.registry.query_all(Source::Index2, keys::REVOKED, "").await?;
        // What the indexes did not show yet is in the newest events.
        let shown = self.registry.now().plus_seconds(-INDEX_LAG_SECONDS);
        let first = self.registry.first_event_since(head, shown).await?;
        self.policy.write(|state| {
            let places = revoked.iter().filter_map(|item| item.index2.as_ref());
            state.revoked.extend(
                places.map(|place| (keys::key_at(&place.sk).to_owned(), keys::time_at(&place.sk))),
            );
            state.sequence = first - 1;
        });
        self.following.applied(first - 1);
        self.apply_all().await?;
        self.following.whole(began);
        Ok(())
    }

    async fn reload(
        &self,
        clients: HashSet<String>,
        servers: HashSet<String>,
        tokens: Vec<String>,
    ) -> Result<(), Error> {
        for id in clients {
            self.reload_client(&id).await?;
        }
        for id in servers {
            self.reload_resource_server(&id).await?;
        }
        for id in tokens {
            let token = kept("token_id", TokenId::parse(&id))?;
            if let Some(end) = self.registry.revoked_token(&token).await? {
                let now = self.registry.now();
                self.policy.write(|state| {
                    if state.revoked.len() >= state.purge_at {
                        // Rarely enough that it costs each revocation a constant.
                        state.revoked.retain(|_, end| now <= end.plus_seconds(LEEWAY_SECONDS));
                        state.purge_at = (state.revoked.len() * 2).max(PURGE_MIN);
                    }
                    state.revoked.insert(id, end);
                });
            }
        }
        Ok(())
    }

    async fn reload_client(&self, id: &str) -> Result<(), Error> {
        let client = self.registry.client(&kept("client_id", ClientId::parse(id))?).await?;
        self.policy.write(|state| match client {
            Some(client) => {
                state.clients.insert(id.to_owned(), Arc::new(client.value));
            }
            None => {
                state.clients.remove(id);
            }
        });
        Ok(())
    }

    async fn reload_resource_server(&self, id: &str) -> Result<(), Error> {
        let id = kept("identifier", Identifier::parse(id))?;
        let server = self.registry.resource_server(&id).await?;
        self.policy.write(|state| match server {
            Some(server) => {
                state.resource_servers.insert(id.to_string(), Arc::new(server.value));
            }
            None => {
                state.resource_servers.remove(id.as_str());
            }
        });
        Ok(())
    }
}

/// An error with its causes, for the log.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(causes);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
