//! A registry of its own for each test, and the calls that people and programs make.

use std::collections::BTreeSet;
use std::sync::Arc;

use tempfile::TempDir;
use turnpike_domain::actor::{Actor, ApiScope, Program, Role, Staff, Teams};
use turnpike_domain::authorization_server::pool::Pool;
use turnpike_domain::authz::{Action, Resource, decide};
use turnpike_domain::error::{Blocker, Error};
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::id::{ClientId, TeamId};
use turnpike_domain::resource_server::{OfferedScope, OfferedScopes};
use turnpike_domain::secret::Secrets;
use turnpike_domain::text::{Description, ResourceServerName, ScopeDescription};
use turnpike_domain::{Identifier, ResourceServer, ScopeName, Timestamp};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Change, Event, EventFilter, Origin, Registry, Versioned};
use turnpike_rpc::page_token::PageTokens;
use turnpike_rpc::{Op, methods};
use turnpike_store_sqlite::SqliteStore;
use turnpike_testkit::clock::{SeededEntropy, TestClock};

use crate::{client, grant, reconcile};

pub(super) const REQUEST_ID: &str = "11111111-2222-4333-8444-555555555555";

pub(super) struct Plane {
    pub(super) registry: Registry,
    pub(super) clock: Arc<TestClock>,
    pub(super) tokens: PageTokens,
    _folder: TempDir,
}

/// Makes a method of a plane for each RPC: who calls, and what they send.
macro_rules! calls {
    ($($name:ident: $row:ident, $handle:path, $request:ident, $response:ident;)*) => {
        impl Plane {$(
            pub(super) async fn $name(
                &self,
                who: &Actor,
                request: pb::$request,
            ) -> Result<pb::$response, Error> {
                $handle(&self.registry, &self.op(who, &methods::$row), &request).await
            }
        )*}
    };
}

calls! {
    adopt: ADOPT, reconcile::adopt::handle, AdoptRequest, AdoptResponse;
    revert: REVERT, reconcile::revert::handle, RevertRequest, RevertResponse;
    add_secret: ADD_CLIENT_SECRET, client::add_secret::handle, AddClientSecretRequest, AddClientSecretResponse;
    approve: APPROVE_GRANT, grant::decide::approve, ApproveGrantRequest, ApproveGrantResponse;
    create: CREATE_CLIENT, client::create::handle, CreateClientRequest, CreateClientResponse;
    delete: DELETE_CLIENT, client::delete::handle, DeleteClientRequest, DeleteClientResponse;
    deny: DENY_GRANT, grant::decide::deny, DenyGrantRequest, DenyGrantResponse;
    disable: DISABLE_CLIENT, client::switch::disable, DisableClientRequest, DisableClientResponse;
    enable: ENABLE_CLIENT, client::switch::enable, EnableClientRequest, EnableClientResponse;
    get: GET_CLIENT, client::get::handle, GetClientRequest, GetClientResponse;
    get_grant: GET_GRANT, grant::get::handle, GetGrantRequest, GetGrantResponse;
    remove_secret: REMOVE_CLIENT_SECRET, client::remove_secret::handle, RemoveClientSecretRequest, RemoveClientSecretResponse;
    request: REQUEST_GRANT, grant::request::handle, RequestGrantRequest, RequestGrantResponse;
    revoke: REVOKE_GRANT, grant::revoke::handle, RevokeGrantRequest, RevokeGrantResponse;
    revoke_tokens: REVOKE_CLIENT_TOKENS, client::revoke_tokens::handle, RevokeClientTokensRequest, RevokeClientTokensResponse;
    update: UPDATE_CLIENT, client::update::handle, UpdateClientRequest, UpdateClientResponse;
}

impl Plane {
    /// Two APIs: `orders` of the team orders, `shop` of the team partners.
    pub(super) async fn new() -> Self {
        Self::over(None).await
    }

