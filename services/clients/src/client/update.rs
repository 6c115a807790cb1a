//! Changes a client's name, description, team or token lifetime.

use turnpike_domain::Client;
use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, GrantsOf, Quota, Registry, Versioned, check_hand_over};
use turnpike_rpc::Op;
use turnpike_rpc::convert::clients::{ClientUpdate, parse_update, to_client};

use crate::access;

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::UpdateClientRequest,
) -> Result<pb::UpdateClientResponse, Error> {
    let update = parse_update(message)?;
    let client = registry.transact(async || decide(registry, op, &update).await).await?;
    let uses = registry.client_secret_uses(&update.client_id).await?;
    Ok(pb::UpdateClientResponse { client: Some(to_client(&client, &uses, registry.now())) })
}

async fn decide(
    registry: &Registry,
    op: &Op,
    update: &ClientUpdate,
) -> Result<Attempt<Versioned<Client>>, Error> {
    let id = &update.client_id;
    let (client, permit) = access::client(registry, op, Action::ManageClient, id).await?;
    if client.version != update.version {
        return Err(Error::Stale(access::client_subject(id)));
    }
    let mut next = applied(&client, update);
    if next == client {
        return Ok(Attempt::Nothing(client));
    }
    let moves = next.value.team != client.value.team;
    if moves {
        let resource = Resource::Client { team: &next.value.team, related: &[] };
        op.authorize_new(Action::ManageClient, &resource)?;
        registry.owner("client.team", &next.value.team).await?;
        // Scopes of Turnpike's own API act for the owner, whoever knows the secret: they do not move either.
        let grants = registry.live_grants_of_client(id).await?;
        check_hand_over(&grants, |grant| {
            grant.resource_server.is_built_in() || grant.resource_server_team == client.value.team
        })?;
    }
    let room = registry.room(Quota::Clients, &next.value.team, usize::from(moves)).await?;
    if update.validate_only {
        return Ok(Attempt::Nothing(next));
    }
    if moves {
        // A grant that is asked for meanwhile changes the client, and this fails and is decided anew.
        let of = GrantsOf::Client(id);
        registry.list_grants_for(&permit, op.origin(), of, &next.value.team).await?;
    }
    next.value.update_time = registry.now();
    let mut change = Change::new(&permit, op.origin());
    change.within(&room);
    change.put_client(&next)?;
    if moves {
        change.check_team(&next.value.team);
        change.own_client(&next.value);
    }
    let became = Became::Other(&client.value, &next.value);
    change.event(EventDraft::of_client(EventAction::ClientUpdated, became));
    next.version += 1;
    Ok(Attempt::Change(Box::new(change), next))
}

/// The client as it would be.
fn applied(client: &Versioned<Client>, update: &ClientUpdate) -> Versioned<Client> {
    let ClientUpdate {
        client_id: _,
        version: _,
        display_name,
        description,
        team,
        token_lifetime,
        validate_only: _,
    } = update.clone();
    let mut next = client.clone();
    let value = &mut next.value;
    value.display_name = display_name.unwrap_or_else(|| value.display_name.clone());
    value.description = description.unwrap_or_else(|| value.description.clone());
    value.team = team.unwrap_or_else(|| value.team.clone());
    value.token_lifetime = token_lifetime.unwrap_or(value.token_lifetime);
    next
}
