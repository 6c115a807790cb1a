//! Clients and resource servers in a registry, put there without the services that do so in
//! earnest.

#![expect(clippy::unwrap_used, reason = "a test stops where what it needs cannot be made")]

use std::collections::{BTreeMap, BTreeSet};

use turnpike_domain::actor::{Role, Staff, Teams};
use turnpike_domain::authz::{Action, Permit, Resource, decide};
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::grant::{Decision, Grant, GrantScopes, GrantState};
use turnpike_domain::id::{ClientId, GrantId, TeamId};
use turnpike_domain::resource_server::{OfferedScope, OfferedScopes};
use turnpike_domain::secret::{SecretEntry, SecretValue, Secrets};
use turnpike_domain::text::{Description, Reason, ResourceServerName, ScopeDescription};
use turnpike_domain::{
    Actor, Client, Error, Identifier, Principal, ResourceServer, Scope, Timestamp,
};
use turnpike_registry::store::{Item, Key, Write};
use turnpike_registry::{Attempt, Change, Origin, Registry, Versioned};

/// The team that owns every client made here.
pub const CLIENT_TEAM: &str = "partners";
/// The team that owns every resource server made here.
pub const RESOURCE_SERVER_TEAM: &str = "orders";

/// Puts things into a registry.
#[derive(Clone, Debug)]
pub struct Registered(Registry);

impl Registered {
    /// Into this one.
    pub const fn new(registry: Registry) -> Self {
        Self(registry)
    }

    /// A client that holds `scopes`, with tokens of an hour; answers with its secret.
    pub async fn client(&self, client_id: &str, scopes: &[&str]) -> SecretValue {
        let now = self.0.now();
        let mut client = crate::authorization_server::client(client_id, 3600);
        (client.create_time, client.update_time) = (now, now);
        let (_, secret) = client.secrets.add(self.0.entropy(), now, client_id).unwrap();
        for grant in self.grants(&client, scopes, None) {
            client.take_grant(&grant, now).unwrap();
        }
        let event = EventDraft::of_client(EventAction::ClientCreated, Became::New(&client));
        let client = Versioned::new(client);
        self.make(&event, |change| change.put_client(&client)).await;
        secret
    }

    /// A client that holds `scopes` and was adopted: the authorization server alone knows its secret.
    pub async fn adopted_client(&self, client_id: &str, scopes: &[&str]) {
        let id = ClientId::parse(client_id).unwrap();
        self.client(client_id, scopes).await;
        self.change_client(client_id, |client| client.secrets = Secrets::default()).await;
        // As an adoption leaves it: the name that the client has there, and what it calls the secret.
        let body = format!(
            r#"{{"name":"{client_id}","secret_unknown":true,"unknown_secret":"{client_id}--1"}}"#
        );
        let item = Item {
            key: Key::new(format!("CLIENT#{id}"), "POOL"),
            index1: None,
            index2: None,
            version: 1,
            body: body.into_bytes(),
        };
        self.0.store().commit(&[Write::insert(item)]).await.unwrap();
    }

    /// Changes a client in whatever way, and says so in the log.
    pub async fn change_client(&self, client_id: &str, how: impl Fn(&mut Client) + Send + Sync) {
        let (id, how) = (&ClientId::parse(client_id).unwrap(), &how);
        self.0
            .transact(|| async move {
                let mut client = self.0.client(id).await?.unwrap();
                let before = client.value.clone();
                how(&mut client.value);
                let became = Became::Other(&before, &client.value);
                let event = EventDraft::of_client(EventAction::ClientUpdated, became);
                let mut change = self.change(&event);
                change.put_client(&client)?;
                Ok::<_, Error>(Attempt::Change(Box::new(change), ()))
            })
            .await
            .unwrap();
    }

    /// Gives a client a second secret; answers with it.
    pub async fn add_secret(&self, client_id: &str) -> SecretValue {
        let (entry, secret) = SecretEntry::generate(self.0.entropy(), self.0.now());
        self.change_client(client_id, |client| {
            client.secrets.put(entry.clone(), client_id).unwrap();
        })
        .await;
        secret
    }

    /// Gives a client more scopes, until `end` if there is one.
    pub async fn grant(&self, client_id: &str, scopes: &[&str], end: Option<Timestamp>) {
        let now = self.0.now();
        self.change_client(client_id, |client| {
            for grant in self.grants(client, scopes, end) {
                client.take_grant(&grant, now).unwrap();
            }
        })
        .await;
    }

    /// Ends all grants of a client.
    pub async fn end_grants(&self, client_id: &str) {
        let now = self.0.now();
        self.change_client(client_id, |client| {
            for live in client.grants.clone() {
                let scopes: Vec<&str> = live.scopes.iter().map(Scope::as_str).collect();
                for mut grant in self.grants(client, &scopes, live.expire_time) {
                    grant.grant_id = live.grant_id.clone();
                    grant.revoke(now, "over".to_owned()).unwrap();
                    client.take_grant(&grant, now).unwrap();
                }
            }
        })
        .await;
    }

