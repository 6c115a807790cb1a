//! What several subjects need: objects in the state that a test begins with.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};
use turnpike_proto::v1 as pb;
#[cfg(feature = "aws")]
use turnpike_tests::Http;
use turnpike_tests::{Caller, Plane};

/// What [`within`] sees of what may lag in every set-up: what an index says, or a gateway that has read a moment ago.
#[cfg(feature = "aws")]
pub async fn soon_everywhere<T>(look: impl AsyncFn() -> T, fits: impl Fn(&T) -> bool) -> T {
    within(Duration::from_secs(3), look, fits).await
}

/// What `look` sees once it is what it should be, within a time: `Plane::lag`, as a rule. What it is not by then is given
/// back all the same, for the test to fail with.
pub async fn within<T>(time: Duration, look: impl AsyncFn() -> T, fits: impl Fn(&T) -> bool) -> T {
    let end = Instant::now() + time;
    loop {
        let seen = look().await;
        if fits(&seen) || Instant::now() >= end {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until what was changed is known to all processes.
pub async fn known_to_all(plane: &Plane) {
    tokio::time::sleep(plane.lag()).await;
}

/// The identifier of the orders API of the story.
const ORDERS: &str = "lj-health-food";

/// The orders API of the story, registered by its owner; answers with its introspection secret.
pub async fn orders_api(owner: &Caller) -> (pb::ResourceServer, String) {
    orders_api_as(owner, ORDERS).await
}

/// The same with another identifier.
pub async fn orders_api_as(owner: &Caller, identifier: &str) -> (pb::ResourceServer, String) {
    let scope = |name: &str, description: &str| pb::Scope {
        name: name.to_owned(),
        description: description.to_owned(),
    };
    let request = pb::CreateResourceServerRequest {
        resource_server: Some(pb::ResourceServer {
            identifier: identifier.to_owned(),
            display_name: "LJ Health Food".to_owned(),
            description: "Takes orders.".to_owned(),
            team: "orders".to_owned(),
            scopes: vec![
                scope("place-order", "Place an order"),
                scope("list-orders", "List the orders placed so far"),
            ],
            ..pb::ResourceServer::default()
        }),
        add_secret: true,
        ..pb::CreateResourceServerRequest::default()
    };
    let answer = owner.resource_servers().create_resource_server(request).await.unwrap();
    let answer = answer.into_inner();
    (answer.resource_server.unwrap(), answer.secret.unwrap().value)
}

/// A client of the partners team without scopes; answers with its secret.
pub async fn client(member: &Caller, display_name: &str) -> (pb::Client, String) {
    let request = pb::CreateClientRequest {
        client: Some(pb::Client {
            display_name: display_name.to_owned(),
            team: "partners".to_owned(),
            ..pb::Client::default()
        }),
        ..pb::CreateClientRequest::default()
    };
    let answer = member.clients().create_client(request).await.unwrap().into_inner();
    (answer.client.unwrap(), answer.secret.unwrap().value)
}

/// A token of a client, its id and secret, that is not the one before.
#[cfg(feature = "aws")]
pub async fn another_token(http: &Http, (id, secret): &(String, String), old: &str) -> String {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = http.token(id, secret, "").await;
        if answer.status == 200 && answer.access_token() != old {
            return answer.access_token();
        }
        assert!(Instant::now() < until, "no new token: {}", answer.status);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A grant of scopes of the orders API, asked for by one and approved by the other.
pub async fn grant(
    member: &Caller,
    owner: &Caller,
    client: &pb::Client,
    names: &[&str],
) -> pb::Grant {
    grant_of(ORDERS, member, owner, client, names).await
}

/// The same of what has another identifier.
pub async fn grant_of(
    identifier: &str,
    member: &Caller,
    owner: &Caller,
    client: &pb::Client,
    names: &[&str],
) -> pb::Grant {
    let asked = ask_for(identifier, member, client, names).await;
    let request = pb::ApproveGrantRequest {
        grant_id: asked.grant_id,
        etag: asked.etag,
        ..pb::ApproveGrantRequest::default()
    };
    let approved = owner.grants().approve_grant(request).await.unwrap().into_inner();
    approved.grant.unwrap()
}

/// A grant of these scopes, asked for and not decided.
pub async fn ask_for(
    identifier: &str,
    member: &Caller,
    client: &pb::Client,
    names: &[&str],
) -> pb::Grant {
    let request = pb::RequestGrantRequest {
        client_id: client.client_id.clone(),
        resource_server: identifier.to_owned(),
        scopes: names.iter().map(|name| format!("{identifier}/{name}")).collect(),
        reason: "the shop places orders".to_owned(),
        ..pb::RequestGrantRequest::default()
    };
    let asked = member.grants().request_grant(request).await.unwrap().into_inner();
    let asked = asked.grant.unwrap();
    assert_eq!(asked.state(), pb::GrantState::Pending);
    asked
}

/// `authorization` for a secret whose owner's name needs no encoding.
pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// The `ErrorInfo.reason` and all details of a refusal.
pub fn reason(status: &Status) -> (String, ErrorDetails) {
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    (reason, details)
}

/// A program of the partners team with a token that carries these scopes of `turnpike`: the token.
pub async fn program(plane: &Plane, member: &Caller, admin: &Caller, names: &[&str]) -> String {
    let (program, secret) = client(member, "A program").await;
    let request = pb::RequestGrantRequest {
        client_id: program.client_id.clone(),
        resource_server: "turnpike".to_owned(),
        scopes: names.iter().map(|name| format!("turnpike/{name}")).collect(),
        reason: "it works by itself".to_owned(),
        ..pb::RequestGrantRequest::default()
    };
    let asked = member.grants().request_grant(request).await.unwrap().into_inner().grant.unwrap();
    let approve = pb::ApproveGrantRequest {
        grant_id: asked.grant_id,
        etag: asked.etag,
        ..pb::ApproveGrantRequest::default()
    };
    admin.grants().approve_grant(approve).await.unwrap();
    plane.http().token(&program.client_id, &secret, "").await.access_token()
}

/// Every client there is, by key.
pub async fn all_clients(caller: &Caller) -> BTreeMap<String, pb::Client> {
    let mut all = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListClientsRequest { page_size: 200, page_token, ..Default::default() };
        let answer = caller.clients().list_clients(request).await.unwrap().into_inner();
        all.extend(answer.clients.into_iter().map(|client| (client.client_id.clone(), client)));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}
