//! A pool in memory that fails on demand.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use turnpike_domain::authorization_server::pool::{
    CreatedClient, Error, FoundClient, FoundResourceServer, ListedClient, Page, Pool, PoolClient,
    PoolResourceServer, SecretName,
};
use turnpike_domain::id::ClientId;
use turnpike_domain::secret::{SecretHash, SecretValue};
use turnpike_domain::{Identifier, Scope};

/// Secrets that one client may have.
const SECRETS_MAX: usize = 2;
/// Entries of one page.
const PAGE: usize = 2;

/// What becomes of a call.
#[derive(Debug)]
pub enum PoolFault {
    /// It is done that much later.
    Delay(Duration),
    /// This is the answer; nothing is done.
    Fail(Error),
    /// It is done, and the answer is lost.
    LoseAnswer,
    /// Nothing: the call goes through, and the next fault waits for the next call.
    Pass,
}

/// A pool that keeps what it is told, strictly: scopes that it does not know are refused, the last
/// secret of a client stays, pages are short. A call takes the first fault that waits.
#[derive(Debug, Default)]
pub struct MemoryPool {
    state: Mutex<State>,
    faults: Mutex<VecDeque<PoolFault>>,
    /// Most clients that it takes; 0 for as many as come.
    clients_max: usize,
}

#[derive(Debug, Default)]
struct State {
    made: usize,
    calls: Vec<String>,
    clients: BTreeMap<ClientId, Kept>,
    servers: BTreeMap<String, PoolResourceServer>,
}

#[derive(Debug)]
struct Kept {
    client: PoolClient,
    secrets: Vec<(SecretName, SecretHash)>,
}

impl MemoryPool {
    /// One that takes this many clients.
    pub fn of_at_most(clients_max: usize) -> Self {
        Self { clients_max, ..Self::default() }
    }

    /// Adds faults for the calls to come.
    pub fn on_calls(&self, faults: impl IntoIterator<Item = PoolFault>) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }

    /// From now on all goes well.
    pub fn heal(&self) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The names of the calls so far that were let through, in order.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// What it has of a client.
    pub fn has(&self, id: &ClientId) -> Option<PoolClient> {
        self.state().clients.get(id).map(|kept| kept.client.clone())
    }

    /// The keys of all clients.
    pub fn client_ids(&self) -> Vec<ClientId> {
        self.state().clients.keys().cloned().collect()
    }

    /// The identifiers of all resource servers, with their scopes' names.
    pub fn servers(&self) -> BTreeMap<String, Vec<String>> {
        let names = |server: &PoolResourceServer| {
            server.scopes.iter().map(|(name, _)| name.clone()).collect()
        };
        self.state().servers.iter().map(|(id, server)| (id.clone(), names(server))).collect()
    }

    /// Whether a client may authenticate with this.
    pub fn takes(&self, id: &ClientId, secret: &str) -> bool {
        let state = self.state();
        let Some(kept) = state.clients.get(id) else { return false };
        kept.secrets.iter().any(|(_, hash)| hash.matches(secret))
    }

    /// How many secrets a client has.
    pub fn secrets_of(&self, id: &ClientId) -> usize {
        self.state().clients.get(id).map_or(0, |kept| kept.secrets.len())
    }

    /// Somebody else makes a client.
    pub fn put_foreign(&self, id: &ClientId, client: PoolClient, secret: &str) {
        let secrets = vec![(SecretName(format!("{id}--foreign")), SecretHash::of(secret))];
        self.state().clients.insert(id.clone(), Kept { client, secrets });
    }

    /// Somebody else changes a client.
    pub fn change_foreign(&self, id: &ClientId, client: PoolClient) {
        if let Some(kept) = self.state().clients.get_mut(id) {
            kept.client = client;
        }
    }

    /// Somebody else deletes a resource server.
    pub fn lose_server(&self, identifier: &str) {
        self.state().servers.remove(identifier);
    }

    /// Somebody else deletes a client.
    pub fn lose_client(&self, id: &ClientId) {
        self.state().clients.remove(id);
    }

    /// Somebody else changes a resource server.
    pub fn put_foreign_server(&self, server: PoolResourceServer) {
        self.state().servers.insert(server.identifier.to_string(), server);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does it, or suffers.
    async fn call<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut State) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        let fault = self.faults.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match fault {
            Some(PoolFault::Fail(error)) => return Err(error),
            Some(PoolFault::Delay(time)) => tokio::time::sleep(time).await,
            _ => {}
        }
        let mut state = self.state();
        state.calls.push(name.to_owned());
        let done = act(&mut state);
        match fault {
            Some(PoolFault::LoseAnswer) => Err(Error::Unknown("the answer was lost".into())),
            _ => done,
        }
    }
}

impl State {
    fn check_scopes(&self, scopes: &[Scope]) -> Result<(), Error> {
        let known = |scope: &Scope| {
            let server = self.servers.get(scope.identifier().as_str());
            server
                .is_some_and(|s| s.scopes.iter().any(|(name, _)| *name == scope.name().to_string()))
        };
        match scopes.iter().find(|scope| !known(scope)) {
            Some(scope) => Err(Error::MissingScope(scope.to_string())),
            None => Ok(()),
        }
    }

    fn secret(&mut self, id: &ClientId) -> SecretName {
        self.made += 1;
        SecretName(format!("{id}--{}", self.made))
    }
}

