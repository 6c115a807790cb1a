//! A registry of its own for each test, on a store that fails when told to, under a clock that stands still.

use std::collections::BTreeSet;
use std::sync::Arc;

use tempfile::TempDir;
use turnpike_domain::actor::{Actor, Role, Staff, Teams};
use turnpike_domain::authz::{Action, Permit, Resource, decide};
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::grant::{Decision, GrantScopes, GrantState};
use turnpike_domain::id::{ClientId, GrantId, TeamId};
use turnpike_domain::resource_server::{OfferedScope, OfferedScopes};
use turnpike_domain::secret::Secrets;
use turnpike_domain::text::{
    ClientName, Description, Reason, ResourceServerName, ScopeDescription,
};
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{
    Client, Error, Grant, Identifier, ResourceServer, Scope, ScopeName, Timestamp,
};
use turnpike_registry::{Attempt, Chain, Change, Origin, Registry, Versioned};
use turnpike_store_sqlite::SqliteStore;
use turnpike_testkit::clock::{SeededEntropy, TestClock};
use turnpike_testkit::store::FlakyStore;

pub(crate) struct Plane {
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) store: Arc<FlakyStore<SqliteStore>>,
    _folder: TempDir,
}

impl Plane {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("t.db")).unwrap();
        let store = Arc::new(FlakyStore::new(store));
        let clock = Arc::new(TestClock::default());
        let entropy = Arc::new(SeededEntropy::new(1));
        let registry = Registry::open(store.clone(), clock.clone(), entropy).await.unwrap();
        Self { registry, clock, store, _folder: folder }
    }

    /// Another process over the same store.
    pub(crate) async fn replica(&self, seed: u64) -> Registry {
        let entropy = Arc::new(SeededEntropy::new(seed));
        Registry::open(self.store.clone(), self.clock.clone(), entropy).await.unwrap()
    }

    pub(crate) async fn server(&self, id: &str, owner: &str, scopes: &[&str]) -> ResourceServer {
        let server = server(id, owner, scopes, self.registry.now());
        let mut change = change();
        change.put_resource_server(&Versioned::new(server.clone())).unwrap();
        let action = EventAction::ResourceServerCreated;
        change.event(EventDraft::of_resource_server(action, Became::New(&server)));
        self.registry.commit(change).await.unwrap();
        server
    }

    pub(crate) async fn client(&self, name: &str, owner: &str) -> ClientId {
        let client = client(&self.registry, name, owner);
        self.registry.commit(creation(&client)).await.unwrap();
        client.client_id
    }

    /// A grant of these scopes, active or waiting.
    pub(crate) async fn grant(
        &self,
        client_id: &ClientId,
        scopes: &[&str],
        state: GrantState,
        expire_time: Option<Timestamp>,
    ) -> GrantId {
        let mut client = self.registry.client(client_id).await.unwrap().unwrap();
        let scopes: Vec<Scope> = scopes.iter().map(|s| Scope::parse(s).unwrap()).collect();
        let resource_server = scopes[0].identifier();
        let server = self.registry.resource_server(&resource_server).await.unwrap().unwrap();
        let now = self.registry.now();
        let mut grant = Grant {
            grant_id: GrantId::generate(self.registry.entropy()),
            client_id: client_id.clone(),
            client_team: client.value.team.clone(),
            scopes: GrantScopes::new(&resource_server, scopes).unwrap(),
            resource_server,
            resource_server_team: server.value.team,
            reason: Reason::parse("orders from the shop").unwrap(),
            expire_time,
            state: GrantState::Pending,
            requester: admin().principal(),
            request_time: now,
            decision: None,
            end: None,
        };
        if state == GrantState::Active {
            let note = Description::parse("").unwrap();
            grant.approve(Decision { decider: admin().principal(), time: now, note }).unwrap();
        }
        client.value.take_grant(&grant, now).unwrap();
        let mut change = change();
        change.put_client(&client).unwrap();
        change.put_grant(&Versioned::new(grant.clone())).unwrap();
        let became = Became::New(&grant);
        change.event(EventDraft::of_grant(EventAction::GrantRequested, became, "why"));
        self.registry.commit(change).await.unwrap();
        grant.grant_id
    }

    pub(crate) async fn client_now(&self, id: &ClientId) -> Client {
        self.registry.client(id).await.unwrap().unwrap().value
    }

    pub(crate) async fn grant_now(&self, id: &GrantId) -> Grant {
        self.registry.grant(id).await.unwrap().unwrap().value
    }

    /// Follows the whole log; answers with how many events it has.
    pub(crate) async fn verify(&self) -> u64 {
        let head = self.registry.head().await.unwrap();
        let mut chain = Chain::new();
        while chain.count() < head.sequence {
            let lines = self.registry.lines(chain.count() + 1, head.sequence).await.unwrap();
            assert!(!lines.is_empty(), "event {} is missing", chain.count() + 1);
            for line in lines {
                chain.follow(&line).unwrap();
            }
        }
        assert_eq!(chain.last().map_or(0, |(sequence, _)| sequence), head.sequence);
        if let Some((_, hash)) = chain.last() {
            assert_eq!(hash, head.hash);
        }
        chain.count()
    }
}

