//! A registry with a pool, and the changes that its services make.

use std::sync::Arc;
use std::time::Duration;

use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::id::{ClientId, RequestId};
use turnpike_domain::secret::Secrets;
use turnpike_domain::text::ClientName;
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{Client, Error};
use turnpike_registry::{Attempt, Pending, ProvisionedSecret, Registry, Versioned, Worker};
use turnpike_testkit::memory_pool::MemoryPool;

use crate::plane::{Plane, change, client, edit, server};

/// A plane whose authorization server has a pool.
pub(crate) struct Mirrored {
    pub(crate) plane: Plane,
    pub(crate) pool: Arc<MemoryPool>,
    pub(crate) registry: Registry,
}

impl Mirrored {
    pub(crate) async fn new() -> Self {
        let mut plane = Plane::new().await;
        let pool = Arc::new(MemoryPool::default());
        plane.registry = plane.registry.mirrored(Some(pool.clone()));
        let registry = plane.registry.clone();
        Self { plane, pool, registry }
    }

    /// Makes a client as its service does.
    pub(crate) async fn create(&self, name: &str) -> Result<(ClientId, String), Error> {
        let registry = &self.registry;
        let display_name = ClientName::parse(name).unwrap();
        let made = registry.provision_client(&display_name, TokenLifetime::DEFAULT).await?;
        let done = registry
            .transact(async || {
                let mut new = Client {
                    client_id: made.client_id.clone(),
                    ..client(registry, name, "partners")
                };
                new.secrets = Secrets::from_entries(vec![made.entry.clone()]);
                let new = Versioned::new(new);
                let mut change = change();
                change.register(&new, &made)?;
                let became = Became::New(&new.value);
                change.event(EventDraft::of_client(EventAction::ClientCreated, became));
                Ok(Attempt::Change(Box::new(change), ()))
            })
            .await;
        let answer = (made.client_id.clone(), made.value.expose().to_owned());
        match done {
            Ok(()) => Ok(answer),
            Err(error) => {
                registry.abandon_client(made).await;
                Err(error)
            }
        }
    }

    /// Adds a secret as the service does.
    pub(crate) async fn add_secret(&self, id: &ClientId) -> Result<String, Error> {
        self.add_secret_for(id, None).await
    }

    /// The same for a request with an id.
    pub(crate) async fn add_secret_for(
        &self,
        id: &ClientId,
        request: Option<&RequestId>,
    ) -> Result<String, Error> {
        let made = self.registry.provision_secret(id, request).await?;
        let value = made.value.expose().to_owned();
        match self.keep_secret(id, &made).await {
            Ok(()) => Ok(value),
            Err(error) => {
                self.registry.abandon_secret(made).await;
                Err(error)
            }
        }
    }

    /// Keeps a secret that was provisioned.
    pub(crate) async fn keep_secret(
        &self,
        id: &ClientId,
        made: &ProvisionedSecret,
    ) -> Result<(), Error> {
        let registry = &self.registry;
        registry
            .transact(async || {
                let mut client = registry.client(id).await?.unwrap();
                let before = client.value.clone();
                client.value.secrets.put(made.entry.clone(), "it")?;
                let mut change = change();
                registry.keep_secret(&mut change, id, made).await?;
                change.put_client(&client)?;
                let became = Became::Other(&before, &client.value);
                change.event(EventDraft::of_client(EventAction::ClientSecretAdded, became));
                Ok(Attempt::Change(Box::new(change), ()))
            })
            .await
    }

    pub(crate) async fn remove_first_secret(&self, id: &ClientId) -> Result<(), Error> {
        edit(&self.registry, id, |client| {
            let first = client.secrets.list()[0].secret_id.clone();
            client.secrets.remove(&first);
        })
        .await
    }

    pub(crate) async fn delete(&self, id: &ClientId) -> Result<(), Error> {
        let registry = &self.registry;
        registry
            .transact(async || {
                let Some(client) = registry.client(id).await? else {
                    return Ok(Attempt::Nothing(()));
                };
                let mut change = change();
                change.delete_client(&client);
                let became = Became::Gone(&client.value);
                change.event(EventDraft::of_client(EventAction::ClientDeleted, became));
                Ok(Attempt::Change(Box::new(change), ()))
            })
            .await
    }

    pub(crate) async fn put_server(&self, id: &str, scopes: &[&str]) -> Result<(), Error> {
        let registry = &self.registry;
        let wanted = server(id, "orders", scopes, registry.now());
        registry.provision_resource_server(&wanted).await?;
        registry
            .transact(async || {
                let there = registry.resource_server(&wanted.identifier).await?;
                let version = there.map_or(0, |there| there.version);
                let mut change = change();
                change.put_resource_server(&Versioned { value: wanted.clone(), version })?;
                let action = EventAction::ResourceServerUpdated;
                change.event(EventDraft::of_resource_server(action, Became::New(&wanted)));
                Ok(Attempt::Change(Box::new(change), ()))
            })
            .await
    }

    pub(crate) async fn pending(&self) -> Vec<Pending> {
        self.registry.pending(100, None).await.unwrap().items
    }

    /// What a process that starts later does, as often as it takes.
    pub(crate) async fn recover(&self) {
        self.pool.heal();
        let worker = Worker::new(self.registry.clone());
        for _ in 0..4 {
            self.plane.clock.advance(Duration::from_secs(16 * 60));
            worker.clear().await.unwrap();
        }
    }

    /// The pool says of every client and resource server what the registry says, and nothing else.
    pub(crate) async fn agree(&self, what: &str) {
        let registry = &self.registry;
        assert_eq!(self.pending().await, [], "{what}: left in the outbox");
        let filter = Default::default();
        let clients = registry.list_clients(&filter, 100, None).await.unwrap().items;
        let mut ours: Vec<ClientId> = clients.iter().map(|c| c.value.client_id.clone()).collect();
        ours.sort();
        assert_eq!(self.pool.client_ids(), ours, "{what}: clients");
        for Versioned { value: client, .. } in &clients {
            let there = self.pool.has(&client.client_id).unwrap();
            assert_eq!(there.token_lifetime, client.token_lifetime, "{what}: lifetime");
            let may = client.enabled && !client.secrets.list().is_empty();
            let scopes = if may { client.scopes_at(Some(registry.now())) } else { Vec::new() };
            assert_eq!(there.scopes, scopes, "{what}: scopes");
            // The last one stays in the pool, and the client has no scopes.
            let secrets = client.secrets.list().len().max(1);
            assert_eq!(self.pool.secrets_of(&client.client_id), secrets, "{what}: secrets");
        }
        let filter = Default::default();
        let servers = registry.list_resource_servers(&filter, 100, None).await.unwrap().items;
        let names = |s: &turnpike_domain::ResourceServer| {
            let names = s.scopes.list().iter().map(|scope| scope.name.to_string()).collect();
            (s.identifier.to_string(), names)
        };
        let ours = servers.iter().map(|server| names(&server.value)).collect();
        assert_eq!(self.pool.servers(), ours, "{what}: resource servers");
        self.plane.verify().await;
    }
}
