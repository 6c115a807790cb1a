//! Walks through the pool, at the pace that the pool's own budget allows, and notes what differs.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use turnpike_domain::authorization_server::pool::{
    self, FoundResourceServer, ListedClient, Pool, PoolResourceServer,
};
use turnpike_domain::{Error, Identifier, Timestamp};

use super::{DriftKind, Finding, WalkState, compare};
use crate::keys;
use crate::list::{ClientFilter, ResourceServerFilter};
use crate::outbox::Subject;
use crate::policy::causes;
use crate::registry::Registry;
use crate::store::check;

/// How often it looks whether it is time.
const LOOK: Duration = Duration::from_secs(2);
/// How long the right to walk stands; it is renewed while it goes on.
const RIGHT_MILLIS: i64 = 60_000;
/// How long it waits when the pool is busy.
const BUSY: Duration = Duration::from_secs(1);
/// How often in a row the pool may be busy before a walk is given up.
const BUSY_MAX: u32 = 120;

/// The task that walks. Any number of processes may have one: one at a time walks.
#[derive(Clone, Debug)]
pub struct Walker {
    registry: Registry,
    /// As a rule one that lets others pass first.
    pool: Arc<dyn Pool>,
    pause: Duration,
}

/// One walk.
struct Walk<'a> {
    walker: &'a Walker,
    start: Timestamp,
    looked_at: u64,
    found: [u64; 3],
    seen: HashSet<Subject>,
}

impl Walker {
    /// Begins a walk when the last one is this long ago, or somebody asks for it.
    pub const fn new(registry: Registry, pool: Arc<dyn Pool>, pause: Duration) -> Self {
        Self { registry, pool, pause }
    }

