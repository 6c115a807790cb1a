//! A resource server of the pool becomes one of the registry, or gives it its values.

use turnpike_domain::authorization_server::pool::{FoundResourceServer, ascii_name};
use turnpike_domain::authz::Permit;
use turnpike_domain::error::{Error, Subject};
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::resource_server::{OfferedScope, OfferedScopes};
use turnpike_domain::secret::Secrets;
use turnpike_domain::text::{ResourceServerName, ScopeDescription};
use turnpike_domain::{Identifier, ResourceServer, ScopeName};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Registry, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::reconcile::Adoption;
use turnpike_rpc::convert::resource_servers::to_resource_server;

use super::adopt::{cannot, check_not_built_in, empty_description, owner};

pub(crate) async fn run(
    registry: &Registry,
    op: &Op,
    permit: &Permit,
    adoption: &Adoption,
    id: &Identifier,
) -> Result<pb::AdoptResponse, Error> {
    check_not_built_in(&adoption.subject)?;
    let Some(found) = registry.pool_resource_server(id).await? else {
        return as_it_is(registry, adoption, id).await;
    };
    let server = registry
        .transact(async || decide(registry, op, permit, adoption, id, &found).await)
        .await?;
    Ok(pb::AdoptResponse {
        resource_server: Some(to_resource_server(&server, None)),
        ..pb::AdoptResponse::default()
    })
}

/// Without a pool there is nothing to adopt: the resource server, if the registry has it.
async fn as_it_is(
    registry: &Registry,
    adoption: &Adoption,
    id: &Identifier,
) -> Result<pb::AdoptResponse, Error> {
    let absent = || Error::NotFound(Subject::new("resource-servers", id.as_str()));
    let server = registry.resource_server(id).await?.ok_or_else(absent)?;
    owner(adoption, Some(&server.value.team))?;
    let resource_server = Some(to_resource_server(&server, None));
    Ok(pb::AdoptResponse { resource_server, ..pb::AdoptResponse::default() })
}

async fn decide(
    registry: &Registry,
    op: &Op,
    permit: &Permit,
    adoption: &Adoption,
    id: &Identifier,
    found: &FoundResourceServer,
) -> Result<Attempt<Versioned<ResourceServer>>, Error> {
    let there = registry.resource_server(id).await?;
    let team = owner(adoption, there.as_ref().map(|there| &there.value.team))?;
    let now = registry.now();
    let scopes = scopes(adoption, id, found)?;
    let next = match &there {
        Some(there) => {
            if let Some(gone) = there.value.scopes.list().iter().find(|s| !scopes.has(&s.name)) {
                let why =
                    format!("the pool lacks the scope `{}`: remove it here, or revert", gone.name);
                return Err(cannot(&adoption.subject, why));
            }
            let mut next = there.clone();
            next.value.scopes = scopes;
            if ascii_name(next.value.display_name.as_str(), 256) != found.name {
                next.value.display_name = name(adoption, found)?;
            }
            next
        }
        None => Versioned::new(ResourceServer {
            identifier: id.clone(),
            display_name: name(adoption, found)?,
            description: empty_description()?,
            team,
            scopes,
            secrets: Secrets::default(),
            create_time: now,
            update_time: now,
        }),
    };
    if adoption.validate_only || there.as_ref() == Some(&next) {
        return Ok(Attempt::Nothing(next));
    }
    let mut next = next;
    next.value.update_time = now;
    let mut change = Change::new(permit, op.origin());
    next.version = change.put_resource_server(&next)?;
    let became = match &there {
        Some(there) => Became::Other(&there.value, &next.value),
        None => Became::New(&next.value),
    };
    change.event(EventDraft::of_resource_server(EventAction::ResourceServerAdopted, became));
    Ok(Attempt::Change(Box::new(change), next))
}

fn name(adoption: &Adoption, found: &FoundResourceServer) -> Result<ResourceServerName, Error> {
    ResourceServerName::parse(found.name.trim())
        .map_err(|problem| cannot(&adoption.subject, format!("its name {problem}")))
}

fn scopes(
    adoption: &Adoption,
    id: &Identifier,
    found: &FoundResourceServer,
) -> Result<OfferedScopes, Error> {
    let mut scopes = Vec::with_capacity(found.scopes.len());
    for (name, description) in &found.scopes {
        let wrong = |problem| cannot(&adoption.subject, format!("the scope `{name}` {problem}"));
        scopes.push(OfferedScope {
            name: ScopeName::parse(name).map_err(wrong)?,
            description: ScopeDescription::parse(description.trim()).map_err(wrong)?,
        });
    }
    OfferedScopes::new(id, scopes).map_err(|problems| {
        let first = problems.first().map(|(_, problem)| problem.to_string()).unwrap_or_default();
        cannot(&adoption.subject, format!("a scope {first}"))
    })
}
