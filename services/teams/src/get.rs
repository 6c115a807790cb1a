//! One team.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Error;
use turnpike_proto::v1 as pb;
use turnpike_registry::Registry;
use turnpike_rpc::Op;
use turnpike_rpc::convert::teams::parse_get;

use crate::{existing, shown};

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::GetTeamRequest,
) -> Result<pb::GetTeamResponse, Error> {
    let id = parse_get(message)?;
    op.authorize_new(Action::ReadCatalogue, &Resource::Whole)?;
    let team = existing(registry, &id).await?;
    let seen = registry.team_seen(&id).await?;
    Ok(pb::GetTeamResponse { team: Some(shown(op, &team, seen)) })
}