/// A page of what comes after a key.
fn page<K: Ord + ToString, V, T>(
    all: &BTreeMap<K, V>,
    after: Option<&str>,
    show: impl Fn(&K, &V) -> T,
) -> Page<T> {
    let rest: Vec<(&K, &V)> = all
        .iter()
        .filter(|(key, _)| after.is_none_or(|after| key.to_string().as_str() > after))
        .collect();
    let next = if rest.len() > PAGE { Some(rest[PAGE - 1].0.to_string()) } else { None };
    Page { items: rest.into_iter().take(PAGE).map(|(key, value)| show(key, value)).collect(), next }
}

#[async_trait]
impl Pool for MemoryPool {
    async fn create_client(
        &self,
        client: &PoolClient,
        secret: &SecretValue,
    ) -> Result<CreatedClient, Error> {
        let max = self.clients_max;
        self.call("create_client", |state| {
            state.check_scopes(&client.scopes)?;
            if max > 0 && state.clients.len() >= max {
                return Err(Error::Full("clients of a pool".to_owned()));
            }
            state.made += 1;
            let client_id = ClientId::parse(&format!("pool{}", state.made))
                .map_err(|problem| Error::Refused(problem.to_string()))?;
            let name = state.secret(&client_id);
            let secrets = vec![(name.clone(), secret.hash())];
            state.clients.insert(client_id.clone(), Kept { client: client.clone(), secrets });
            Ok(CreatedClient { client_id, secret: Some(name) })
        })
        .await
    }

    async fn put_client(&self, id: &ClientId, client: &PoolClient) -> Result<(), Error> {
        self.call("put_client", |state| {
            state.check_scopes(&client.scopes)?;
            state.clients.get_mut(id).ok_or(Error::Missing)?.client = client.clone();
            Ok(())
        })
        .await
    }

    async fn delete_client(&self, id: &ClientId) -> Result<(), Error> {
        self.call("delete_client", |state| {
            state.clients.remove(id);
            Ok(())
        })
        .await
    }

    async fn add_secret(&self, id: &ClientId, secret: &SecretValue) -> Result<SecretName, Error> {
        self.call("add_secret", |state| {
            let name = state.secret(id);
            let kept = state.clients.get_mut(id).ok_or(Error::Missing)?;
            if kept.secrets.len() >= SECRETS_MAX {
                return Err(Error::Full("secrets of a client".to_owned()));
            }
            kept.secrets.push((name.clone(), secret.hash()));
            Ok(name)
        })
        .await
    }

    async fn remove_secret(&self, id: &ClientId, name: &SecretName) -> Result<bool, Error> {
        self.call("remove_secret", |state| {
            let Some(kept) = state.clients.get_mut(id) else { return Ok(true) };
            if kept.secrets.len() == 1 && kept.secrets[0].0 == *name {
                return Ok(false);
            }
            kept.secrets.retain(|(there, _)| there != name);
            Ok(true)
        })
        .await
    }

    async fn secrets(&self, id: &ClientId) -> Result<Vec<SecretName>, Error> {
        self.call("secrets", |state| {
            let kept = state.clients.get(id).map(|kept| &kept.secrets);
            Ok(kept.into_iter().flatten().map(|(name, _)| name.clone()).collect())
        })
        .await
    }

    fn takes_secrets(&self) -> bool {
        true
    }

    async fn put_resource_server(&self, server: &PoolResourceServer) -> Result<(), Error> {
        self.call("put_resource_server", |state| {
            state.servers.insert(server.identifier.to_string(), server.clone());
            Ok(())
        })
        .await
    }

    async fn delete_resource_server(&self, identifier: &Identifier) -> Result<(), Error> {
        self.call("delete_resource_server", |state| {
            state.servers.remove(identifier.as_str());
            Ok(())
        })
        .await
    }

    async fn clients(&self, after: Option<&str>) -> Result<Page<ListedClient>, Error> {
        self.call("clients", |state| {
            Ok(page(&state.clients, after, |id, kept| ListedClient {
                client_id: id.clone(),
                name: kept.client.name.clone(),
            }))
        })
        .await
    }

    async fn client(&self, id: &ClientId) -> Result<Option<FoundClient>, Error> {
        self.call("client", |state| {
            Ok(state.clients.get(id).map(|kept| FoundClient {
                client_id: id.clone(),
                name: kept.client.name.clone(),
                token_lifetime_seconds: kept.client.token_lifetime.seconds(),
                scopes: kept.client.scopes.iter().map(ToString::to_string).collect(),
                machine: true,
                other: Vec::new(),
            }))
        })
        .await
    }

    async fn resource_servers(
        &self,
        after: Option<&str>,
    ) -> Result<Page<FoundResourceServer>, Error> {
        self.call("resource_servers", |state| Ok(page(&state.servers, after, |_, s| found(s))))
            .await
    }

    async fn resource_server(
        &self,
        identifier: &Identifier,
    ) -> Result<Option<FoundResourceServer>, Error> {
        self.call("resource_server", |state| Ok(state.servers.get(identifier.as_str()).map(found)))
            .await
    }
}

fn found(server: &PoolResourceServer) -> FoundResourceServer {
    FoundResourceServer {
        identifier: server.identifier.to_string(),
        name: server.name.clone(),
        scopes: server.scopes.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryPool;
    use crate::pool::{PoolTrial, pool_conformance};

    #[tokio::test]
    async fn the_suite() {
        let pool = MemoryPool::default();
        let trial = PoolTrial {
            pool: &pool,
            mark: "suite",
            clients: 5,
            resource_servers: 5,
            knows_scopes: true,
            // What the registry's own types allow never breaks them.
            knows_rules: false,
        };
        pool_conformance(&trial).await;
    }
}
