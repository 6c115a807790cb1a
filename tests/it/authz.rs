//! Every RPC, called by every kind of caller: who may is written down here, apart from the code that decides.
//! The list of RPCs comes from the descriptor set: one without cases fails.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use prost_reflect::DescriptorPool;
use tonic::Code;
use turnpike_proto::v1 as pb;
use turnpike_tests::{Caller, Plane};

use crate::support::{ask_for, basic, client, grant, orders_api, program};

/// Kinds of callers, in the order of the columns below.
const KINDS: [&str; 10] = [
    "nobody",        // no credential
    "stranger",      // a team that has to do with nothing
    "client team",   // owns the client
    "api team",      // owns the resource server
    "auditor",       //
    "admin",         //
    "bare program",  // a token of the client team with `registry.read` only
    "full program",  // a token of the client team with every scope of `turnpike`
    "api secret",    // the resource server's own secret
    "client secret", // the client's own secret
];

/// One row an RPC: what each kind gets. `+` the call is admitted; `U` UNAUTHENTICATED, `D`
/// PERMISSION_DENIED, `N` NOT_FOUND: hidden.
const EXPECTED: &[(&str, &str)] = &[
    ("AuditService/ExportEvents", "UDDD++DDUU"),
    ("AuditService/GetEvent", "UN++++D+UU"),
    ("AuditService/ListEvents", "U+++++D+UU"),
    ("AuditService/VerifyLog", "UDDD++DDUU"),
    ("ClientService/AddClientSecret", "UN+DD+D+UU"),
    ("ClientService/CreateClient", "UD+DD+D+UU"),
    ("ClientService/DeleteClient", "UN+DD+D+UU"),
    ("ClientService/DisableClient", "UN+DD+D+UU"),
    ("ClientService/EnableClient", "UN+DD+D+UU"),
    ("ClientService/GetClient", "UN++++++UU"),
    ("ClientService/ListClients", "U+++++++UU"),
    ("ClientService/RemoveClientSecret", "UN+DD+D+UU"),
    ("ClientService/RevokeClientTokens", "UN+DD+D+UU"),
    ("ClientService/UpdateClient", "UN+DD+D+UU"),
    ("GrantService/ApproveGrant", "UND+D+DDUU"),
    ("GrantService/DenyGrant", "UND+D+DDUU"),
    ("GrantService/GetGrant", "UN++++++UU"),
    ("GrantService/ListGrants", "U+++++++UU"),
    ("GrantService/RequestGrant", "U?+DD+D+UU"),
    ("GrantService/RevokeGrant", "UN++D+D+UU"),
    ("IntrospectionService/Introspect", "UDDDDDUU++"),
    ("IntrospectionService/ListVerifiers", "U+++++++UU"),
    ("IntrospectionService/RevokeToken", "UN+ND+D+UU"),
    ("IntrospectionService/WatchPolicy", "UDDDDDUU+D"),
    ("ReconcileService/Adopt", "UDDDD+DDUU"),
    ("ReconcileService/ListDrift", "UDDD++DDUU"),
    ("ReconcileService/ListPending", "UDDD++DDUU"),
    ("ReconcileService/Revert", "UDDDD+DDUU"),
    ("ReconcileService/StartWalk", "UDDDD+DDUU"),
    ("ResourceServerService/AddResourceServerSecret", "UDD+D+DDUU"),
    ("ResourceServerService/CreateResourceServer", "UDD+D+DDUU"),
    ("ResourceServerService/DeleteResourceServer", "UDD+D+DDUU"),
    ("ResourceServerService/GetResourceServer", "U+++++++UU"),
    ("ResourceServerService/ListResourceServers", "U+++++++UU"),
    ("ResourceServerService/RemoveResourceServerSecret", "UDD+D+DDUU"),
    ("ResourceServerService/UpdateResourceServer", "UDD+D+DDUU"),
    ("SessionService/EndSession", "UN+ND+NNUU"),
    ("SessionService/GetSession", "U+++++++UU"),
    ("SessionService/ListSessions", "U+++++++UU"),
    ("TeamService/CreateTeam", "UDDDD+DDUU"),
    ("TeamService/DeleteTeam", "UDDDD+DDUU"),
    ("TeamService/GetTeam", "U+++++++UU"),
    ("TeamService/ListTeams", "U+++++++UU"),
    ("TeamService/UpdateTeam", "UDDDD+DDUU"),
];

