//! The calls that are tried: what each needs, how it is made, and how one sees that it was done.

mod holds;
mod prepare;

use std::time::Duration;

use tonic::{Code, Request, Status};
use turnpike_proto::v1 as pb;
use turnpike_tests::Session;

use super::world::World;

const SERVER: &str = "lj-health-food";

/// A secret of a client that somebody was shown.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) client_id: String,
    pub(super) secret: String,
}

impl Shown {
    /// What an answer says, if it has the value.
    fn of(client: Option<pb::Client>, secret: Option<pb::NewSecret>) -> Option<Self> {
        let (client_id, secret) = (client?.client_id, secret?.value);
        (!secret.is_empty()).then_some(Self { client_id, secret })
    }
}

/// One call, and everything it needs: the same call again is its repeat.
pub(super) enum Case {
    AddClientSecret(pb::AddClientSecretRequest),
    AddResourceServerSecret(pb::AddResourceServerSecretRequest),
    Adopt(pb::AdoptRequest),
    ApproveGrant(pb::ApproveGrantRequest, pb::Client),
    CreateClient(pb::CreateClientRequest),
    CreateResourceServer(pb::CreateResourceServerRequest),
    CreateTeam(pb::CreateTeamRequest),
    DeleteClient(pb::DeleteClientRequest),
    DeleteResourceServer(pb::DeleteResourceServerRequest),
    DeleteTeam(pb::DeleteTeamRequest),
    DenyGrant(pb::DenyGrantRequest),
    DisableClient(pb::DisableClientRequest),
    EnableClient(pb::EnableClientRequest),
    EndSession(pb::EndSessionRequest, Session),
    RemoveClientSecret(pb::RemoveClientSecretRequest, Shown),
    RemoveResourceServerSecret(pb::RemoveResourceServerSecretRequest),
    RequestGrant(pb::RequestGrantRequest),
    Revert(pb::RevertRequest, String),
    RevokeClientTokens(pb::RevokeClientTokensRequest),
    RevokeGrant(pb::RevokeGrantRequest, pb::Client),
    RevokeToken(pb::RevokeTokenRequest, String),
    UpdateClient(pb::UpdateClientRequest),
    UpdateResourceServer(pb::UpdateResourceServerRequest),
    UpdateTeam(pb::UpdateTeamRequest),
}

/// With which codes a repeat says that it was done: where there is no `request_id`, and doing it twice is not the same.
pub(super) fn says_done(rpc: &str) -> &'static [Code] {
    match rpc {
        "GrantService/ApproveGrant" | "GrantService/DenyGrant" | "GrantService/RevokeGrant" => {
            &[Code::Aborted, Code::FailedPrecondition]
        }
        "ClientService/UpdateClient"
        | "ResourceServerService/UpdateResourceServer"
        | "TeamService/UpdateTeam" => &[Code::Aborted],
        "ClientService/DeleteClient"
        | "ClientService/RemoveClientSecret"
        | "ResourceServerService/DeleteResourceServer"
        | "ResourceServerService/RemoveResourceServerSecret"
        | "SessionService/EndSession"
        | "TeamService/DeleteTeam" => &[Code::NotFound],
        "ReconcileService/Adopt" => &[Code::InvalidArgument],
        _ => &[],
    }
}

