//! The suite of the seam of a pool: what every authorization server elsewhere must do for the registry.
//!
//! It makes what it needs under names of its own and takes it away again, so that it can be run on a
//! pool in use. What is left of a run that failed is taken away by the next.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a suite reports by panicking"
)]

mod clients;
mod lists;
mod resource_servers;
mod secrets;

use turnpike_domain::authorization_server::pool::{
    CreatedClient, Error, FoundClient, FoundResourceServer, ListedClient, Page, Pool, PoolClient,
    PoolResourceServer, ascii_name,
};
use turnpike_domain::id::ClientId;
use turnpike_domain::secret::SecretValue;
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{Identifier, Scope};

use crate::clock::SeededEntropy;

/// More pages than this are a list without an end.
const PAGES_MAX: usize = 1000;

/// A pool, and what may be expected of it.
#[derive(Clone, Copy, Debug)]
pub struct PoolTrial<'a> {
    /// The pool.
    pub pool: &'a dyn Pool,
    /// What every name begins with that the suite makes: lower-case letters and digits.
    pub mark: &'a str,
    /// How many clients are more than a page of them.
    pub clients: usize,
    /// How many resource servers are more than a page of them, or as many as the pool takes.
    pub resource_servers: usize,
    /// Whether it knows which scopes there are, and refuses others.
    pub knows_scopes: bool,
    /// Whether it refuses what no pool of Cognito takes.
    pub knows_rules: bool,
}

/// Runs the suite.
///
/// # Panics
///
/// Where the seam is not kept.
pub async fn pool_conformance(trial: &PoolTrial<'_>) {
    trial.clean().await;
    resource_servers::all(trial).await;
    clients::all(trial).await;
    secrets::all(trial).await;
    lists::all(trial).await;
    trial.clean().await;
}

impl PoolTrial<'_> {
    /// A name of this trial.
    fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.mark)
    }

    fn identifier(&self, name: &str) -> Identifier {
        Identifier::parse(&self.name(name)).unwrap()
    }

    fn scope(&self, server: &str, name: &str) -> Scope {
        Scope::parse(&format!("{}/{name}", self.name(server))).unwrap()
    }

    fn server(&self, name: &str, scopes: &[&str]) -> PoolResourceServer {
        let described = |scope: &&str| ((*scope).to_owned(), format!("May {scope}"));
        PoolResourceServer {
            identifier: self.identifier(name),
            name: ascii_name(&format!("API {name}"), 256),
            scopes: scopes.iter().map(described).collect(),
        }
    }

    fn client(&self, name: &str, scopes: &[Scope]) -> PoolClient {
        PoolClient {
            name: self.name(name),
            token_lifetime: TokenLifetime::DEFAULT,
            scopes: scopes.to_vec(),
        }
    }

    async fn create(&self, client: &PoolClient) -> CreatedClient {
        self.pool.create_client(client, &secret(client.name.len() as u64)).await.unwrap()
    }

    async fn found(&self, id: &ClientId) -> FoundClient {
        self.pool.client(id).await.unwrap().expect("the client is there")
    }

    /// That the pool has of the client exactly what it was told.
    async fn expect(&self, id: &ClientId, client: &PoolClient) {
        let found = self.found(id).await;
        let expected = FoundClient {
            client_id: id.clone(),
            name: client.name.clone(),
            token_lifetime_seconds: client.token_lifetime.seconds(),
            scopes: client.scopes.iter().map(ToString::to_string).collect(),
            machine: true,
            other: Vec::new(),
        };
        assert_eq!(found, expected);
    }

    /// That the pool has of the resource server exactly what it was told, in any order.
    async fn expect_server(&self, server: &PoolResourceServer) {
        let found = self.pool.resource_server(&server.identifier).await.unwrap();
        assert_eq!(sorted(found.expect("the resource server is there")), sorted_of(server));
    }

    /// All clients of this trial, from all pages.
    async fn clients_there(&self) -> Vec<ListedClient> {
        let all = walk(async |after| self.pool.clients(after.as_deref()).await).await;
        all.into_iter().filter(|client| client.name.starts_with(self.mark)).collect()
    }

    /// All resource servers of this trial, from all pages.
    async fn servers_there(&self) -> Vec<FoundResourceServer> {
        let all = walk(async |after| self.pool.resource_servers(after.as_deref()).await).await;
        all.into_iter().filter(|server| server.identifier.starts_with(self.mark)).collect()
    }

    /// Takes away everything of this trial.
    pub async fn clean(&self) {
        for client in self.clients_there().await {
            self.pool.delete_client(&client.client_id).await.unwrap();
        }
        for server in self.servers_there().await {
            let identifier = Identifier::parse(&server.identifier).unwrap();
            self.pool.delete_resource_server(&identifier).await.unwrap();
        }
        assert_eq!(self.clients_there().await, []);
        assert_eq!(self.servers_there().await, []);
    }
}

/// A secret of our form.
fn secret(seed: u64) -> SecretValue {
    SecretValue::generate(&SeededEntropy::new(seed))
}

/// Everything of a list.
async fn walk<T>(page: impl AsyncFn(Option<String>) -> Result<Page<T>, Error>) -> Vec<T> {
    let (mut all, mut after) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let Page { items, next } = page(after).await.unwrap();
        all.extend(items);
        after = next;
        if after.is_none() {
            return all;
        }
    }
    panic!("a list without an end");
}

fn sorted(mut server: FoundResourceServer) -> FoundResourceServer {
    server.scopes.sort();
    server
}

fn sorted_of(server: &PoolResourceServer) -> FoundResourceServer {
    sorted(FoundResourceServer {
        identifier: server.identifier.to_string(),
        name: server.name.clone(),
        scopes: server.scopes.clone(),
    })
}
