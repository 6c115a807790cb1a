//! Keeps the policy of a process up to date by following the log.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};

use tokio::sync::watch;
use tokio::time::Instant;
use turnpike_domain::error::ErrorCode;
use turnpike_domain::id::{ClientId, TokenId};
use turnpike_domain::{Error, Identifier};

use super::Policy;
use crate::event::Event;
use crate::following::{Bounds, Following, Standing};
use crate::keys;
use crate::list::{ClientFilter, ResourceServerFilter};
use crate::record::kept;
use crate::registry::Registry;
use crate::store::{Source, check};

/// How far indexes may lag behind the log: usually less than a second, and this if they are throttled.
const INDEX_LAG_SECONDS: i64 = 300;

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
            let mut clients = HashMap::new();
            let mut servers = HashSet::new();
            let mut tokens = HashMap::new();
            for line in &lines {
                let event = Event::parse(line)?;
                if let Some(token) = event.subject.strip_prefix("tokens/") {
                    tokens.insert(token.to_owned(), (event.client_id.clone(), event.sequence));
                }
                if !event.client_id.is_empty() {
                    clients.insert(event.client_id, event.sequence);
                }
                servers.extend(Some(event.resource_server).filter(|id| !id.is_empty()));
            }
            if lines.is_empty() {
                return Err(Error::internal(format!("event {next} is missing from the log")));
            }
            next += lines.len() as u64;
            self.reload(clients, servers, tokens).await?;
            self.policy.write(|state| state.reached(next - 1));
            self.following.applied(next - 1);
        }
        Ok(())
    }

    async fn snapshot(&self) -> Result<(), Error> {
        let began = Instant::now();
        let head = self.registry.head().await?.sequence;
        // What the indexes do not show yet is in the newest events.
        let shown = self.registry.now().plus_seconds(-INDEX_LAG_SECONDS);
        let first = self.registry.first_event_since(head, shown).await?;
        self.policy.write(|state| state.begin(first - 1));
        let mut place = None;
        loop {
            let filter = ClientFilter::default();
            let page = self.registry.list_clients(&filter, check::PAGE_ITEMS, place).await?;
            // An index may lag: each client is read again by its key.
            for listed in page.items {
                self.reload_client(first - 1, listed.value.client_id.as_str()).await?;
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
        let now = self.registry.now();
        for item in self.registry.query_all(Source::Index2, keys::REVOKED, "").await? {
            let Some(place) = &item.index2 else { continue };
            let (token, end) = (keys::key_at(&place.sk), keys::time_at(&place.sk));
            let client = String::from_utf8(item.body).map_err(Error::internal)?;
            self.policy.write(|state| state.revoke(token, &client, first - 1, end, now));
        }
        self.following.applied(first - 1);
        self.apply_all().await?;
        self.following.whole(began);
        Ok(())
    }

    /// Reads again what events changed, each with the last that did.
    async fn reload(
        &self,
        clients: HashMap<String, u64>,
        servers: HashSet<String>,
        tokens: HashMap<String, (String, u64)>,
    ) -> Result<(), Error> {
        for (id, sequence) in clients {
            self.reload_client(sequence, &id).await?;
        }
        for id in servers {
            self.reload_resource_server(&id).await?;
        }
        for (id, (client, sequence)) in tokens {
            let token = kept("token_id", TokenId::parse(&id))?;
            if let Some(end) = self.registry.revoked_token(&token).await? {
                let now = self.registry.now();
                self.policy.write(|state| state.revoke(&id, &client, sequence, end, now));
            }
        }
        Ok(())
    }

    async fn reload_client(&self, sequence: u64, id: &str) -> Result<(), Error> {
        let client = self.registry.client(&kept("client_id", ClientId::parse(id))?).await?;
        let client = client.map(|client| Arc::new(client.value));
        let now = self.registry.now();
        self.policy.write(|state| state.set_client(id, client, sequence, now));
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