/// A company in which each RPC has something to act on.
pub struct World {
    pub plane: Plane,
    pub callers: BTreeMap<&'static str, Caller>,
    pub api: pb::ResourceServer,
    pub shop: pb::Client,
    pub shop_secret: String,
    pub api_secret: String,
    pub active: pb::Grant,
    pub pending: pb::Grant,
    pub token: String,
    /// Sequence of an event that concerns both teams.
    pub shared_event: i64,
    /// A session of the person of the client's team.
    pub session: pb::Session,
    /// A team that owns nothing.
    pub spare_team: pb::Team,
}

/// Those of the default configuration, and one that has to do with nothing.
pub const TEAMS: &str = r#"
teams = [
    { team = "orders", display_name = "Orders" },
    { team = "partners", display_name = "Partners" },
    { team = "platform", display_name = "Platform" },
    { team = "security", display_name = "Security" },
    { team = "strangers", display_name = "Strangers" },
]
"#;

const PERSONAS: &str = r#"
personas = [
    { id = "olga", display_name = "Olga Orders", teams = ["orders"] },
    { id = "pavel", display_name = "Pavel Partners", teams = ["partners"] },
    { id = "ada", display_name = "Ada Admin", teams = ["platform"], roles = ["platform-admin"] },
    { id = "aino", display_name = "Aino Auditor", teams = ["security"], roles = ["auditor"] },
    { id = "stan", display_name = "Stan Stranger", teams = ["strangers"] },
]
"#;

pub async fn world() -> World {
    world_with("").await
}

/// The same, with more at the end of its configuration.
pub async fn world_with(more: &str) -> World {
    let plane = Plane::start_with(&format!("{TEAMS}{PERSONAS}{more}")).await;
    let mut people = BTreeMap::new();
    for person in ["ada", "aino", "olga", "pavel", "stan"] {
        people.insert(person, plane.caller(person).await);
    }
    world_of(plane, people).await
}

/// The same on a plane where these people have signed in.
pub async fn world_of(plane: Plane, mut people: BTreeMap<&str, Caller>) -> World {
    let mut person = |name: &str| people.remove(name).unwrap();
    let (ada, olga, pavel) = (person("ada"), person("olga"), person("pavel"));
    let (aino, stan) = (person("aino"), person("stan"));
    let (api, api_secret) = orders_api(&olga).await;
    let (shop, shop_secret) = client(&pavel, "Partner shop").await;
    let active = grant(&pavel, &olga, &shop, &["place-order"]).await;
    let pending = ask_for(&api.identifier, &pavel, &shop, &["list-orders"]).await;
    let team = pb::Team {
        team: "spare".to_owned(),
        display_name: "Spare".to_owned(),
        ..pb::Team::default()
    };
    let request = pb::CreateTeamRequest { team: Some(team), ..Default::default() };
    let spare_team = ada.teams().create_team(request).await.unwrap().into_inner().team.unwrap();
    let listed = pavel.sessions().list_sessions(pb::ListSessionsRequest::default()).await;
    let session = listed.unwrap().into_inner().sessions.remove(0);
    let token = plane.http().token(&shop.client_id, &shop_secret, "").await.access_token();

    let bare = program(&plane, &pavel, &ada, &["registry.read"]).await;
    let all = ["audit.read", "grants.decide", "registry.read", "registry.write"];
    let full = program(&plane, &pavel, &ada, &all).await;
    let callers = BTreeMap::from([
        ("nobody", plane.nobody().await),
        ("stranger", stan),
        ("auditor", aino),
        ("bare program", plane.authorized(&format!("Bearer {bare}")).await),
        ("full program", plane.authorized(&format!("Bearer {full}")).await),
        ("api secret", plane.authorized(&basic(&api.identifier, &api_secret)).await),
        ("client secret", plane.authorized(&basic(&shop.client_id, &shop_secret)).await),
        ("client team", pavel),
        ("api team", olga),
        ("admin", ada),
    ]);
    // What was read before may be behind by now.
    let owner = &callers["api team"];
    let get = pb::GetResourceServerRequest { identifier: api.identifier.clone() };
    let api = owner.resource_servers().get_resource_server(get).await.unwrap().into_inner();
    let get = pb::GetClientRequest { client_id: shop.client_id.clone() };
    let shop = owner.clients().get_client(get).await.unwrap().into_inner();
    let list = pb::ListEventsRequest { action: "grant.approved".to_owned(), ..Default::default() };
    let events = callers["auditor"].audit().list_events(list).await.unwrap().into_inner().events;
    let concerns_the_api =
        events.iter().find(|event| event.resource_server == "lj-health-food").unwrap();
    World {
        shared_event: concerns_the_api.sequence,
        session,
        spare_team,
        api: api.resource_server.unwrap(),
        shop: shop.client.unwrap(),
        plane,
        shop_secret,
        api_secret,
        active,
        pending,
        token,
        callers,
    }
}

