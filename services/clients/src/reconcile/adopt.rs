//! Takes what the pool says into the registry.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Error;
use turnpike_domain::id::TeamId;
use turnpike_domain::{Problem, ResourceServer};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Registry, Subject};
use turnpike_rpc::Op;
use turnpike_rpc::convert::reconcile::{Adoption, parse_adopt};

use super::{adopt_client, adopt_resource_server};

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::AdoptRequest,
) -> Result<pb::AdoptResponse, Error> {
    let adoption = parse_adopt(message)?;
    let permit = op.authorize_new(Action::Reconcile, &Resource::Whole)?;
    let answer = match &adoption.subject {
        Subject::Client(id) => adopt_client::run(registry, op, &permit, &adoption, id).await?,
        Subject::ResourceServer(id) => {
            adopt_resource_server::run(registry, op, &permit, &adoption, id).await?
        }
    };
    if !adoption.validate_only {
        registry.forget_drift(&adoption.subject).await?;
    }
    Ok(answer)
}

/// The owner: said if the object is new here, else not.
pub(crate) fn owner(adoption: &Adoption, there: Option<&TeamId>) -> Result<TeamId, Error> {
    match (&adoption.team, there) {
        (Some(team), None) => Ok(team.clone()),
        (None, Some(team)) => Ok(team.clone()),
        (None, None) => Err(Error::invalid("team", Problem::Required)),
        (Some(_), Some(_)) => Err(Error::invalid("team", Problem::Immutable)),
    }
}

/// A value of the pool that the registry does not take.
pub(crate) fn cannot(subject: &Subject, why: impl std::fmt::Display) -> Error {
    Error::blocked("CANNOT_ADOPT", subject.to_string(), why.to_string())
}

/// Turnpike's own resource server is nobody's to adopt.
pub(crate) fn check_not_built_in(subject: &Subject) -> Result<(), Error> {
    match subject {
        Subject::ResourceServer(id) if id.is_built_in() => {
            Err(cannot(subject, "the resource server `turnpike` is part of Turnpike: revert it"))
        }
        _ => Ok(()),
    }
}

/// What a resource server is for, if only the pool knows of it.
pub(crate) fn empty_description() -> Result<turnpike_domain::text::Description, Error> {
    turnpike_domain::text::Description::parse("")
        .map_err(|problem| Error::internal(problem.to_string()))
}

/// Whether a resource server offers a scope.
pub(crate) fn offers(server: Option<&ResourceServer>, scope: &turnpike_domain::Scope) -> bool {
    server.is_some_and(|server| server.offers(scope))
}
