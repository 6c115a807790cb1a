//! What services hold: reads by key, and changes that are tried until they fit.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use turnpike_domain::id::{ClientId, GrantId, SecretId, TokenId};
use turnpike_domain::ports::{Clock, Entropy};
use turnpike_domain::{Client, Error, Grant, Identifier, Principal, ResourceServer, Timestamp};

use crate::change::Change;
use crate::commit::{CommitError, Commits, Head, read_head, unavailable};
use crate::fault;
use crate::keys;
use crate::outbox::Mirror;
use crate::policy::Policy;
use crate::quota::Quotas;
use crate::record::{Versioned, client, decode, encode, grant, kept, resource_server};
use crate::request::{Once, Seen};
use crate::store::{self, Item, Key, Query, Source, Store, Write};

/// How often a change is decided anew because what it leaned on has changed.
pub(crate) const ATTEMPTS: u32 = 12;

/// After how long an answer that waits for the policy of its own process says so in the log.
const LATE: Duration = Duration::from_secs(1);

/// The registry: cheap to clone, shared by all services of a process.
#[derive(Clone)]
pub struct Registry {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    pub(crate) commits: Commits,
    /// What this process does about the pool of the authorization server.
    pub(crate) mirror: Mirror,
    /// The policy of this process, once it follows the log.
    pub(crate) followed: Arc<OnceLock<Arc<Policy>>>,
    /// How much a team may have.
    pub(crate) quotas: Arc<OnceLock<Quotas>>,
}

/// What a use case decided: a change to make, or an answer that needs none.
#[derive(Debug)]
pub enum Attempt<T> {
    /// Make this change, then answer so.
    Change(Box<Change>, T),
    /// Nothing needs to change.
    Nothing(T),
}

impl Registry {
    /// Opens the registry that a store keeps, and starts the task that commits. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] or [`Error::Internal`] if the store cannot be read.
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Error> {
        let commits = Commits::start(store.clone(), clock.clone()).await?;
        let (mirror, followed, quotas) = (Mirror::default(), Arc::default(), Arc::default());
        Ok(Self { store, clock, entropy, commits, mirror, followed, quotas })
    }

    /// Now, by this registry's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Randomness for ids and secrets.
    pub fn entropy(&self) -> &dyn Entropy {
        self.entropy.as_ref()
    }

    /// The store beneath, for the parts of Turnpike that keep something of their own there.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Decides a change by `decide` and makes it. If what the decision leaned on changes before it is made, it
    /// is decided anew on what is there then, a bounded number of times. Where this process follows the log, the
    /// answer comes when its policy has heard of the change, or of what made a change needless: whatever it decides
    /// from then on, it decides with it, or not at all.
    ///
    /// # Errors
    ///
    /// Whatever `decide` refuses with; [`Error::Unavailable`] if the store fails or others never let it through.
    pub async fn transact<T, F>(&self, mut decide: impl FnMut() -> F + Send) -> Result<T, Error>
    where
        T: Send,
        F: Future<Output = Result<Attempt<T>, Error>> + Send,
    {
        for attempt in 1..=ATTEMPTS {
            let decided = self.now();
            let (mut change, answer) = match decide().await? {
                Attempt::Change(change, answer) => (change, answer),
                Attempt::Nothing(answer) => {
                    self.all_in_force().await?;
                    return Ok(answer);
                }
            };
            let subjects = self.mark(&mut change);
            fault::reached("decided");
            match self.make(*change, decided).await {
                Ok(sequence) => {
                    self.in_force(sequence).await;
                    self.settle(subjects).await;
                    return Ok(answer);
                }
                Err(CommitError::Failed(error)) => return Err(error),
                Err(CommitError::Conflict) => self.step_aside(attempt).await,
            }
        }
        Err(Error::Unavailable("others changed the same things again and again".into()))
    }