impl World {
    /// A request of an RPC that is right for those who may make it; changing ones only ask.
    pub fn request(&self, rpc: &str, validate_only: bool) -> Vec<u8> {
        let identifier = self.api.identifier.clone();
        let client_id = self.shop.client_id.clone();
        let secret_of = |secrets: &[pb::Secret]| secrets[0].secret_id.clone();
        match rpc {
            "AuditService/ExportEvents" => pb::ExportEventsRequest::default().encode_to_vec(),
            "AuditService/GetEvent" => {
                pb::GetEventRequest { sequence: self.shared_event }.encode_to_vec()
            }
            "AuditService/ListEvents" => pb::ListEventsRequest::default().encode_to_vec(),
            "AuditService/VerifyLog" => pb::VerifyLogRequest::default().encode_to_vec(),
            "ClientService/AddClientSecret" => {
                pb::AddClientSecretRequest { client_id, validate_only, ..Default::default() }
                    .encode_to_vec()
            }
            "ClientService/CreateClient" => pb::CreateClientRequest {
                client: Some(pb::Client {
                    display_name: "Another".to_owned(),
                    team: "partners".to_owned(),
                    ..Default::default()
                }),
                validate_only,
                ..Default::default()
            }
            .encode_to_vec(),
            "ClientService/DeleteClient" => pb::DeleteClientRequest {
                client_id,
                etag: self.shop.etag.clone(),
                force: true,
                validate_only,
            }
            .encode_to_vec(),
            "ClientService/DisableClient" => {
                pb::DisableClientRequest { client_id, validate_only }.encode_to_vec()
            }
            "ClientService/EnableClient" => {
                pb::EnableClientRequest { client_id, validate_only }.encode_to_vec()
            }
            "ClientService/GetClient" => pb::GetClientRequest { client_id }.encode_to_vec(),
            "ClientService/ListClients" => pb::ListClientsRequest::default().encode_to_vec(),
            "ClientService/RemoveClientSecret" => pb::RemoveClientSecretRequest {
                client_id,
                secret_id: secret_of(&self.shop.secrets),
                validate_only,
                ..Default::default()
            }
            .encode_to_vec(),
            "ClientService/RevokeClientTokens" => {
                pb::RevokeClientTokensRequest { client_id, validate_only }.encode_to_vec()
            }
            "ClientService/UpdateClient" => pb::UpdateClientRequest {
                client: Some(pb::Client {
                    client_id,
                    etag: self.shop.etag.clone(),
                    description: "It orders.".to_owned(),
                    ..Default::default()
                }),
                validate_only,
                ..Default::default()
            }
            .encode_to_vec(),
            "GrantService/ApproveGrant" => pb::ApproveGrantRequest {
                grant_id: self.pending.grant_id.clone(),
                etag: self.pending.etag.clone(),
                validate_only,
                ..Default::default()
            }
            .encode_to_vec(),
            "GrantService/DenyGrant" => pb::DenyGrantRequest {
                grant_id: self.pending.grant_id.clone(),
                etag: self.pending.etag.clone(),
                note: "no".to_owned(),
                validate_only,
            }
            .encode_to_vec(),
            "GrantService/GetGrant" => {
                pb::GetGrantRequest { grant_id: self.active.grant_id.clone() }.encode_to_vec()
            }
            "GrantService/ListGrants" => pb::ListGrantsRequest::default().encode_to_vec(),
            "GrantService/RequestGrant" => pb::RequestGrantRequest {
                client_id,
                scopes: vec![format!("{identifier}/place-order")],
                resource_server: identifier,
                reason: "again".to_owned(),
                validate_only,
                ..Default::default()
            }
            .encode_to_vec(),
            "GrantService/RevokeGrant" => pb::RevokeGrantRequest {
                grant_id: self.active.grant_id.clone(),
                etag: self.active.etag.clone(),
                reason: "over".to_owned(),
                validate_only,
            }
            .encode_to_vec(),
            "IntrospectionService/Introspect" => {
                pb::IntrospectRequest { token: self.token.clone() }.encode_to_vec()
            }
            "IntrospectionService/ListVerifiers" => {
                pb::ListVerifiersRequest { identifier, ..Default::default() }.encode_to_vec()
            }
            // A stream of one message: whoever sends no more is told everything once.
            "IntrospectionService/WatchPolicy" => pb::WatchPolicyRequest {
                message: Some(pb::watch_policy_request::Message::Hello(Default::default())),
            }
            .encode_to_vec(),
            "IntrospectionService/RevokeToken" => pb::RevokeTokenRequest {
                token: self.token.clone(),
                reason: "leaked".to_owned(),
                validate_only,
            }
            .encode_to_vec(),
            "ReconcileService/Adopt" => pb::AdoptRequest {
                subject: format!("clients/{client_id}"),
                team: String::new(),
                validate_only,
            }
            .encode_to_vec(),
            "ReconcileService/ListDrift" => pb::ListDriftRequest::default().encode_to_vec(),
            "ReconcileService/ListPending" => pb::ListPendingRequest::default().encode_to_vec(),
            "ReconcileService/Revert" => {
                pb::RevertRequest { subject: format!("clients/{client_id}"), validate_only }
                    .encode_to_vec()
            }
            "ReconcileService/StartWalk" => Vec::new(),
            "ResourceServerService/AddResourceServerSecret" => pb::AddResourceServerSecretRequest {
                identifier,
                validate_only,
                ..Default::default()
            }
            .encode_to_vec(),
            "ResourceServerService/CreateResourceServer" => pb::CreateResourceServerRequest {
                resource_server: Some(pb::ResourceServer {
                    identifier: "another-api".to_owned(),
                    display_name: "Another API".to_owned(),
                    team: "orders".to_owned(),
                    ..Default::default()
                }),
                validate_only,
                ..Default::default()
            }
            .encode_to_vec(),
            "ResourceServerService/DeleteResourceServer" => pb::DeleteResourceServerRequest {
                identifier,
                etag: self.api.etag.clone(),
                force: true,
                validate_only,
            }
            .encode_to_vec(),
            "ResourceServerService/GetResourceServer" => {
                pb::GetResourceServerRequest { identifier }.encode_to_vec()
            }
            "ResourceServerService/ListResourceServers" => {
                pb::ListResourceServersRequest::default().encode_to_vec()
            }
            "ResourceServerService/RemoveResourceServerSecret" => {
                pb::RemoveResourceServerSecretRequest {
                    identifier,
                    secret_id: secret_of(&self.api.secrets),
                    validate_only,
                }
                .encode_to_vec()
            }
            "ResourceServerService/UpdateResourceServer" => pb::UpdateResourceServerRequest {
                resource_server: Some(pb::ResourceServer {
                    identifier,
                    etag: self.api.etag.clone(),
                    description: "It takes orders.".to_owned(),
                    ..Default::default()
                }),
                validate_only,
                ..Default::default()
            }
            .encode_to_vec(),
            "SessionService/EndSession" => {
                let session_id = self.session.session_id.clone();
                pb::EndSessionRequest { session_id, validate_only }.encode_to_vec()
            }
            "SessionService/ListSessions" => pb::ListSessionsRequest::default().encode_to_vec(),
            "TeamService/CreateTeam" => pb::CreateTeamRequest {
                team: Some(pb::Team {
                    team: "another".to_owned(),
                    display_name: "Another".to_owned(),
                    ..Default::default()
                }),
                validate_only,
                ..Default::default()
            }
            .encode_to_vec(),
            "TeamService/DeleteTeam" => pb::DeleteTeamRequest {
                team: self.spare_team.team.clone(),
                etag: self.spare_team.etag.clone(),
                validate_only,
            }
            .encode_to_vec(),
            "TeamService/GetTeam" => {
                pb::GetTeamRequest { team: self.spare_team.team.clone() }.encode_to_vec()
            }
            "TeamService/ListTeams" => pb::ListTeamsRequest::default().encode_to_vec(),
            "TeamService/UpdateTeam" => pb::UpdateTeamRequest {
                team: Some(pb::Team { contact: "#spare".to_owned(), ..self.spare_team.clone() }),
                validate_only,
                ..Default::default()
            }
            .encode_to_vec(),
            "SessionService/GetSession" => Vec::new(),
            other => panic!("{other} has no request: write one, and its row in EXPECTED"),
        }
    }
}

