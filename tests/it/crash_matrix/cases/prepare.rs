//! What each changing RPC is tried on.

use serde_json::json;
use turnpike_proto::v1 as pb;
use turnpike_tests::Session;
use uuid::Uuid;

use super::{Case, SERVER, Shown, the_server};
use crate::crash_matrix::world::World;

fn request_id() -> String {
    Uuid::new_v4().to_string()
}

async fn a_server(world: &World, identifier: &str) -> pb::ResourceServer {
    let scope = |name: &str| pb::Scope { name: name.to_owned(), description: "A scope".to_owned() };
    let request = pb::CreateResourceServerRequest {
        resource_server: Some(pb::ResourceServer {
            identifier: identifier.to_owned(),
            display_name: "An API".to_owned(),
            team: "orders".to_owned(),
            scopes: vec![scope("place-order"), scope("list-orders")],
            ..Default::default()
        }),
        add_secret: true,
        ..Default::default()
    };
    let made = world.ada.resource_servers().create_resource_server(request).await.unwrap();
    made.into_inner().resource_server.unwrap()
}

async fn a_client(world: &World, name: &str) -> (pb::Client, String) {
    let client = pb::Client {
        display_name: name.to_owned(),
        team: "partners".to_owned(),
        ..Default::default()
    };
    let request = pb::CreateClientRequest { client: Some(client), ..Default::default() };
    let made = world.ada.clients().create_client(request).await.unwrap().into_inner();
    (made.client.unwrap(), made.secret.unwrap().value)
}

async fn a_team(world: &World, team: &str) -> pb::Team {
    let team =
        pb::Team { team: team.to_owned(), display_name: "A team".to_owned(), ..Default::default() };
    let request = pb::CreateTeamRequest { team: Some(team), ..Default::default() };
    world.ada.teams().create_team(request).await.unwrap().into_inner().team.unwrap()
}

/// The one API that all grants of a world are of.
async fn the_one_server(world: &World) {
    if the_server(world, SERVER).await.is_err() {
        a_server(world, SERVER).await;
    }
}

async fn wish(world: &World, client: &pb::Client) -> pb::RequestGrantRequest {
    the_one_server(world).await;
    pb::RequestGrantRequest {
        client_id: client.client_id.clone(),
        resource_server: SERVER.to_owned(),
        scopes: vec![format!("{SERVER}/place-order")],
        reason: "to order".to_owned(),
        request_id: request_id(),
        ..Default::default()
    }
}

async fn a_grant(world: &World, client: &pb::Client) -> pb::Grant {
    let request = wish(world, client).await;
    world.ada.grants().request_grant(request).await.unwrap().into_inner().grant.unwrap()
}

async fn an_active_grant(world: &World, client: &pb::Client) -> pb::Grant {
    let pb::Grant { grant_id, etag, .. } = a_grant(world, client).await;
    let approve = pb::ApproveGrantRequest { grant_id, etag, ..Default::default() };
    world.olga.grants().approve_grant(approve).await.unwrap().into_inner().grant.unwrap()
}

