//! A registry of its own for each test, and the calls that people and programs make.

use std::sync::Arc;

use tempfile::TempDir;
use turnpike_domain::actor::{Actor, ApiScope, Program, Role, Staff, Teams};
use turnpike_domain::authz::{Action, Resource, decide};
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::id::{ClientId, TeamId};
use turnpike_domain::resource_server::OfferedScopes;
use turnpike_domain::secret::Secrets;
use turnpike_domain::text::{ClientName, Description, ResourceServerName};
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{Client, Identifier, ResourceServer, Timestamp};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Change, Event, EventFilter, Origin, Registry, Versioned};
use turnpike_rpc::page_token::PageTokens;
use turnpike_rpc::{Op, methods};
use turnpike_store_sqlite::SqliteStore;
use turnpike_testkit::clock::{SeededEntropy, TestClock};

pub(super) struct Plane {
    pub(super) registry: Registry,
    pub(super) clock: Arc<TestClock>,
    tokens: PageTokens,
    _folder: TempDir,
}

macro_rules! calls {
    ($($name:ident: $row:ident, $request:ident, $response:ident;)*) => {
        impl Plane {$(
            pub(super) async fn $name(
                &self,
                who: &Actor,
                request: pb::$request,
            ) -> Result<pb::$response, Error> {
                crate::$name::handle(&self.registry, &self.op(who, &methods::$row), &request).await
            }
        )*}
    };
}

calls! {
    create: CREATE_TEAM, CreateTeamRequest, CreateTeamResponse;
    delete: DELETE_TEAM, DeleteTeamRequest, DeleteTeamResponse;
    get: GET_TEAM, GetTeamRequest, GetTeamResponse;
    update: UPDATE_TEAM, UpdateTeamRequest, UpdateTeamResponse;
}

