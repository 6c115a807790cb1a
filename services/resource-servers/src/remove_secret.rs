//! Ends a secret of a resource server.

use turnpike_domain::ResourceServer;
use turnpike_domain::error::{Error, Subject};
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::impact::{Effect, Impact};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Registry, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::resource_servers::{
    ResourceServerSecretRemoval, parse_remove_secret, to_resource_server,
};
use turnpike_rpc::convert::to_impact;

use crate::managed;

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::RemoveResourceServerSecretRequest,
) -> Result<pb::RemoveResourceServerSecretResponse, Error> {
    let removal = parse_remove_secret(message)?;
    let (server, impact) = registry.transact(async || decide(registry, op, &removal).await).await?;
    let uses = registry.resource_server_secret_uses(&removal.identifier).await?;
    Ok(pb::RemoveResourceServerSecretResponse {
        resource_server: Some(to_resource_server(&server, Some(&uses))),
        impact: Some(to_impact(&impact)),
    })
}

async fn decide(
    registry: &Registry,
    op: &Op,
    removal: &ResourceServerSecretRemoval,
) -> Result<Attempt<(Versioned<ResourceServer>, Impact)>, Error> {
    let ResourceServerSecretRemoval { identifier, secret_id, validate_only } = removal;
    let (mut server, permit) = managed(registry, op, identifier).await?;
    let before = server.value.clone();
    if server.value.secrets.remove(secret_id).is_none() {
        let key = format!("{identifier}/{secret_id}");
        return Err(Error::NotFound(Subject::new("secrets", key)));
    }
    let impact = Impact { effects: vec![Effect::on_secret(secret_id.clone(), None)] };
    if *validate_only {
        return Ok(Attempt::Nothing((server, impact)));
    }
    server.value.update_time = registry.now();
    let mut change = Change::new(&permit, op.origin());
    let revision = change.put_resource_server(&server)?;
    change.forget_resource_server_secret_use(identifier, secret_id);
    change.event(EventDraft::of_resource_server(
        EventAction::ResourceServerSecretRemoved,
        Became::Other(&before, &server.value),
    ));
    server.version = revision;
    Ok(Attempt::Change(Box::new(change), (server, impact)))
}
