//! A registry of its own for each test, and the calls that people and programs make.

use std::sync::Arc;

use tempfile::TempDir;
use turnpike_domain::actor::{Actor, ApiScope, Program, Role, Staff, Teams};
use turnpike_domain::authz::{Action, Permit, Resource, decide};
use turnpike_domain::error::{Blocker, Error};
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::grant::{Decision, GrantScopes, GrantState};
use turnpike_domain::id::{ClientId, GrantId, TeamId};
use turnpike_domain::secret::Secrets;
use turnpike_domain::text::{ClientName, Description, Reason};
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{Client, Grant, Identifier, Problem, Scope, Timestamp};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Event, EventFilter, Origin, Registry, Versioned};
use turnpike_rpc::page_token::PageTokens;
use turnpike_rpc::{Op, methods};
use turnpike_store_sqlite::SqliteStore;
use turnpike_testkit::clock::{SeededEntropy, TestClock};

pub(super) const REQUEST_ID: &str = "11111111-2222-4333-8444-555555555555";

pub(super) struct Plane {
    pub(super) registry: Registry,
    pub(super) clock: Arc<TestClock>,
    pub(super) tokens: PageTokens,
    _folder: TempDir,
}

/// Makes a method of a plane for each RPC: who calls, and what they send.
macro_rules! calls {
    ($($name:ident: $row:ident, $module:ident, $request:ident, $response:ident;)*) => {
        impl Plane {$(
            pub(super) async fn $name(
                &self,
                who: &Actor,
                request: pb::$request,
            ) -> Result<pb::$response, Error> {
                crate::$module::handle(&self.registry, &self.op(who, &methods::$row), &request).await
            }
        )*}
    };
}

calls! {
    add_secret: ADD_RESOURCE_SERVER_SECRET, add_secret, AddResourceServerSecretRequest, AddResourceServerSecretResponse;
    create: CREATE_RESOURCE_SERVER, create, CreateResourceServerRequest, CreateResourceServerResponse;
    delete: DELETE_RESOURCE_SERVER, delete, DeleteResourceServerRequest, DeleteResourceServerResponse;
    get: GET_RESOURCE_SERVER, get, GetResourceServerRequest, GetResourceServerResponse;
    remove_secret: REMOVE_RESOURCE_SERVER_SECRET, remove_secret, RemoveResourceServerSecretRequest, RemoveResourceServerSecretResponse;
    update: UPDATE_RESOURCE_SERVER, update, UpdateResourceServerRequest, UpdateResourceServerResponse;
}