    /// Walks until its future is dropped.
    pub async fn run(&self) {
        loop {
            if let Err(error) = self.walk_if_due().await {
                tracing::warn!(error = causes(&error), "drift.walk_failed");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Walks if it is time and nobody else does; says whether it did.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if store or pool do not answer, [`Error::Internal`].
    pub async fn walk_if_due(&self) -> Result<bool, Error> {
        let registry = &self.registry;
        let start = registry.now();
        let pause = i64::try_from(self.pause.as_millis()).unwrap_or(i64::MAX);
        let take = |state: &mut WalkState| {
            let due = state.wanted || start.millis() >= state.finished_end.saturating_add(pause);
            if state.runs(start) || !due {
                return false;
            }
            state.running_until = right(start);
            // Who asks from now on may mean what this walk has passed by then.
            state.wanted = false;
            true
        };
        if !registry.change_walk(take).await? {
            return Ok(false);
        }
        let mut walk =
            Walk { walker: self, start, looked_at: 0, found: [0; 3], seen: HashSet::new() };
        let done = walk.run().await;
        let (end, looked_at, found) = (registry.now(), walk.looked_at, walk.found);
        registry
            .change_walk(|state| {
                state.running_until = 0;
                if done.is_err() {
                    state.wanted = true;
                } else {
                    state.finished_start = start.millis();
                    state.finished_end = end.millis();
                    state.looked_at = looked_at;
                    state.found = found;
                }
                true
            })
            .await?;
        done.map(|()| true)
    }
}

impl Walk<'_> {
    async fn run(&mut self) -> Result<(), Error> {
        self.resource_servers().await?;
        self.clients().await?;
        self.missing().await?;
        self.forget_mended().await
    }

    async fn resource_servers(&mut self) -> Result<(), Error> {
        let pool = self.walker.pool.clone();
        let mut after: Option<String> = None;
        loop {
            let page =
                self.patiently(async || pool.resource_servers(after.as_deref()).await).await?;
            for found in page.items {
                self.resource_server(found).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn resource_server(&mut self, found: FoundResourceServer) -> Result<(), Error> {
        self.looked_at += 1;
        let Ok(identifier) = Identifier::parse(&found.identifier) else {
            tracing::warn!("drift.resource_server_with_a_foreign_key");
            return Ok(());
        };
        let registry = &self.walker.registry;
        let subject = Subject::ResourceServer(identifier.clone());
        self.seen.insert(subject.clone());
        if self.is_pending(&subject).await? {
            return Ok(());
        }
        let mut finding =
            Finding::new(subject, DriftKind::Unmanaged, found.name.clone(), self.start);
        if let Some(server) = registry.resource_server(&identifier).await? {
            let wanted = PoolResourceServer::of(&server.value);
            finding.kind = DriftKind::Different;
            finding.fields = compare::resource_server(&wanted, &found);
            if finding.fields.is_empty() {
                return Ok(());
            }
        }
        self.note(finding).await
    }

    async fn clients(&mut self) -> Result<(), Error> {
        let pool = self.walker.pool.clone();
        let mut after: Option<String> = None;
        loop {
            let page = self.patiently(async || pool.clients(after.as_deref()).await).await?;
            for listed in page.items {
                self.client(listed).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn client(&mut self, listed: ListedClient) -> Result<(), Error> {
        self.looked_at += 1;
        let registry = &self.walker.registry;
        let subject = Subject::Client(listed.client_id.clone());
        self.seen.insert(subject.clone());
        if self.is_pending(&subject).await? || self.is_announced(&listed.name).await? {
            return Ok(());
        }
        let Some(client) = registry.client(&listed.client_id).await? else {
            let finding = Finding::new(subject, DriftKind::Unmanaged, listed.name, self.start);
            return self.note(finding).await;
        };
        let Some(entry) = registry.pool_entry(&listed.client_id).await? else { return Ok(()) };
        let pool = self.walker.pool.clone();
        let found = self.patiently(async || pool.client(&listed.client_id).await).await?;
        let Some(found) = found else { return Ok(()) };
        let wanted = entry.value.wanted(&client.value, registry.now());
        let mut finding = Finding::new(subject, DriftKind::Different, listed.name, self.start);
        finding.fields = compare::client(&wanted, &found);
        // What changed here while it was read is no drift.
        if finding.fields.is_empty() || self.is_pending(&finding.subject).await? {
            return Ok(());
        }
        self.note(finding).await
    }

    /// What the registry has and the lists of the pool did not show.
    async fn missing(&mut self) -> Result<(), Error> {
        let registry = self.walker.registry.clone();
        let mut place = None;
        loop {
            let filter = ClientFilter::default();
            let page = registry.list_clients(&filter, check::PAGE_ITEMS, place).await?;
            for client in page.items {
                let subject = Subject::Client(client.value.client_id.clone());
                let name = client.value.display_name.to_string();
                self.check_missing(subject, name, client.value.create_time).await?;
            }
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        loop {
            let filter = ResourceServerFilter::default();
            let page = registry.list_resource_servers(&filter, check::PAGE_ITEMS, place).await?;
            for server in page.items {
                let subject = Subject::ResourceServer(server.value.identifier.clone());
                let name = server.value.display_name.to_string();
                self.check_missing(subject, name, server.value.create_time).await?;
            }
            place = page.next;
            if place.is_none() {
                return Ok(());
            }
        }
    }

    async fn check_missing(
        &mut self,
        subject: Subject,
        name: String,
        create_time: Timestamp,
    ) -> Result<(), Error> {
        if self.seen.contains(&subject) || create_time >= self.start {
            return Ok(());
        }
        if self.is_pending(&subject).await? {
            return Ok(());
        }
        // A list is not the last word.
        let pool = self.walker.pool.clone();
        let there = match &subject {
            Subject::Client(id) => self.patiently(async || pool.client(id).await).await?.is_some(),
            Subject::ResourceServer(id) => {
                self.patiently(async || pool.resource_server(id).await).await?.is_some()
            }
        };
        if there {
            return Ok(());
        }
        let finding = Finding::new(subject, DriftKind::Missing, name, self.start);
        self.note(finding).await
    }

    /// Findings that this walk did not confirm.
    async fn forget_mended(&self) -> Result<(), Error> {
        let registry = &self.walker.registry;
        let mut place = None;
        loop {
            let page = registry.list_drift(None, check::PAGE_ITEMS, place).await?;
            for finding in page.items.iter().filter(|f| f.last_seen < self.start) {
                registry.forget_drift(&finding.subject).await?;
            }
            place = page.next;
            if place.is_none() {
                return Ok(());
            }
        }
    }

    async fn note(&mut self, finding: Finding) -> Result<(), Error> {
        let at = match finding.kind {
            DriftKind::Different => 0,
            DriftKind::Missing => 1,
            DriftKind::Unmanaged => 2,
        };
        self.found[at] += 1;
        self.walker.registry.keep_finding(finding).await
    }

    async fn is_pending(&self, subject: &Subject) -> Result<bool, Error> {
        Ok(self.walker.registry.get(&subject.mark_key()).await?.is_some())
    }

    /// Whether somebody is about to register the client of this name.
    async fn is_announced(&self, name: &str) -> Result<bool, Error> {
        let Some(unique) = name.rsplit(' ').next().filter(|last| last.starts_with("tp-")) else {
            return Ok(false);
        };
        Ok(self.walker.registry.get(&keys::new_client(unique)).await?.is_some())
    }

    /// Asks the pool, and waits as long as it is busy; the right to walk is kept meanwhile.
    async fn patiently<T, F>(&self, ask: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, pool::Error>>,
    {
        let registry = &self.walker.registry;
        let now = registry.now();
        registry
            .change_walk(|state| {
                let ends_soon = state.running_until < now.millis() + RIGHT_MILLIS / 2;
                state.running_until = state.running_until.max(right(now));
                ends_soon
            })
            .await?;
        for _ in 0..BUSY_MAX {
            match ask().await {
                Err(pool::Error::Busy { .. }) => tokio::time::sleep(BUSY).await,
                other => return other.map_err(pool::Error::into_error),
            }
        }
        Err(Error::Unavailable("the authorization server stays busy".into()))
    }
}

fn right(now: Timestamp) -> i64 {
    now.millis() + RIGHT_MILLIS
}