    /// Deletes a client.
    pub async fn delete_client(&self, client_id: &str) {
        let id = ClientId::parse(client_id).unwrap();
        let client = self.0.client(&id).await.unwrap().unwrap();
        let became = Became::Gone(&client.value);
        let event = EventDraft::of_client(EventAction::ClientDeleted, became);
        let delete = |change: &mut Change| {
            change.delete_client(&client);
            Ok(())
        };
        self.make(&event, delete).await;
    }

    /// A resource server that offers scopes of these names; answers with its secret.
    pub async fn resource_server(&self, identifier: &str, names: &[&str]) -> SecretValue {
        let now = self.0.now();
        let identifier = Identifier::parse(identifier).unwrap();
        let offered = |name: &&str| OfferedScope {
            name: turnpike_domain::ScopeName::parse(name).unwrap(),
            description: ScopeDescription::parse("what it lets a client do").unwrap(),
        };
        let mut secrets = Secrets::default();
        let (_, secret) = secrets.add(self.0.entropy(), now, identifier.as_str()).unwrap();
        let scopes = OfferedScopes::new(&identifier, names.iter().map(offered).collect()).unwrap();
        let server = ResourceServer {
            display_name: ResourceServerName::parse("Api").unwrap(),
            description: Description::parse("").unwrap(),
            team: TeamId::parse(RESOURCE_SERVER_TEAM).unwrap(),
            scopes,
            identifier,
            secrets,
            create_time: now,
            update_time: now,
        };
        let became = Became::New(&server);
        let event = EventDraft::of_resource_server(EventAction::ResourceServerCreated, became);
        let server = Versioned::new(server);
        self.make(&event, |change| change.put_resource_server(&server).map(|_| ())).await;
        secret
    }

    /// Changes a resource server in whatever way, and says so in the log.
    pub async fn change_resource_server(
        &self,
        identifier: &str,
        how: impl Fn(&mut ResourceServer) + Send + Sync,
    ) {
        let id = Identifier::parse(identifier).unwrap();
        let mut server = self.0.resource_server(&id).await.unwrap().unwrap();
        let before = server.value.clone();
        how(&mut server.value);
        let became = Became::Other(&before, &server.value);
        let event = EventDraft::of_resource_server(EventAction::ResourceServerUpdated, became);
        self.make(&event, |change| change.put_resource_server(&server).map(|_| ())).await;
    }

    /// One active grant for each resource server of `scopes`.
    fn grants(&self, client: &Client, scopes: &[&str], end: Option<Timestamp>) -> Vec<Grant> {
        let mut of: BTreeMap<Identifier, Vec<Scope>> = BTreeMap::new();
        for scope in scopes.iter().map(|scope| Scope::parse(scope).unwrap()) {
            of.entry(scope.identifier()).or_default().push(scope);
        }
        let now = self.0.now();
        let note = || Description::parse("").unwrap();
        let grant = |(resource_server, scopes): (Identifier, Vec<Scope>)| Grant {
            grant_id: GrantId::generate(self.0.entropy()),
            client_id: client.client_id.clone(),
            client_team: client.team.clone(),
            scopes: GrantScopes::new(&resource_server, scopes).unwrap(),
            resource_server,
            resource_server_team: TeamId::parse(RESOURCE_SERVER_TEAM).unwrap(),
            reason: Reason::parse("why").unwrap(),
            expire_time: end,
            state: GrantState::Active,
            requester: Principal::system(),
            request_time: now,
            decision: Some(Decision { decider: Principal::system(), time: now, note: note() }),
            end: None,
        };
        of.into_iter().map(grant).collect()
    }

    /// Makes a change, and comes back when a policy that follows the registry has heard of it.
    async fn make(
        &self,
        event: &EventDraft,
        what: impl Fn(&mut Change) -> Result<(), Error> + Send + Sync,
    ) {
        let what = &what;
        self.0
            .transact(|| async move {
                let mut change = self.change(event);
                what(&mut change)?;
                Ok::<_, Error>(Attempt::Change(Box::new(change), ()))
            })
            .await
            .unwrap();
    }

    fn change(&self, event: &EventDraft) -> Change {
        let origin = Origin { request_id: "test".to_owned(), method: String::new() };
        let mut change = Change::new(&admins_permit(), &origin);
        change.event(event.clone());
        change
    }
}

/// A platform admin.
pub fn admin() -> Actor {
    Actor::Staff(Staff {
        id: "ada".to_owned(),
        display_name: "Ada Admin".to_owned(),
        teams: Teams::Known(BTreeSet::new()),
        roles: BTreeSet::from([Role::PlatformAdmin]),
        session_expire_time: Timestamp::MAX,
    })
}

fn admins_permit() -> Permit {
    let team = TeamId::parse(CLIENT_TEAM).unwrap();
    decide(&admin(), Action::ManageClient, &Resource::Client { team: &team, related: &[] }).unwrap()
}
