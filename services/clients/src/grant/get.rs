//! One grant.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Error;
use turnpike_proto::v1 as pb;
use turnpike_registry::Registry;
use turnpike_rpc::Op;
use turnpike_rpc::convert::grants::{parse_get, to_grant};

use crate::access;

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::GetGrantRequest,
) -> Result<pb::GetGrantResponse, Error> {
    let grant_id = parse_get(message)?;
    op.authorize_new(Action::ReadGrant, &Resource::Whole)?;
    let (grant, _) = access::grant(registry, op, Action::ReadGrant, &grant_id).await?;
    let client = registry.client(&grant.value.client_id).await?.map(|client| client.value);
    let grant = Some(to_grant(&grant, client.as_ref(), registry.now()));
    Ok(pb::GetGrantResponse { grant })
}
