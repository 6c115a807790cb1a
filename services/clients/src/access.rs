//! What a caller may do to a client or a grant that is there. Absent and hidden are the same answer.

use std::collections::BTreeSet;

use turnpike_domain::authz::{Action, Permit, Resource};
use turnpike_domain::error::{Error, Subject};
use turnpike_domain::id::{ClientId, GrantId, TeamId};
use turnpike_domain::{Client, Grant};
use turnpike_registry::{Registry, Versioned};
use turnpike_rpc::Op;

/// What an error says a client is.
pub(crate) fn client_subject(id: &ClientId) -> Subject {
    Subject::new("clients", id.as_str())
}

/// What an error says a grant is.
pub(crate) fn grant_subject(id: &GrantId) -> Subject {
    Subject::new("grants", id.as_str())
}

/// A client, and the right to do something to it.
pub(crate) async fn client(
    registry: &Registry,
    op: &Op,
    action: Action,
    id: &ClientId,
) -> Result<(Versioned<Client>, Permit), Error> {
    let found = registry.client(id).await?;
    let client = found.ok_or_else(|| Error::NotFound(client_subject(id)))?;
    let related = related(registry, op, &client.value).await?;
    let resource = Resource::Client { team: &client.value.team, related: &related };
    let permit = op.authorize(action, &resource, client_subject(id))?;
    Ok((client, permit))
}

/// A client, and the right to make a secret of it.
pub(crate) async fn client_secret(
    registry: &Registry,
    op: &Op,
    id: &ClientId,
) -> Result<(Versioned<Client>, Permit), Error> {
    let (client, _) = self::client(registry, op, Action::ManageClient, id).await?;
    let opens = client.value.api_scopes();
    // Whoever manages a client sees it, whoever else it concerns.
    let resource = Resource::ClientSecret { team: &client.value.team, related: &[], opens: &opens };
    let permit = op.authorize(Action::ManageClient, &resource, client_subject(id))?;
    Ok((client, permit))
}

/// A grant, and the right to do something to it.
pub(crate) async fn grant(
    registry: &Registry,
    op: &Op,
    action: Action,
    id: &GrantId,
) -> Result<(Versioned<Grant>, Permit), Error> {
    let found = registry.grant(id).await?;
    let grant = found.ok_or_else(|| Error::NotFound(grant_subject(id)))?;
    let permit = op.authorize(action, &grant_resource(&grant.value), grant_subject(id))?;
    Ok((grant, permit))
}

/// What the rules look at in a grant.
pub(crate) const fn grant_resource(grant: &Grant) -> Resource<'_> {
    Resource::Grant {
        client_team: &grant.client_team,
        resource_server_team: &grant.resource_server_team,
        requester: &grant.requester,
    }
}

/// The owners of the resource servers that a client holds scopes of, or asks for; not looked up for callers whom
/// they make no difference to.
async fn related(registry: &Registry, op: &Op, client: &Client) -> Result<Vec<TeamId>, Error> {
    if op.actor().is_in(&client.team) || op.actor().reads_all() {
        return Ok(Vec::new());
    }
    let now = registry.now();
    let live = client.grants.iter().filter(|g| g.expire_time.is_none_or(|end| now < end));
    let servers: BTreeSet<_> = live.map(|grant| &grant.resource_server).collect();
    let mut teams = Vec::new();
    for identifier in servers {
        teams.extend(registry.resource_server(identifier).await?.map(|server| server.value.team));
    }
    Ok(teams)
}