impl Plane {
    pub(super) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("t.db")).unwrap());
        let clock = Arc::new(TestClock::default());
        let entropy = Arc::new(SeededEntropy::new(7));
        let registry = Registry::open(store, clock.clone(), entropy).await.unwrap();
        let teams =
            ["orders", "partners", "others", "strangers", "billing", "buyers", "platform", "tools"];
        turnpike_testkit::teams::provide(&registry, &teams).await;
        let tokens = PageTokens::new(&[7; 32]).unwrap();
        Self { registry, clock, tokens, _folder: folder }
    }

    pub(super) fn op(&self, who: &Actor, row: &methods::Row) -> Op {
        Op::new(who.clone(), row, "request".to_owned(), self.registry.now())
    }

    pub(super) async fn list(
        &self,
        who: &Actor,
        request: pb::ListResourceServersRequest,
    ) -> Result<pb::ListResourceServersResponse, Error> {
        let op = self.op(who, &methods::LIST_RESOURCE_SERVERS);
        crate::list::handle(&self.registry, &self.tokens, &op, request).await
    }

    /// An API of the team orders with these scopes.
    pub(super) async fn orders(&self, scopes: &[&str]) -> pb::ResourceServer {
        let created = self.create(&owner(), new_server("orders", "orders", scopes)).await;
        created.unwrap().resource_server.unwrap()
    }

    pub(super) async fn server(&self, id: &str) -> pb::ResourceServer {
        let request = pb::GetResourceServerRequest { identifier: id.to_owned() };
        self.get(&admin(), request).await.unwrap().resource_server.unwrap()
    }

    /// A client of the team partners.
    pub(super) async fn client(&self, name: &str) -> ClientId {
        let now = self.registry.now();
        let client = Client {
            client_id: ClientId::generate(self.registry.entropy()),
            display_name: ClientName::parse(name).unwrap(),
            description: Description::parse("").unwrap(),
            team: team("partners"),
            token_lifetime: TokenLifetime::DEFAULT,
            enabled: true,
            secrets: Secrets::default(),
            grants: Vec::new(),
            tokens_revoked: None,
            scope_cuts: Vec::new(),
            create_time: now,
            update_time: now,
        };
        let mut change = setup();
        change.put_client(&Versioned::new(client.clone())).unwrap();
        change.event(EventDraft::of_client(EventAction::ClientCreated, Became::New(&client)));
        self.registry.commit(change).await.unwrap();
        client.client_id
    }

    /// A grant of these scopes to a client; or that one of them is not offered.
    pub(super) async fn try_grant(
        &self,
        client_id: &ClientId,
        scopes: &[&str],
        state: GrantState,
    ) -> Result<GrantId, Error> {
        let scopes: Vec<Scope> = scopes.iter().map(|s| Scope::parse(s).unwrap()).collect();
        let attempt = async || {
            let mut client = self.registry.client(client_id).await?.unwrap();
            let server = self.registry.resource_server(&scopes[0].identifier()).await?;
            let gone = || Error::invalid("scopes", Problem::NotFound);
            let server = server.ok_or_else(gone)?;
            if !scopes.iter().all(|scope| server.value.offers(scope)) {
                return Err(gone());
            }
            let now = self.registry.now();
            let mut grant = Grant {
                grant_id: GrantId::generate(self.registry.entropy()),
                client_id: client_id.clone(),
                client_team: client.value.team.clone(),
                resource_server: server.value.identifier.clone(),
                resource_server_team: server.value.team.clone(),
                scopes: GrantScopes::new(&server.value.identifier, scopes.clone()).unwrap(),
                reason: Reason::parse("to sell").unwrap(),
                expire_time: None,
                state: GrantState::Pending,
                requester: admin().principal(),
                request_time: now,
                decision: None,
                end: None,
            };
            if state == GrantState::Active {
                let note = Description::parse("").unwrap();
                let decider = owner().principal();
                grant.approve(Decision { decider, time: now, note }).unwrap();
            }
            client.value.take_grant(&grant, now)?;
            let mut change = setup();
            change.check_resource_server(&server);
            change.put_client(&client)?;
            change.put_grant(&Versioned::new(grant.clone()))?;
            let became = Became::New(&grant);
            change.event(EventDraft::of_grant(EventAction::GrantRequested, became, ""));
            Ok(Attempt::Change(Box::new(change), grant.grant_id))
        };
        self.registry.transact(attempt).await
    }

    pub(super) async fn grant(
        &self,
        client_id: &ClientId,
        scopes: &[&str],
        state: GrantState,
    ) -> GrantId {
        self.try_grant(client_id, scopes, state).await.unwrap()
    }

    pub(super) async fn grant_now(&self, id: &GrantId) -> Grant {
        self.registry.grant(id).await.unwrap().unwrap().value
    }

    pub(super) async fn client_now(&self, id: &ClientId) -> Client {
        self.registry.client(id).await.unwrap().unwrap().value
    }

    /// The events in the log, oldest first, without those of the setting.
    pub(super) async fn events(&self) -> Vec<Event> {
        let filter = EventFilter::default();
        let mut events = Vec::new();
        let mut place = None;
        loop {
            let page = self.registry.list_events(&filter, 500, place, |_| true).await.unwrap();
            events.extend(page.items);
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        let settings = ["setup", turnpike_testkit::teams::REQUEST_ID];
        events.retain(|event| !settings.contains(&event.request_id.as_str()));
        events.reverse();
        events
    }

    pub(super) async fn actions(&self) -> Vec<String> {
        self.events().await.into_iter().map(|event| event.action).collect()
    }
}

pub(super) fn team(name: &str) -> TeamId {
    TeamId::parse(name).unwrap()
}

