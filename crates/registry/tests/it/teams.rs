//! Who owns what, exactly: what a team is deleted on.

use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use turnpike_domain::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::id::{ClientId, TeamId};
use turnpike_domain::text::TeamName;
use turnpike_registry::store::{self, Item, Key, Page, Query, Source, Store, Write};
use turnpike_registry::{About, Attempt, Owned, Registry, Versioned};
use turnpike_store_sqlite::SqliteStore;
use turnpike_testkit::clock::{SeededEntropy, TestClock};

use crate::plane::{Plane, change, client, creation, identifier, origin, permit, server, team};

/// A store whose indexes never catch up.
#[derive(Debug)]
struct Lagging(SqliteStore);

#[async_trait]
impl Store for Lagging {
    async fn get(&self, key: &Key) -> Result<Option<Item>, store::Error> {
        self.0.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, store::Error> {
        match query.source {
            Source::Table => self.0.query(query).await,
            Source::Index1 | Source::Index2 => Ok(Page { items: Vec::new(), next: None }),
        }
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), store::Error> {
        self.0.commit(writes).await
    }
}

async fn provide(registry: &Registry, teams: &[&str]) {
    turnpike_testkit::teams::provide(registry, teams).await;
}

fn owned(clients: &[&ClientId], servers: &[&str]) -> Vec<Owned> {
    let clients = clients.iter().map(|id| Owned::Client((*id).clone()));
    clients.chain(servers.iter().map(|id| Owned::ResourceServer(identifier(id)))).collect()
}

async fn owned_by(registry: &Registry, name: &str) -> Vec<Owned> {
    registry.owned_by(&team(name)).await.unwrap().into_iter().collect()
}

/// Registers a client of a team that must be there.
async fn register(registry: &Registry, name: &str, owner: &str) -> Result<ClientId, Error> {
    registry
        .transact(async || {
            registry.owner("team", &team(owner)).await?;
            let client = client(registry, name, owner);
            let mut change = creation(&client);
            change.check_team(&client.team);
            Ok(Attempt::Change(Box::new(change), client.client_id))
        })
        .await
}

/// Deletes a team that owns nothing; answers whether it did.
async fn delete(registry: &Registry, id: &TeamId) -> Result<bool, Error> {
    registry
        .transact(async || {
            let head = registry.head().await?;
            let found = registry.team(id).await?.unwrap();
            if !registry.owned_by(id).await?.is_empty() {
                return Ok(Attempt::Nothing(false));
            }
            let mut change = change();
            change.leans_on(About::Team(id.clone()), head.sequence, 0);
            change.delete_team(&found);
            let became = Became::Gone(&found.value);
            change.event(EventDraft::of_team(EventAction::TeamDeleted, became));
            Ok(Attempt::Change(Box::new(change), true))
        })
        .await
}

#[tokio::test]
async fn what_was_just_registered_is_owned_though_no_index_knows_it() {
    let folder = TempDir::new().unwrap();
    let store = Lagging(SqliteStore::open(&folder.path().join("t.db")).unwrap());
    let clock = Arc::new(TestClock::default());
    let entropy = Arc::new(SeededEntropy::new(1));
    let registry = Registry::open(Arc::new(store), clock, entropy).await.unwrap();
    provide(&registry, &["orders", "partners"]).await;
    let id = register(&registry, "shop", "orders").await.unwrap();
    let api = server("api", "orders", &["read"], registry.now());
    let mut made = change();
    made.put_resource_server(&Versioned::new(api.clone())).unwrap();
    let became = Became::New(&api);
    made.event(EventDraft::of_resource_server(EventAction::ResourceServerCreated, became));
    registry.commit(made).await.unwrap();
    assert_eq!(owned_by(&registry, "orders").await, owned(&[&id], &["api"]));
    assert!(!delete(&registry, &team("orders")).await.unwrap());
    assert!(delete(&registry, &team("partners")).await.unwrap());
}

#[tokio::test]
async fn what_changed_hands_is_owned_by_its_owner_of_now() {
    let plane = Plane::new().await;
    provide(&plane.registry, &["orders", "partners"]).await;
    let id = register(&plane.registry, "shop", "orders").await.unwrap();
    plane
        .registry
        .transact(async || {
            let mut client = plane.registry.client(&id).await?.unwrap();
            let before = client.value.clone();
            client.value.team = team("partners");
            let mut change = turnpike_registry::Change::new(&permit(), &origin());
            change.put_client(&client)?;
            change.own_client(&client.value);
            let became = Became::Other(&before, &client.value);
            change.event(EventDraft::of_client(EventAction::ClientUpdated, became));
            Ok(Attempt::Change(Box::new(change), ()))
        })
        .await
        .unwrap();
    assert!(owned_by(&plane.registry, "orders").await.is_empty());
    assert_eq!(owned_by(&plane.registry, "partners").await, owned(&[&id], &[]));
    let client = plane.registry.client(&id).await.unwrap().unwrap();
    let mut gone = change();
    gone.delete_client(&client);
    let became = Became::Gone(&client.value);
    gone.event(EventDraft::of_client(EventAction::ClientDeleted, became));
    plane.registry.commit(gone).await.unwrap();
    assert!(owned_by(&plane.registry, "partners").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_registered_for_a_team_that_goes_at_the_same_moment() {
    let plane = Plane::new().await;
    let other = plane.replica(9).await;
    for round in 0..20 {
        let name = format!("team-{round}");
        provide(&plane.registry, &[&name]).await;
        let id = team(&name);
        let (made, gone) =
            tokio::join!(register(&plane.registry, "shop", &name), delete(&other, &id));
        let (made, gone) = (made.is_ok(), gone.unwrap());
        assert!(made != gone, "round {round}: registered {made}, deleted {gone}");
        let there = plane.registry.team(&id).await.unwrap().is_some();
        assert_eq!(there, made);
    }
}

#[tokio::test]
async fn teams_of_the_start_are_made_once_and_stay_as_they_are() {
    let plane = Plane::new().await;
    let start = [(team("orders"), TeamName::parse("Orders").unwrap())];
    plane.registry.provide_teams(&start).await.unwrap();
    let head = plane.registry.head().await.unwrap().sequence;
    let renamed = [(team("orders"), TeamName::parse("Renamed").unwrap())];
    plane.registry.provide_teams(&renamed).await.unwrap();
    assert_eq!(plane.registry.head().await.unwrap().sequence, head);
    let kept = plane.registry.team(&team("orders")).await.unwrap().unwrap();
    assert_eq!(kept.value.display_name.as_str(), "Orders");
    assert_eq!(plane.registry.all_teams().await.unwrap(), [kept.value]);
}
