//! One resource server.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Error;
use turnpike_proto::v1 as pb;
use turnpike_registry::Registry;
use turnpike_rpc::Op;
use turnpike_rpc::convert::resource_servers::{parse_get, to_resource_server};

use crate::{resource, subject};

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::GetResourceServerRequest,
) -> Result<pb::GetResourceServerResponse, Error> {
    let identifier = parse_get(message)?;
    op.authorize_new(Action::ReadCatalogue, &Resource::Whole)?;
    let found = registry.resource_server(&identifier).await?;
    let server = found.ok_or_else(|| Error::NotFound(subject(&identifier)))?;
    let sees_secrets =
        op.authorize_new(Action::ReadResourceServerSecrets, &resource(&server.value)).is_ok();
    let uses = match sees_secrets {
        true => Some(registry.resource_server_secret_uses(&identifier).await?),
        false => None,
    };
    let resource_server = Some(to_resource_server(&server, uses.as_ref()));
    Ok(pb::GetResourceServerResponse { resource_server })
}