/// All RPCs of the descriptor set, as `Service/Method`.
pub fn rpcs() -> Vec<String> {
    let pool = DescriptorPool::decode(turnpike_proto::FILE_DESCRIPTOR_SET).unwrap();
    let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    methods.map(|m| format!("{}/{}", m.parent_service().name(), m.name())).collect()
}

fn letter(outcome: &Result<Vec<u8>, tonic::Status>) -> char {
    match outcome.as_ref().err().map(tonic::Status::code) {
        None => '+',
        Some(Code::Unauthenticated) => 'U',
        Some(Code::PermissionDenied) => 'D',
        Some(Code::NotFound) => 'N',
        Some(_) => '?',
    }
}

#[tokio::test]
async fn each_kind_of_caller_gets_what_is_written_here() {
    let expected = EXPECTED.iter().map(|(rpc, _)| (*rpc).to_owned());
    let named: BTreeSet<String> = expected.collect();
    assert_eq!(named, rpcs().into_iter().collect(), "every RPC has a row, and every row an RPC");
    probe(&world().await).await;
}

/// Calls every RPC as each kind of caller, and holds what each gets against the rows.
pub async fn probe(world: &World) {
    let expected: BTreeMap<&str, &str> = EXPECTED.iter().copied().collect();
    let (mut wrong, mut told) = (Vec::new(), Vec::new());
    for rpc in rpcs() {
        let mut row = String::new();
        for kind in KINDS {
            let request = world.request(&rpc, true);
            let outcome = world.callers[kind].call(&format!("/turnpike.v1.{rpc}"), request).await;
            let letter = letter(&outcome);
            row.push(letter);
            if let ('?', Err(status)) = (letter, &outcome) {
                told.push(format!("{rpc} by {kind}: {status}"));
            }
        }
        if row != expected[rpc.as_str()] {
            wrong.push(format!("{rpc}: expected {} and got {row}", expected[rpc.as_str()]));
        }
    }
    let wrong = wrong.join("\n");
    assert!(wrong.is_empty(), "in the order {KINDS:?}:\n{wrong}\n{}", told.join("\n"));
}
