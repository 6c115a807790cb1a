//! Stops a client, and lets it work again.

use turnpike_domain::Client;
use turnpike_domain::authz::Action;
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::impact::{Effect, EffectKind, Impact};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Registry, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::clients::{ClientSwitch, parse_disable, parse_enable, to_client};
use turnpike_rpc::convert::to_impact;

use crate::access;

pub(crate) async fn disable(
    registry: &Registry,
    op: &Op,
    message: &pb::DisableClientRequest,
) -> Result<pb::DisableClientResponse, Error> {
    let switch = parse_disable(message)?;
    let decide = async || decide(registry, op, &switch, false).await;
    let (client, impact) = registry.transact(decide).await?;
    let uses = registry.client_secret_uses(&switch.client_id).await?;
    Ok(pb::DisableClientResponse {
        client: Some(to_client(&client, &uses, registry.now())),
        impact: Some(to_impact(&impact)),
    })
}

pub(crate) async fn enable(
    registry: &Registry,
    op: &Op,
    message: &pb::EnableClientRequest,
) -> Result<pb::EnableClientResponse, Error> {
    let switch = parse_enable(message)?;
    let decide = async || decide(registry, op, &switch, true).await;
    let (client, _) = registry.transact(decide).await?;
    let uses = registry.client_secret_uses(&switch.client_id).await?;
    Ok(pb::EnableClientResponse { client: Some(to_client(&client, &uses, registry.now())) })
}

async fn decide(
    registry: &Registry,
    op: &Op,
    switch: &ClientSwitch,
    enabled: bool,
) -> Result<Attempt<(Versioned<Client>, Impact)>, Error> {
    let id = &switch.client_id;
    let (mut client, permit) = access::client(registry, op, Action::ManageClient, id).await?;
    if client.value.enabled == enabled {
        return Ok(Attempt::Nothing((client, Impact::default())));
    }
    let before = client.value.clone();
    let now = registry.now();
    let mut impact = Impact::default();
    let action = if enabled {
        EventAction::ClientEnabled
    } else {
        // What was issued so far stays refused once it is enabled again.
        client.value.revoke_tokens(now);
        let kinds = [EffectKind::ClientStops, EffectKind::TokensRefused];
        impact.effects.extend(kinds.map(|kind| Effect::on_client(kind, &before)));
        EventAction::ClientDisabled
    };
    client.value.enabled = enabled;
    if switch.validate_only {
        return Ok(Attempt::Nothing((client, impact)));
    }
    client.value.update_time = now;
    let mut change = Change::new(&permit, op.origin());
    change.put_client(&client)?;
    change.event(EventDraft::of_client(action, Became::Other(&before, &client.value)));
    client.version += 1;
    Ok(Attempt::Change(Box::new(change), (client, impact)))
}