impl Case {
    /// Makes the call, and waits no longer than `patience`; answers with the secret that it shows.
    pub(super) async fn call(
        &self,
        world: &World,
        patience: Option<Duration>,
    ) -> Result<Option<Shown>, Status> {
        let World { ada, olga, .. } = world;
        let by = Deadline(patience);
        match self {
            Self::AddClientSecret(r) => {
                let added = ada.clients().add_client_secret(by.of(r)).await?.into_inner();
                return Ok(Shown::of(added.client, added.secret));
            }
            Self::AddResourceServerSecret(r) => {
                ada.resource_servers().add_resource_server_secret(by.of(r)).await.map(drop)
            }
            Self::Adopt(r) => ada.reconcile().adopt(by.of(r)).await.map(drop),
            Self::ApproveGrant(r, _) => olga.grants().approve_grant(by.of(r)).await.map(drop),
            Self::CreateClient(r) => {
                let made = ada.clients().create_client(by.of(r)).await?.into_inner();
                return Ok(Shown::of(made.client, made.secret));
            }
            Self::CreateResourceServer(r) => {
                ada.resource_servers().create_resource_server(by.of(r)).await.map(drop)
            }
            Self::CreateTeam(r) => ada.teams().create_team(by.of(r)).await.map(drop),
            Self::DeleteClient(r) => ada.clients().delete_client(by.of(r)).await.map(drop),
            Self::DeleteResourceServer(r) => {
                ada.resource_servers().delete_resource_server(by.of(r)).await.map(drop)
            }
            Self::DeleteTeam(r) => ada.teams().delete_team(by.of(r)).await.map(drop),
            Self::DenyGrant(r) => olga.grants().deny_grant(by.of(r)).await.map(drop),
            Self::DisableClient(r) => ada.clients().disable_client(by.of(r)).await.map(drop),
            Self::EnableClient(r) => ada.clients().enable_client(by.of(r)).await.map(drop),
            Self::EndSession(r, _) => ada.sessions().end_session(by.of(r)).await.map(drop),
            Self::RemoveClientSecret(r, _) => {
                ada.clients().remove_client_secret(by.of(r)).await.map(drop)
            }
            Self::RemoveResourceServerSecret(r) => {
                ada.resource_servers().remove_resource_server_secret(by.of(r)).await.map(drop)
            }
            Self::RequestGrant(r) => ada.grants().request_grant(by.of(r)).await.map(drop),
            Self::Revert(r, _) => ada.reconcile().revert(by.of(r)).await.map(drop),
            Self::RevokeClientTokens(r) => {
                ada.clients().revoke_client_tokens(by.of(r)).await.map(drop)
            }
            Self::RevokeGrant(r, _) => ada.grants().revoke_grant(by.of(r)).await.map(drop),
            Self::RevokeToken(r, _) => ada.introspection().revoke_token(by.of(r)).await.map(drop),
            Self::UpdateClient(r) => ada.clients().update_client(by.of(r)).await.map(drop),
            Self::UpdateResourceServer(r) => {
                ada.resource_servers().update_resource_server(by.of(r)).await.map(drop)
            }
            Self::UpdateTeam(r) => ada.teams().update_team(by.of(r)).await.map(drop),
        }
        .map(|()| None)
    }

    /// A secret that is no good any more once it was done.
    pub(super) fn ends(&self) -> Option<&Shown> {
        match self {
            Self::RemoveClientSecret(_, ended) => Some(ended),
            _ => None,
        }
    }
}

/// How long a caller waits, if there is an end to it.
struct Deadline(Option<Duration>);

impl Deadline {
    fn of<T: Clone>(&self, message: &T) -> Request<T> {
        let mut request = Request::new(message.clone());
        if let Self(Some(patience)) = self {
            request.set_timeout(*patience);
        }
        request
    }
}

pub(super) async fn the_client(world: &World, id: &str) -> Result<pb::Client, Status> {
    let get = pb::GetClientRequest { client_id: id.to_owned() };
    Ok(world.ada.clients().get_client(get).await?.into_inner().client.unwrap())
}

pub(super) async fn the_server(world: &World, id: &str) -> Result<pb::ResourceServer, Status> {
    let get = pb::GetResourceServerRequest { identifier: id.to_owned() };
    let found = world.ada.resource_servers().get_resource_server(get).await?;
    Ok(found.into_inner().resource_server.unwrap())
}

pub(super) async fn the_team(world: &World, id: &str) -> Result<pb::Team, Status> {
    let get = pb::GetTeamRequest { team: id.to_owned() };
    Ok(world.ada.teams().get_team(get).await?.into_inner().team.unwrap())
}

pub(super) async fn the_grant(world: &World, id: &str) -> pb::Grant {
    let get = pb::GetGrantRequest { grant_id: id.to_owned() };
    world.ada.grants().get_grant(get).await.unwrap().into_inner().grant.unwrap()
}