    /// The same, with an authorization server that has a pool.
    pub(super) async fn over(pool: Option<Arc<dyn Pool>>) -> Self {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("t.db")).unwrap());
        let clock = Arc::new(TestClock::default());
        let entropy = Arc::new(SeededEntropy::new(7));
        let mut registry = Registry::open(store, clock.clone(), entropy).await.unwrap();
        if pool.is_some() {
            registry = registry.mirrored(pool);
        }
        let teams =
            ["orders", "partners", "others", "strangers", "billing", "buyers", "platform", "tools"];
        turnpike_testkit::teams::provide(&registry, &teams).await;
        let tokens = PageTokens::new(&[7; 32]).unwrap();
        let plane = Self { registry, clock, tokens, _folder: folder };
        plane.server("orders", "orders", &["read", "write"]).await;
        plane.server("shop", "partners", &["read", "write"]).await;
        plane
    }

    pub(super) fn op(&self, who: &Actor, row: &methods::Row) -> Op {
        Op::new(who.clone(), row, "request".to_owned(), self.registry.now())
    }

    pub(super) async fn server(&self, id: &str, owner: &str, scopes: &[&str]) {
        let now = self.registry.now();
        let value = server(id, owner, scopes, now);
        let resource = Resource::ResourceServer { team: &value.team, built_in: false };
        let permit = decide(&admin(), Action::ManageResourceServer, &resource).unwrap();
        let origin = Origin { request_id: "setup".to_owned(), method: String::new() };
        let mut change = Change::new(&permit, &origin);
        change.put_resource_server(&Versioned::new(value.clone())).unwrap();
        let action = EventAction::ResourceServerCreated;
        change.event(EventDraft::of_resource_server(action, Became::New(&value)));
        self.registry.commit(change).await.unwrap();
    }

    pub(super) async fn list(
        &self,
        who: &Actor,
        request: pb::ListClientsRequest,
    ) -> Result<pb::ListClientsResponse, Error> {
        let op = self.op(who, &methods::LIST_CLIENTS);
        client::list::handle(&self.registry, &self.tokens, &op, request).await
    }

    pub(super) async fn drift(&self, who: &Actor) -> Result<pb::ListDriftResponse, Error> {
        let op = self.op(who, &methods::LIST_DRIFT);
        let request = pb::ListDriftRequest::default();
        reconcile::list::drift(&self.registry, &self.tokens, &op, request).await
    }

    pub(super) async fn pending(&self, who: &Actor) -> Result<pb::ListPendingResponse, Error> {
        let op = self.op(who, &methods::LIST_PENDING);
        let request = pb::ListPendingRequest::default();
        reconcile::list::pending(&self.registry, &self.tokens, &op, request).await
    }

    pub(super) async fn start_walk(&self, who: &Actor) -> Result<pb::StartWalkResponse, Error> {
        let op = self.op(who, &methods::START_WALK);
        reconcile::list::start_walk(&self.registry, &op).await
    }

    pub(super) async fn list_grants(
        &self,
        who: &Actor,
        request: pb::ListGrantsRequest,
    ) -> Result<pb::ListGrantsResponse, Error> {
        let op = self.op(who, &methods::LIST_GRANTS);
        grant::list::handle(&self.registry, &self.tokens, &op, request).await
    }

    /// A client of the team partners that wants these scopes.
    pub(super) async fn shop(&self, scopes: &[&str]) -> pb::CreateClientResponse {
        self.create(&partner(), new_client("Shop", "partners", scopes)).await.unwrap()
    }

    /// The client's id, and that of its one grant, which waits.
    pub(super) async fn waiting(&self, scopes: &[&str]) -> (String, pb::Grant) {
        let created = self.shop(scopes).await;
        let [grant] = &created.grants[..] else { panic!("{:?}", created.grants) };
        (created.client.unwrap().client_id, grant.clone())
    }

    /// The client's id, and that of its one grant, which is active.
    pub(super) async fn active(&self, scopes: &[&str]) -> (String, pb::Grant) {
        let (client_id, grant) = self.waiting(scopes).await;
        (client_id, self.approved(&grant).await)
    }

    pub(super) async fn approved(&self, grant: &pb::Grant) -> pb::Grant {
        self.approve(&owner(), approval(grant)).await.unwrap().grant.unwrap()
    }

    pub(super) async fn client(&self, id: &str) -> pb::Client {
        let request = pb::GetClientRequest { client_id: id.to_owned() };
        self.get(&admin(), request).await.unwrap().client.unwrap()
    }

    pub(super) async fn grant(&self, id: &str) -> pb::Grant {
        let request = pb::GetGrantRequest { grant_id: id.to_owned() };
        self.get_grant(&admin(), request).await.unwrap().grant.unwrap()
    }

    /// The client as its record is.
    pub(super) async fn kept(&self, id: &str) -> turnpike_domain::Client {
        let id = ClientId::parse(id).unwrap();
        self.registry.client(&id).await.unwrap().unwrap().value
    }

    /// The actions in the log, oldest first, without those of the setting.
    pub(super) async fn actions(&self) -> Vec<String> {
        self.events().await.into_iter().map(|event| event.action).collect()
    }

    /// The events in the log, oldest first, without those of the setting.
    pub(super) async fn events(&self) -> Vec<Event> {
        let filter = EventFilter::default();
        let page = self.registry.list_events(&filter, 500, None, |_| true).await.unwrap();
        assert!(page.next.is_none());
        let mut events = page.items;
        let settings = ["setup", turnpike_testkit::teams::REQUEST_ID];
        events.retain(|event| !settings.contains(&event.request_id.as_str()));
        events.reverse();
        events
    }
}

