//! Ends a secret of a client; for a leaked one, the tokens issued so far too.

use turnpike_domain::Client;
use turnpike_domain::authz::Action;
use turnpike_domain::error::{Error, Subject};
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::impact::{Effect, EffectKind, Impact};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Registry, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::clients::{ClientSecretRemoval, parse_remove_secret, to_client};
use turnpike_rpc::convert::to_impact;

use crate::access;

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::RemoveClientSecretRequest,
) -> Result<pb::RemoveClientSecretResponse, Error> {
    let removal = parse_remove_secret(message)?;
    let (client, impact) = registry.transact(async || decide(registry, op, &removal).await).await?;
    let uses = registry.client_secret_uses(&removal.client_id).await?;
    Ok(pb::RemoveClientSecretResponse {
        client: Some(to_client(&client, &uses, registry.now())),
        impact: Some(to_impact(&impact)),
    })
}

async fn decide(
    registry: &Registry,
    op: &Op,
    removal: &ClientSecretRemoval,
) -> Result<Attempt<(Versioned<Client>, Impact)>, Error> {
    let ClientSecretRemoval { client_id, secret_id, revoke_tokens, validate_only } = removal;
    let (mut client, permit) =
        access::client(registry, op, Action::ManageClient, client_id).await?;
    let before = client.value.clone();
    if client.value.secrets.remove(secret_id).is_none() {
        let key = format!("{client_id}/{secret_id}");
        return Err(Error::NotFound(Subject::new("secrets", key)));
    }
    let now = registry.now();
    let mut effects = vec![Effect::on_secret(secret_id.clone(), Some(&before))];
    if client.value.enabled && client.value.secrets.list().is_empty() {
        effects.push(Effect::on_client(EffectKind::ClientStops, &before));
    }
    if *revoke_tokens {
        client.value.revoke_tokens(now);
        effects.push(Effect::on_client(EffectKind::TokensRefused, &before));
    }
    let impact = Impact { effects };
    if *validate_only {
        return Ok(Attempt::Nothing((client, impact)));
    }
    client.value.update_time = now;
    let mut change = Change::new(&permit, op.origin());
    change.put_client(&client)?;
    change.forget_client_secret_use(client_id, secret_id);
    let became = Became::Other(&before, &client.value);
    change.event(EventDraft::of_client(EventAction::ClientSecretRemoved, became));
    client.version += 1;
    Ok(Attempt::Change(Box::new(change), (client, impact)))
}
