//! Refuses all tokens of a client issued so far.

use turnpike_domain::Client;
use turnpike_domain::authz::Action;
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::impact::{Effect, EffectKind, Impact};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Registry, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::clients::{ClientSwitch, parse_revoke_tokens, to_client};
use turnpike_rpc::convert::to_impact;

use crate::access;

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::RevokeClientTokensRequest,
) -> Result<pb::RevokeClientTokensResponse, Error> {
    let revocation = parse_revoke_tokens(message)?;
    let (client, impact) =
        registry.transact(async || decide(registry, op, &revocation).await).await?;
    let uses = registry.client_secret_uses(&revocation.client_id).await?;
    Ok(pb::RevokeClientTokensResponse {
        client: Some(to_client(&client, &uses, registry.now())),
        impact: Some(to_impact(&impact)),
    })
}

async fn decide(
    registry: &Registry,
    op: &Op,
    revocation: &ClientSwitch,
) -> Result<Attempt<(Versioned<Client>, Impact)>, Error> {
    let id = &revocation.client_id;
    let (mut client, permit) = access::client(registry, op, Action::ManageClient, id).await?;
    let before = client.value.clone();
    let now = registry.now();
    client.value.revoke_tokens(now);
    let impact = Impact { effects: vec![Effect::on_client(EffectKind::TokensRefused, &before)] };
    // Twice in a second is once.
    if revocation.validate_only || client.value == before {
        return Ok(Attempt::Nothing((client, impact)));
    }
    client.value.update_time = now;
    let mut change = Change::new(&permit, op.origin());
    change.put_client(&client)?;
    let became = Became::Other(&before, &client.value);
    change.event(EventDraft::of_client(EventAction::ClientTokensRevoked, became));
    client.version += 1;
    Ok(Attempt::Change(Box::new(change), (client, impact)))
}
