//! All that decides about tokens, in memory, kept up by following the log.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use turnpike_domain::id::{ClientId, TokenId};
use turnpike_domain::{Client, Error, Identifier, ResourceServer, Timestamp};

use crate::event::Event;
use crate::keys;
use crate::list::{ClientFilter, ResourceServerFilter};
use crate::record::kept;
use crate::registry::Registry;
use crate::store::{Source, check};

/// A verifier may take a token for this long after its end (reference: `turnpike-sdk`, leeway).
pub(crate) const LEEWAY_SECONDS: i64 = 60;

/// Below this many revoked tokens none are looked for that could be forgotten.
const PURGE_MIN: usize = 1024;

/// The state of the registry as of one event, shared by those who decide about tokens. Reads take a lock
/// for as long as a look-up lasts.
#[derive(Debug, Default)]
pub struct Policy {
    state: RwLock<State>,
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
    /// The event up to which this is the truth: it changes whenever an answer may change by anything but time.
    pub fn sequence(&self) -> u64 {
        self.read(|state| state.sequence)
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
    applied: watch::Sender<u64>,
}

impl Follower {
    /// Reads everything once.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn start(registry: Registry) -> Result<Self, Error> {
        let policy = Arc::new(Policy::default());
        let (applied, told) = watch::channel(0);
        // A second follower of one registry changes nothing: changes wait for the first.
        let _ = registry.applied.set(told);
        let follower = Self { registry, policy, applied };
        follower.snapshot().await?;
        Ok(follower)
    }

    /// What it keeps up to date.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.clone()
    }

    /// The sequence applied last; changes as events are applied.
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// Follows the log until the process ends: at once for what this process commits, and within a tenth of a
    /// second for what others do. A store that does not answer is asked again.
    pub async fn run(self) {
        let mut committed = self.registry.watch();
        loop {
            if let Err(error) = self.catch_up().await {
                tracing::warn!(error = %error, "policy.follow_failed");
            }
            let pause = tokio::time::sleep(std::time::Duration::from_millis(100));
            tokio::select! {
                () = pause => {}
                changed = committed.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Applies every event up to the log's end.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn catch_up(&self) -> Result<(), Error> {
        let head = self.registry.head().await?.sequence;
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
            self.applied.send_replace(next - 1);
        }
        Ok(())
    }

    async fn snapshot(&self) -> Result<(), Error> {
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
        self.policy.write(|state| {
            let places = revoked.iter().filter_map(|item| item.index2.as_ref());
            state.revoked.extend(
                places.map(|place| (keys::key_at(&place.sk).to_owned(), keys::time_at(&place.sk))),
            );
            state.sequence = head;
        });
        self.applied.send_replace(head);
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