    /// Waits before a change is decided anew: by chance, so that those who collided do not collide again.
    pub(crate) async fn step_aside(&self, attempt: u32) {
        let mut byte = [0u8; 1];
        self.entropy.fill(&mut byte);
        let millis = u64::from(byte[0]) * u64::from(attempt) / 64;
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    /// Waits until the policy of this process, if it has one, decides with an event or not at all.
    async fn in_force(&self, sequence: u64) {
        let Some(followed) = self.followed.get() else { return };
        let mut waits = std::pin::pin!(followed.in_force(sequence));
        if tokio::time::timeout(LATE, waits.as_mut()).await.is_err() {
            tracing::warn!(log.sequence = sequence, "policy.late");
            waits.await;
        }
    }

    /// The same of everything that can have been read before: what makes a change needless may be somebody else's
    /// change of a moment ago.
    pub(crate) async fn all_in_force(&self) -> Result<(), Error> {
        if self.followed.get().is_some() {
            self.in_force(self.head().await?.sequence).await;
        }
        Ok(())
    }

    /// Makes a change that was not decided on anything that could change.
    ///
    /// # Errors
    ///
    /// [`CommitError`].
    pub async fn commit(&self, mut change: Change) -> Result<u64, CommitError> {
        let subjects = self.mark(&mut change);
        let sequence = self.make(change, self.now()).await?;
        self.settle(subjects).await;
        Ok(sequence)
    }

    /// The newest sequence of the log that this process knows of; changes as it commits.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.commits.watch()
    }

