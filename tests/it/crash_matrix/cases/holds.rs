//! How one sees that a call was done.

use serde_json::json;
use tonic::{Code, Status};
use turnpike_proto::v1 as pb;

use super::{Case, SERVER, the_client, the_grant, the_server, the_team};
use crate::crash_matrix::world::World;
use crate::support::soon_everywhere;

impl Case {
    /// It was done, and done once.
    pub(in crate::crash_matrix) async fn holds(&self, world: &World, place: &str) {
        match self {
            Self::AddClientSecret(r) => {
                let client = the_client(world, &r.client_id).await.unwrap();
                assert_eq!(client.secrets.len(), 2, "{place}");
            }
            Self::AddResourceServerSecret(r) => {
                let server = the_server(world, &r.identifier).await.unwrap();
                assert_eq!(server.secrets.len(), 2, "{place}");
            }
            Self::Adopt(r) => {
                let id = r.subject.strip_prefix("clients/").unwrap();
                assert_eq!(the_client(world, id).await.unwrap().team, "partners", "{place}");
            }
            Self::ApproveGrant(r, client) => {
                let grant = the_grant(world, &r.grant_id).await;
                assert_eq!(grant.state(), pb::GrantState::Active, "{place}");
                let client = the_client(world, &client.client_id).await.unwrap();
                assert_eq!(client.scopes, [format!("{SERVER}/place-order")], "{place}");
            }
            Self::CreateClient(r) => {
                let name = &r.client.as_ref().unwrap().display_name;
                let list = pb::ListClientsRequest { text: name.clone(), ..Default::default() };
                let look = async || {
                    let listed = world.ada.clients().list_clients(list.clone()).await.unwrap();
                    let mut listed = listed.into_inner().clients;
                    listed.retain(|client| client.display_name == *name);
                    listed
                };
                let listed = soon_everywhere(look, |listed| listed.len() == 1).await;
                assert_eq!(listed.len(), 1, "{place}");
                assert_eq!(listed[0].secrets.len(), 1, "{place}");
            }
            Self::CreateResourceServer(r) => {
                let identifier = &r.resource_server.as_ref().unwrap().identifier;
                let server = the_server(world, identifier).await.unwrap();
                assert_eq!(server.secrets.len(), 1, "{place}");
            }
            Self::CreateTeam(r) => {
                let team = r.team.as_ref().unwrap();
                the_team(world, &team.team).await.unwrap();
            }
            Self::DeleteClient(r) => is_gone(the_client(world, &r.client_id).await, place),
            Self::DeleteResourceServer(r) => is_gone(the_server(world, &r.identifier).await, place),
            Self::DeleteTeam(r) => is_gone(the_team(world, &r.team).await, place),
            Self::DenyGrant(r) => {
                let grant = the_grant(world, &r.grant_id).await;
                assert_eq!(grant.state(), pb::GrantState::Denied, "{place}");
            }
            Self::DisableClient(r) => {
                let client = the_client(world, &r.client_id).await.unwrap();
                assert_eq!(client.state(), pb::ClientState::Disabled, "{place}");
            }
            Self::EnableClient(r) => {
                let client = the_client(world, &r.client_id).await.unwrap();
                assert_eq!(client.state(), pb::ClientState::Enabled, "{place}");
            }
            Self::EndSession(_, session) => {
                let pavel = turnpike_tests::Caller::with_session(world.plane.url(), session).await;
                let look = async || {
                    let who = pavel.sessions().get_session(pb::GetSessionRequest {}).await;
                    who.map(drop).map_err(|status| status.code())
                };
                let seen = soon_everywhere(look, Result::is_err).await;
                assert_eq!(seen, Err(Code::Unauthenticated), "{place}");
            }
            Self::RemoveClientSecret(r, _) => {
                let client = the_client(world, &r.client_id).await.unwrap();
                let left: Vec<_> = client.secrets.iter().map(|s| &s.secret_id).collect();
                assert!(left.len() == 1 && *left[0] != r.secret_id, "{place}: {left:?}");
            }
            Self::RemoveResourceServerSecret(r) => {
                let server = the_server(world, &r.identifier).await.unwrap();
                assert_eq!(server.secrets.len(), 0, "{place}");
            }
            Self::RequestGrant(r) => {
                let client_id = r.client_id.clone();
                let list = pb::ListGrantsRequest { client_id, ..Default::default() };
                let look = async || {
                    let listed = world.ada.grants().list_grants(list.clone()).await.unwrap();
                    listed.into_inner().grants
                };
                let listed = soon_everywhere(look, |listed| listed.len() == 1).await;
                assert_eq!(listed.len(), 1, "{place}");
                assert_eq!(listed[0].state(), pb::GrantState::Pending, "{place}");
            }
            Self::Revert(r, told) => {
                let id = r.subject.strip_prefix("clients/").unwrap();
                let id = json!({ "ClientId": id });
                let client = world.pool.ask("DescribeUserPoolClient", id).await;
                assert_eq!(client["UserPoolClient"]["ClientName"], *told, "{place}");
            }
            Self::RevokeClientTokens(r) => {
                let client = the_client(world, &r.client_id).await.unwrap();
                assert!(client.tokens_revoked_time.is_some(), "{place}");
            }
            Self::RevokeGrant(r, client) => {
                let grant = the_grant(world, &r.grant_id).await;
                assert_eq!(grant.state(), pb::GrantState::Revoked, "{place}");
                let client = the_client(world, &client.client_id).await.unwrap();
                assert!(client.scopes.is_empty(), "{place}");
            }
            Self::RevokeToken(_, client_id) => {
                let list = pb::ListEventsRequest {
                    client_id: client_id.clone(),
                    action: "token.revoked".to_owned(),
                    ..Default::default()
                };
                let look = async || {
                    let listed = world.ada.audit().list_events(list.clone()).await.unwrap();
                    listed.into_inner().events.len()
                };
                assert_eq!(soon_everywhere(look, |events| *events == 1).await, 1, "{place}");
            }
            Self::UpdateClient(r) => {
                let wanted = r.client.as_ref().unwrap();
                let client = the_client(world, &wanted.client_id).await.unwrap();
                assert_eq!(client.display_name, wanted.display_name, "{place}");
                assert_eq!(client.token_lifetime, wanted.token_lifetime, "{place}");
            }
            Self::UpdateResourceServer(r) => {
                let wanted = r.resource_server.as_ref().unwrap();
                let server = the_server(world, &wanted.identifier).await.unwrap();
                assert_eq!(server.scopes, wanted.scopes, "{place}");
            }
            Self::UpdateTeam(r) => {
                let wanted = r.team.as_ref().unwrap();
                let team = the_team(world, &wanted.team).await.unwrap();
                assert_eq!(team.contact, wanted.contact, "{place}");
            }
        }
    }
}

fn is_gone<T: std::fmt::Debug>(found: Result<T, Status>, place: &str) {
    assert_eq!(found.unwrap_err().code(), Code::NotFound, "{place}");
}
