//! One client.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Error;
use turnpike_proto::v1 as pb;
use turnpike_registry::Registry;
use turnpike_rpc::Op;
use turnpike_rpc::convert::clients::{parse_get, to_client};

use crate::access;

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::GetClientRequest,
) -> Result<pb::GetClientResponse, Error> {
    let client_id = parse_get(message)?;
    op.authorize_new(Action::ReadClient, &Resource::Whole)?;
    let (client, _) = access::client(registry, op, Action::ReadClient, &client_id).await?;
    let uses = registry.client_secret_uses(&client_id).await?;
    Ok(pb::GetClientResponse { client: Some(to_client(&client, &uses, registry.now())) })
}