pub(super) fn team(name: &str) -> TeamId {
    TeamId::parse(name).unwrap()
}

pub(super) fn person(id: &str, teams: &[&str], roles: &[Role]) -> Actor {
    Actor::Staff(Staff {
        id: id.to_owned(),
        display_name: id.to_uppercase(),
        teams: Teams::Known(teams.iter().map(|name| team(name)).collect()),
        roles: roles.iter().copied().collect::<BTreeSet<_>>(),
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

/// Of the team that owns the clients.
pub(super) fn partner() -> Actor {
    person("paula", &["partners"], &[])
}

/// Of the team that owns the API `orders`.
pub(super) fn owner() -> Actor {
    person("otto", &["orders"], &[])
}

/// Of a team that has to do with neither.
pub(super) fn stranger() -> Actor {
    person("sam", &["strangers"], &[])
}

pub(super) fn admin() -> Actor {
    person("root", &[], &[Role::PlatformAdmin])
}

pub(super) fn auditor() -> Actor {
    person("ada", &[], &[Role::Auditor])
}

pub(super) fn new_client(name: &str, owner: &str, scopes: &[&str]) -> pb::CreateClientRequest {
    pb::CreateClientRequest {
        client: Some(pb::Client {
            display_name: name.to_owned(),
            team: owner.to_owned(),
            ..pb::Client::default()
        }),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        reason: if scopes.is_empty() { String::new() } else { "to sell".to_owned() },
        ..pb::CreateClientRequest::default()
    }
}

pub(super) fn ask(client_id: &str, server: &str, scopes: &[&str]) -> pb::RequestGrantRequest {
    pb::RequestGrantRequest {
        client_id: client_id.to_owned(),
        resource_server: server.to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        reason: "to sell".to_owned(),
        ..pb::RequestGrantRequest::default()
    }
}

pub(super) fn approval(grant: &pb::Grant) -> pb::ApproveGrantRequest {
    pb::ApproveGrantRequest {
        grant_id: grant.grant_id.clone(),
        etag: grant.etag.clone(),
        ..pb::ApproveGrantRequest::default()
    }
}

pub(super) fn denial(grant: &pb::Grant) -> pb::DenyGrantRequest {
    pb::DenyGrantRequest {
        grant_id: grant.grant_id.clone(),
        etag: grant.etag.clone(),
        note: "too much".to_owned(),
        validate_only: false,
    }
}

pub(super) fn revocation(grant: &pb::Grant) -> pb::RevokeGrantRequest {
    pb::RevokeGrantRequest {
        grant_id: grant.grant_id.clone(),
        etag: grant.etag.clone(),
        reason: "no longer used".to_owned(),
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

/// Kind of each thing that is in the way.
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

/// What an impact says happens, and how many things there are.
pub(super) fn kinds(impact: Option<pb::Impact>) -> Vec<pb::EffectKind> {
    let impact = impact.unwrap();
    let shown = usize::try_from(impact.total_effects).unwrap().min(100);
    assert_eq!(impact.effects.len(), shown);
    impact.effects.iter().map(pb::Effect::kind).collect()
}

fn server(id: &str, owner: &str, scopes: &[&str], now: Timestamp) -> ResourceServer {
    let identifier = Identifier::parse(id).unwrap();
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