pub(super) fn identifier(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

pub(super) fn person(id: &str, teams: &[&str], roles: &[Role]) -> Actor {
    Actor::Staff(Staff {
        id: id.to_owned(),
        display_name: id.to_uppercase(),
        teams: Teams::Known(teams.iter().map(|name| team(name)).collect()),
        roles: roles.iter().copied().collect(),
        session_expire_time: Timestamp::MAX,
    })
}

pub(super) fn program(owner: &str, scopes: &[ApiScope]) -> Actor {
    Actor::Program(Program {
        client_id: ClientId::parse("robot").unwrap(),
        display_name: "Robot".to_owned(),
        team: team(owner),
        scopes: scopes.iter().copied().collect(),
    })
}

/// Of the team that owns the API `orders`.
pub(super) fn owner() -> Actor {
    person("otto", &["orders"], &[])
}

/// Of another team.
pub(super) fn stranger() -> Actor {
    person("sam", &["strangers"], &[])
}

pub(super) fn admin() -> Actor {
    person("root", &[], &[Role::PlatformAdmin])
}

pub(super) fn auditor() -> Actor {
    person("ada", &[], &[Role::Auditor])
}

pub(super) fn scope(name: &str) -> pb::Scope {
    pb::Scope { name: name.to_owned(), description: "What it lets a client do".to_owned() }
}

pub(super) fn new_server(
    id: &str,
    owner: &str,
    scopes: &[&str],
) -> pb::CreateResourceServerRequest {
    pb::CreateResourceServerRequest {
        resource_server: Some(pb::ResourceServer {
            identifier: id.to_owned(),
            display_name: "An API".to_owned(),
            team: owner.to_owned(),
            scopes: scopes.iter().map(|name| scope(name)).collect(),
            ..pb::ResourceServer::default()
        }),
        ..pb::CreateResourceServerRequest::default()
    }
}

pub(super) fn update(
    server: &pb::ResourceServer,
    paths: &[&str],
) -> pb::UpdateResourceServerRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    pb::UpdateResourceServerRequest {
        resource_server: Some(server.clone()),
        update_mask: Some(prost_types::FieldMask { paths }),
        ..pb::UpdateResourceServerRequest::default()
    }
}

/// An update that leaves these scopes.
pub(super) fn only(
    server: &pb::ResourceServer,
    scopes: &[&str],
    force: bool,
) -> pb::UpdateResourceServerRequest {
    let scopes = scopes.iter().map(|name| scope(name)).collect();
    let server = pb::ResourceServer { scopes, ..server.clone() };
    pb::UpdateResourceServerRequest { force, ..update(&server, &["scopes"]) }
}

pub(super) fn deletion(
    server: &pb::ResourceServer,
    force: bool,
) -> pb::DeleteResourceServerRequest {
    pb::DeleteResourceServerRequest {
        identifier: server.identifier.clone(),
        etag: server.etag.clone(),
        force,
        validate_only: false,
    }
}

/// Field and reason of each violation.
pub(super) fn violations<T: std::fmt::Debug>(answer: Result<T, Error>) -> Vec<(String, String)> {
    match answer {
        Err(Error::Invalid(violations)) => violations
            .list()
            .iter()
            .map(|v| (v.field.clone(), v.problem.reason().to_owned()))
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// What is in the way.
pub(super) fn blockers<T: std::fmt::Debug>(answer: Result<T, Error>) -> Vec<Blocker> {
    match answer {
        Err(Error::Precondition(blockers)) => blockers,
        other => panic!("{other:?}"),
    }
}

/// The stable code of a refusal.
pub(super) fn code<T: std::fmt::Debug>(answer: Result<T, Error>) -> &'static str {
    answer.map_or_else(|error| error.code().as_str(), |answer| panic!("{answer:?}"))
}

pub(super) fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(field, reason)| ((*field).to_owned(), (*reason).to_owned())).collect()
}

/// What an impact says happens.
pub(super) fn kinds(impact: Option<pb::Impact>) -> Vec<pb::EffectKind> {
    impact.unwrap().effects.iter().map(pb::Effect::kind).collect()
}

/// An empty change that prepares a test.
pub(super) fn setup() -> Change {
    let origin = Origin { request_id: "setup".to_owned(), method: String::new() };
    Change::new(&permit(), &origin)
}

fn permit() -> Permit {
    let resource = Resource::Client { team: &team("any"), related: &[] };
    decide(&admin(), Action::ManageClient, &resource).unwrap()
}