pub(crate) fn team(name: &str) -> TeamId {
    TeamId::parse(name).unwrap()
}

pub(crate) fn identifier(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

pub(crate) fn admin() -> Actor {
    Actor::Staff(Staff {
        id: "root".to_owned(),
        display_name: "Root".to_owned(),
        teams: Teams::Known(BTreeSet::new()),
        roles: BTreeSet::from([Role::PlatformAdmin]),
        session_expire_time: Timestamp::MAX,
    })
}

pub(crate) fn permit() -> Permit {
    let resource = Resource::Client { team: &team("any"), related: &[] };
    decide(&admin(), Action::ManageClient, &resource).unwrap()
}

pub(crate) fn origin() -> Origin {
    Origin { request_id: "r".to_owned(), method: "turnpike.v1.Test/Test".to_owned() }
}

/// An empty change by the admin.
pub(crate) fn change() -> Change {
    Change::new(&permit(), &origin())
}

pub(crate) fn server(id: &str, owner: &str, scopes: &[&str], now: Timestamp) -> ResourceServer {
    let identifier = identifier(id);
    let scope = |name: &&str| OfferedScope {
        name: ScopeName::parse(name).unwrap(),
        description: ScopeDescription::parse("a scope").unwrap(),
    };
    ResourceServer {
        scopes: OfferedScopes::new(&identifier, scopes.iter().map(scope).collect()).unwrap(),
        identifier,
        display_name: ResourceServerName::parse("An API").unwrap(),
        description: Description::parse("").unwrap(),
        team: team(owner),
        secrets: Secrets::default(),
        create_time: now,
        update_time: now,
    }
}

pub(crate) fn client(registry: &Registry, name: &str, owner: &str) -> Client {
    Client {
        client_id: ClientId::generate(registry.entropy()),
        display_name: ClientName::parse(name).unwrap(),
        description: Description::parse("").unwrap(),
        team: team(owner),
        token_lifetime: TokenLifetime::DEFAULT,
        enabled: true,
        secrets: Secrets::default(),
        grants: Vec::new(),
        tokens_revoked: None,
        scope_cuts: Vec::new(),
        create_time: registry.now(),
        update_time: registry.now(),
    }
}

/// The change that registers a client.
pub(crate) fn creation(client: &Client) -> Change {
    let mut change = change();
    change.put_client(&Versioned::new(client.clone())).unwrap();
    change.event(EventDraft::of_client(EventAction::ClientCreated, Became::New(client)));
    change
}

/// Changes a client in one transaction of `registry`.
pub(crate) async fn edit(
    registry: &Registry,
    id: &ClientId,
    edit: impl Fn(&mut Client) + Sync,
) -> Result<(), Error> {
    let edit = &edit;
    registry
        .transact(async || {
            let mut client = registry.client(id).await?.unwrap();
            let before = client.value.clone();
            edit(&mut client.value);
            let mut change = change();
            change.put_client(&client)?;
            let became = Became::Other(&before, &client.value);
            change.event(EventDraft::of_client(EventAction::ClientUpdated, became));
            Ok(Attempt::Change(Box::new(change), ()))
        })
        .await
}

/// One second longer.
pub(crate) fn longer(client: &mut Client) {
    let seconds = client.token_lifetime.seconds() + 1;
    client.token_lifetime = TokenLifetime::from_seconds(seconds).unwrap();
}