impl Plane {
    pub(super) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("t.db")).unwrap());
        let clock = Arc::new(TestClock::default());
        let entropy = Arc::new(SeededEntropy::new(7));
        let registry = Registry::open(store, clock.clone(), entropy).await.unwrap();
        let tokens = PageTokens::new(&[7; 32]).unwrap();
        Self { registry, clock, tokens, _folder: folder }
    }

    fn op(&self, who: &Actor, row: &methods::Row) -> Op {
        Op::new(who.clone(), row, "request".to_owned(), self.registry.now())
    }

    pub(super) async fn list(
        &self,
        who: &Actor,
        request: pb::ListTeamsRequest,
    ) -> Result<pb::ListTeamsResponse, Error> {
        let op = self.op(who, &methods::LIST_TEAMS);
        crate::list::handle(&self.registry, &self.tokens, &op, request).await
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(std::time::Duration::from_secs(seconds));
    }

    pub(super) async fn list_sessions(
        &self,
        who: &Actor,
        request: pb::ListSessionsRequest,
    ) -> Result<pb::ListSessionsResponse, Error> {
        let op = self.op(who, &methods::LIST_SESSIONS);
        crate::session::list::handle(&self.registry, &self.tokens, &op, request).await
    }

    pub(super) async fn end_session(
        &self,
        who: &Actor,
        request: pb::EndSessionRequest,
    ) -> Result<pb::EndSessionResponse, Error> {
        let op = self.op(who, &methods::END_SESSION);
        crate::session::end::handle(&self.registry, &op, &request).await
    }

    /// A team of this key, called like it.
    pub(super) async fn team(&self, key: &str) -> pb::Team {
        self.create(&admin(), new_team(key)).await.unwrap().team.unwrap()
    }

    pub(super) async fn team_now(&self, key: &str) -> pb::Team {
        let request = pb::GetTeamRequest { team: key.to_owned() };
        self.get(&admin(), request).await.unwrap().team.unwrap()
    }

    pub(super) async fn names(&self, who: &Actor, request: pb::ListTeamsRequest) -> Vec<String> {
        let mut names = Vec::new();
        let mut request = request;
        loop {
            let page = self.list(who, request.clone()).await.unwrap();
            names.extend(page.teams.into_iter().map(|team| team.team));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return names;
            }
        }
    }

    pub(super) async fn client(&self, owner: &str) -> Versioned<Client> {
        let now = self.registry.now();
        let client = Client {
            client_id: ClientId::generate(self.registry.entropy()),
            display_name: ClientName::parse("A client").unwrap(),
            description: Description::parse("").unwrap(),
            team: team(owner),
            token_lifetime: TokenLifetime::DEFAULT,
            enabled: true,
            secrets: Secrets::default(),
            grants: Vec::new(),
            tokens_revoked: None,
            scope_cuts: Vec::new(),
            create_time: now,
            update_time: now,
        };
        let event = EventDraft::of_client(EventAction::ClientCreated, Became::New(&client));
        let client = Versioned::new(client);
        self.make(event, |change| change.put_client(&client).unwrap()).await;
        Versioned { version: 1, ..client }
    }

    pub(super) async fn delete_client(&self, client: &Versioned<Client>) {
        let event = EventDraft::of_client(EventAction::ClientDeleted, Became::Gone(&client.value));
        self.make(event, |change| change.delete_client(client)).await;
    }

    pub(super) async fn resource_server(&self, owner: &str, id: &str) {
        let now = self.registry.now();
        let identifier = Identifier::parse(id).unwrap();
        let server = ResourceServer {
            display_name: ResourceServerName::parse("An API").unwrap(),
            description: Description::parse("").unwrap(),
            team: team(owner),
            scopes: OfferedScopes::new(&identifier, Vec::new()).unwrap(),
            identifier,
            secrets: Secrets::default(),
            create_time: now,
            update_time: now,
        };
        let became = Became::New(&server);
        let event = EventDraft::of_resource_server(EventAction::ResourceServerCreated, became);
        let server = Versioned::new(server);
        self.make(event, |change| {
            change.put_resource_server(&server).unwrap();
        })
        .await;
    }

    async fn make(&self, event: EventDraft, what: impl FnOnce(&mut Change)) {
        let owner = team("any");
        let resource = Resource::Client { team: &owner, related: &[] };
        let permit = decide(&admin(), Action::ManageClient, &resource).unwrap();
        let origin = Origin { request_id: "setup".to_owned(), method: String::new() };
        let mut change = Change::new(&permit, &origin);
        what(&mut change);
        change.event(event);
        self.registry.commit(change).await.unwrap();
    }

    /// The events of calls, oldest first.
    pub(super) async fn events(&self) -> Vec<Event> {
        let page = self.registry.list_events(&EventFilter::default(), 500, None, |_| true).await;
        let mut events = page.unwrap().items;
        events.retain(|event| event.request_id == "request");
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
        roles: roles.iter().copied().collect(),
        session_expire_time: Timestamp::MAX,
    })
}

pub(super) fn program(scopes: &[ApiScope]) -> Actor {
    Actor::Program(Program {
        client_id: ClientId::parse("robot").unwrap(),
        display_name: "Robot".to_owned(),
        team: team("orders"),
        scopes: scopes.iter().copied().collect(),
    })
}

pub(super) fn admin() -> Actor {
    person("root", &[], &[Role::PlatformAdmin])
}

pub(super) fn auditor() -> Actor {
    person("ada", &[], &[Role::Auditor])
}

pub(super) fn member() -> Actor {
    person("otto", &["orders"], &[])
}

pub(super) fn new_team(key: &str) -> pb::CreateTeamRequest {
    let team = pb::Team {
        team: key.to_owned(),
        display_name: key.to_owned(),
        directory_groups: vec![format!("group of {key}")],
        app_roles: vec![format!("Team.{key}")],
        ..pb::Team::default()
    };
    pb::CreateTeamRequest { team: Some(team), ..pb::CreateTeamRequest::default() }
}

pub(super) fn update(team: &pb::Team, paths: &[&str]) -> pb::UpdateTeamRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    pb::UpdateTeamRequest {
        team: Some(team.clone()),
        update_mask: Some(prost_types::FieldMask { paths }),
        validate_only: false,
    }
}

pub(super) fn deletion(team: &pb::Team) -> pb::DeleteTeamRequest {
    pb::DeleteTeamRequest { team: team.team.clone(), etag: team.etag.clone(), validate_only: false }
}

/// The stable code of a refusal.
pub(super) fn code<T: std::fmt::Debug>(answer: Result<T, Error>) -> &'static str {
    answer.map_or_else(|error| error.code().as_str(), |answer| panic!("{answer:?}"))
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