    /// The end of the log, read from the store.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn head(&self) -> Result<Head, Error> {
        read_head(self.store.as_ref()).await.map_err(unavailable)
    }

    /// A client.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn client(&self, id: &ClientId) -> Result<Option<Versioned<Client>>, Error> {
        self.get(&keys::client(id)).await?.as_ref().map(client::from_item).transpose()
    }

    /// A resource server.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn resource_server(
        &self,
        id: &Identifier,
    ) -> Result<Option<Versioned<ResourceServer>>, Error> {
        let item = self.get(&keys::resource_server(id)).await?;
        item.as_ref().map(resource_server::from_item).transpose()
    }

    /// A grant, with the teams that own its sides now.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn grant(&self, id: &GrantId) -> Result<Option<Versioned<Grant>>, Error> {
        let Some(item) = self.get(&keys::grant(id)).await? else { return Ok(None) };
        let mut grant = grant::from_item(&item)?;
        if let Some(client) = self.client(&grant.value.client_id).await? {
            grant.value.client_team = client.value.team;
        }
        if let Some(server) = self.resource_server(&grant.value.resource_server).await?
            // One that was registered later under the same identifier is another: its owner learns nothing of what
            // the one before granted.
            && server.value.create_time <= grant.value.request_time
        {
            grant.value.resource_server_team = server.value.team;
        }
        Ok(Some(grant))
    }

    /// The live grants of a resource server: pending and active, all of them, without lag.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn live_grants(&self, id: &Identifier) -> Result<Vec<Versioned<Grant>>, Error> {
        let pk = keys::resource_server(id).pk;
        let entries = self.query_all(Source::Table, &pk, keys::LIVE_GRANT).await?;
        let mut grants = Vec::with_capacity(entries.len());
        for entry in entries {
            let key = entry.key.sk.strip_prefix(keys::LIVE_GRANT).unwrap_or_default();
            let id = kept("grant_id", GrantId::parse(key))?;
            grants.extend(self.grant(&id).await?);
        }
        Ok(grants)
    }

    /// The live grants of a client: pending and active, all of them, without lag.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn live_grants_of_client(
        &self,
        id: &ClientId,
    ) -> Result<Vec<Versioned<Grant>>, Error> {
        let Some(client) = self.client(id).await? else { return Ok(Vec::new()) };
        let mut grants = Vec::with_capacity(client.value.grants.len());
        for live in &client.value.grants {
            grants.extend(self.grant(&live.grant_id).await?);
        }
        Ok(grants)
    }

    /// What is known of a request that asks to be answered once.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the same id was used for another request; [`Error::Unavailable`],
    /// [`Error::Internal`].
    pub async fn seen(&self, caller: &Principal, once: Option<&Once>) -> Result<Seen, Error> {
        let Some(once) = once else { return Ok(Seen::Never(None)) };
        let item = self.get(&keys::request(caller, &once.request_id)).await?;
        once.seen(item.as_ref(), self.now())
    }

    /// If a token was revoked by itself: when it would have ended anyway.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`].
    pub async fn revoked_token(&self, id: &TokenId) -> Result<Option<Timestamp>, Error> {
        let item = self.get(&keys::revoked_token(id)).await?;
        Ok(item.and_then(|item| item.index2).map(|place| keys::time_at(&place.sk)))
    }

    /// When the secrets of a client were last used.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn client_secret_uses(
        &self,
        id: &ClientId,
    ) -> Result<HashMap<SecretId, Timestamp>, Error> {
        self.secret_uses(&keys::client_secret_uses(id)).await
    }

    /// When the secrets of a resource server were last used.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn resource_server_secret_uses(
        &self,
        id: &Identifier,
    ) -> Result<HashMap<SecretId, Timestamp>, Error> {
        self.secret_uses(&keys::resource_server_secret_uses(id)).await
    }

    /// Notes that a client used a secret. Not a change: it is not in the log.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`].
    pub async fn note_client_secret_use(
        &self,
        id: &ClientId,
        secret: &SecretId,
        time: Timestamp,
    ) -> Result<(), Error> {
        self.note(keys::client_secret_use(id, secret), keys::client(id), time).await
    }

    /// Notes that a resource server used a secret. Not a change: it is not in the log.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`].
    pub async fn note_resource_server_secret_use(
        &self,
        id: &Identifier,
        secret: &SecretId,
        time: Timestamp,
    ) -> Result<(), Error> {
        let key = keys::resource_server_secret_use(id, secret);
        self.note(key, keys::resource_server(id), time).await
    }

    /// A secret key of this installation, 32 random bytes, made when it is first asked for: the same for every
    /// process over one store.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn system_key(&self, name: &str) -> Result<[u8; 32], Error> {
        let key = keys::system(name);
        for _ in 0..2 {
            if let Some(item) = self.get(&key).await? {
                let kept = <[u8; 32]>::try_from(item.body.as_slice());
                return kept.map_err(Error::internal);
            }
            let mut made = [0u8; 32];
            self.entropy.fill(&mut made);
            let item = Item {
                key: key.clone(),
                index1: None,
                index2: None,
                version: 1,
                body: made.to_vec(),
            };
            match self.store.commit(&[Write::insert(item)]).await {
                Ok(()) => return Ok(made),
                Err(store::Error::Precondition(_)) => {}
                Err(error) => return Err(unavailable(error)),
            }
        }
        Err(Error::internal("a key of the installation comes and goes"))
    }

    /// What a part of Turnpike keeps of its own under `name`, which no key of [`Registry::system_key`] has.
    /// It is changed by [`Change::put_own_record`].
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`].
    pub async fn own_record(&self, name: &str) -> Result<Option<Versioned<Vec<u8>>>, Error> {
        let item = self.get(&keys::system(name)).await?;
        Ok(item.map(|item| Versioned { value: item.body, version: item.version }))
    }

    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        self.store.get(key).await.map_err(unavailable)
    }

    pub(crate) async fn query(&self, query: &Query) -> Result<store::Page, Error> {
        self.store.query(query).await.map_err(unavailable)
    }

    /// Every item of a partition whose sort key begins so; for partitions that are known to be small.
    pub(crate) async fn query_all(
        &self,
        source: Source,
        pk: &str,
        prefix: &str,
    ) -> Result<Vec<Item>, Error> {
        let mut query = Query::new(source, pk, store::check::PAGE_ITEMS);
        if !prefix.is_empty() {
            query = query.prefix(prefix);
        }
        let mut items = Vec::new();
        loop {
            let page = self.query(&query).await?;
            items.extend(page.items);
            match page.next {
                None => return Ok(items),
                next => query = query.after(next),
            }
        }
    }

    async fn secret_uses(&self, pk: &str) -> Result<HashMap<SecretId, Timestamp>, Error> {
        let mut uses = HashMap::new();
        for item in self.query_all(Source::Table, pk, "").await? {
            let key = &item.key.sk;
            let millis: i64 = decode(&item.body)?;
            let id = kept("secret_id", SecretId::parse(key))?;
            uses.insert(id, Timestamp::from_millis(millis));
        }
        Ok(uses)
    }

    async fn note(&self, key: Key, owner: Key, time: Timestamp) -> Result<(), Error> {
        let item =
            Item { key, index1: None, index2: None, version: 1, body: encode(&time.millis())? };
        let writes = [
            Write::Put { item, precondition: store::Precondition::Any },
            // A note must not outlive its owner.
            Write::Check { key: owner, precondition: store::Precondition::Exists },
        ];
        match self.store.commit(&writes).await {
            Ok(()) | Err(store::Error::Precondition(_) | store::Error::Contended) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("store", &self.store).finish_non_exhaustive()
    }
}