impl Case {
    /// What the `n`th call of an RPC needs.
    pub(in crate::crash_matrix) async fn prepare(world: &World, rpc: &str, n: usize) -> Self {
        let name = format!("Client {n}");
        let api = format!("api-{n}");
        match rpc.split_once('/').unwrap().1 {
            "AddClientSecret" => Self::AddClientSecret(pb::AddClientSecretRequest {
                client_id: a_client(world, &name).await.0.client_id,
                request_id: request_id(),
                ..Default::default()
            }),
            "AddResourceServerSecret" => {
                let identifier = a_server(world, &api).await.identifier;
                let request_id = request_id();
                Self::AddResourceServerSecret(pb::AddResourceServerSecretRequest {
                    identifier,
                    request_id,
                    ..Default::default()
                })
            }
            "Adopt" => {
                the_one_server(world).await;
                let made = json!({
                    "ClientName": name,
                    "GenerateSecret": true,
                    "AllowedOAuthFlows": ["client_credentials"],
                    "AllowedOAuthFlowsUserPoolClient": true,
                    "AllowedOAuthScopes": [format!("{SERVER}/place-order")],
                    "ExplicitAuthFlows": [],
                });
                let made = world.pool.ask("CreateUserPoolClient", made).await;
                let id = made["UserPoolClient"]["ClientId"].as_str().unwrap();
                Self::Adopt(pb::AdoptRequest {
                    subject: format!("clients/{id}"),
                    team: "partners".to_owned(),
                    ..Default::default()
                })
            }
            "ApproveGrant" => {
                let (client, _) = a_client(world, &name).await;
                let pb::Grant { grant_id, etag, .. } = a_grant(world, &client).await;
                let request = pb::ApproveGrantRequest { grant_id, etag, ..Default::default() };
                Self::ApproveGrant(request, client)
            }
            "CreateClient" => Self::CreateClient(pb::CreateClientRequest {
                client: Some(pb::Client {
                    display_name: name,
                    team: "partners".to_owned(),
                    ..Default::default()
                }),
                request_id: request_id(),
                ..Default::default()
            }),
            "CreateResourceServer" => Self::CreateResourceServer(pb::CreateResourceServerRequest {
                resource_server: Some(pb::ResourceServer {
                    identifier: api,
                    display_name: "An API".to_owned(),
                    team: "orders".to_owned(),
                    ..Default::default()
                }),
                add_secret: true,
                request_id: request_id(),
                ..Default::default()
            }),
            "CreateTeam" => Self::CreateTeam(pb::CreateTeamRequest {
                team: Some(pb::Team {
                    team: format!("team-{n}"),
                    display_name: "A team".to_owned(),
                    ..Default::default()
                }),
                request_id: request_id(),
                ..Default::default()
            }),
            "DeleteClient" => {
                let (client, _) = a_client(world, &name).await;
                an_active_grant(world, &client).await;
                let get = pb::GetClientRequest { client_id: client.client_id };
                let client = world.ada.clients().get_client(get).await.unwrap().into_inner();
                let pb::Client { client_id, etag, .. } = client.client.unwrap();
                let force = true;
                Self::DeleteClient(pb::DeleteClientRequest {
                    client_id,
                    etag,
                    force,
                    ..Default::default()
                })
            }
            "DeleteResourceServer" => {
                let pb::ResourceServer { identifier, etag, .. } = a_server(world, &api).await;
                Self::DeleteResourceServer(pb::DeleteResourceServerRequest {
                    identifier,
                    etag,
                    ..Default::default()
                })
            }
            "DeleteTeam" => {
                let pb::Team { team, etag, .. } = a_team(world, &format!("team-{n}")).await;
                Self::DeleteTeam(pb::DeleteTeamRequest { team, etag, ..Default::default() })
            }
            "DenyGrant" => {
                let (client, _) = a_client(world, &name).await;
                let pb::Grant { grant_id, etag, .. } = a_grant(world, &client).await;
                let note = "no".to_owned();
                Self::DenyGrant(pb::DenyGrantRequest { grant_id, etag, note, ..Default::default() })
            }
            "DisableClient" => {
                let (client, _) = a_client(world, &name).await;
                an_active_grant(world, &client).await;
                let client_id = client.client_id;
                Self::DisableClient(pb::DisableClientRequest { client_id, ..Default::default() })
            }
            "EnableClient" => {
                let (client, _) = a_client(world, &name).await;
                an_active_grant(world, &client).await;
                let client_id = client.client_id;
                let disable =
                    pb::DisableClientRequest { client_id: client_id.clone(), ..Default::default() };
                world.ada.clients().disable_client(disable).await.unwrap();
                Self::EnableClient(pb::EnableClientRequest { client_id, ..Default::default() })
            }
            "EndSession" => {
                let link = world.plane.more_links("pavel").await;
                let session = Session::open(&world.plane.http(), &link).await;
                let person_id = "pavel".to_owned();
                let list = pb::ListSessionsRequest { person_id, ..Default::default() };
                let listed = world.ada.sessions().list_sessions(list).await.unwrap().into_inner();
                let live = |s: &pb::Session| s.state() == pb::SessionState::Live;
                let session_id = listed.sessions.into_iter().find(live).unwrap().session_id;
                let request = pb::EndSessionRequest { session_id, ..Default::default() };
                Self::EndSession(request, session)
            }
            "RemoveClientSecret" => {
                let (client, secret) = a_client(world, &name).await;
                let client_id = client.client_id;
                let ended = Shown { client_id: client_id.clone(), secret };
                let secret_id = client.secrets[0].secret_id.clone();
                let add = pb::AddClientSecretRequest {
                    client_id: client_id.clone(),
                    ..Default::default()
                };
                world.ada.clients().add_client_secret(add).await.unwrap();
                let request =
                    pb::RemoveClientSecretRequest { client_id, secret_id, ..Default::default() };
                Self::RemoveClientSecret(request, ended)
            }
            "RemoveResourceServerSecret" => {
                let server = a_server(world, &api).await;
                Self::RemoveResourceServerSecret(pb::RemoveResourceServerSecretRequest {
                    identifier: server.identifier,
                    secret_id: server.secrets[0].secret_id.clone(),
                    ..Default::default()
                })
            }
            "RequestGrant" => {
                let (client, _) = a_client(world, &name).await;
                Self::RequestGrant(wish(world, &client).await)
            }
            "Revert" => {
                let (client, _) = a_client(world, &name).await;
                let id = json!({ "ClientId": client.client_id });
                let told = world.pool.ask("DescribeUserPoolClient", id).await;
                let told = told["UserPoolClient"]["ClientName"].as_str().unwrap().to_owned();
                let change = json!({ "ClientId": client.client_id, "ClientName": "Another" });
                world.pool.ask("UpdateUserPoolClient", change).await;
                let subject = format!("clients/{}", client.client_id);
                Self::Revert(pb::RevertRequest { subject, ..Default::default() }, told)
            }
            "RevokeClientTokens" => {
                let (client, _) = a_client(world, &name).await;
                Self::RevokeClientTokens(pb::RevokeClientTokensRequest {
                    client_id: client.client_id,
                    ..Default::default()
                })
            }
            "RevokeGrant" => {
                let (client, _) = a_client(world, &name).await;
                let pb::Grant { grant_id, etag, .. } = an_active_grant(world, &client).await;
                let reason = "over".to_owned();
                let request =
                    pb::RevokeGrantRequest { grant_id, etag, reason, ..Default::default() };
                Self::RevokeGrant(request, client)
            }
            "RevokeToken" => {
                let (client, secret) = a_client(world, &name).await;
                an_active_grant(world, &client).await;
                let token = world.plane.http().token(&client.client_id, &secret, "").await;
                let (token, reason) = (token.access_token(), "leaked".to_owned());
                let request = pb::RevokeTokenRequest { token, reason, ..Default::default() };
                Self::RevokeToken(request, client.client_id)
            }
            "UpdateClient" => {
                let (client, _) = a_client(world, &name).await;
                let mut token_lifetime = client.token_lifetime;
                token_lifetime.as_mut().unwrap().seconds = 900;
                let client = pb::Client {
                    client_id: client.client_id,
                    etag: client.etag,
                    display_name: format!("{name} renamed"),
                    // Of this the pool has to be told.
                    token_lifetime,
                    ..Default::default()
                };
                let client = Some(client);
                Self::UpdateClient(pb::UpdateClientRequest { client, ..Default::default() })
            }
            "UpdateResourceServer" => {
                let server = a_server(world, &api).await;
                let server = pb::ResourceServer {
                    identifier: server.identifier,
                    etag: server.etag,
                    scopes: server.scopes[..1].to_vec(),
                    ..Default::default()
                };
                Self::UpdateResourceServer(pb::UpdateResourceServerRequest {
                    resource_server: Some(server),
                    ..Default::default()
                })
            }
            "UpdateTeam" => {
                let team = a_team(world, &format!("team-{n}")).await;
                let contact = "team@example.com".to_owned();
                let team = Some(pb::Team { contact, ..team });
                Self::UpdateTeam(pb::UpdateTeamRequest { team, ..Default::default() })
            }
            other => panic!("{other} has no case"),
        }
    }
}
