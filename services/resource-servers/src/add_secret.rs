//! Makes a secret with which a resource server calls introspection.

use turnpike_domain::ResourceServer;
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Registry, Seen, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::resource_servers::{
    NewResourceServerSecret, parse_add_secret, to_resource_server,
};
use turnpike_rpc::convert::{MadeSecret, to_new_secret};

use crate::managed;

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::AddResourceServerSecretRequest,
) -> Result<pb::AddResourceServerSecretResponse, Error> {
    let new = parse_add_secret(message, op.once(&message.request_id))?;
    let (server, secret) = registry.transact(async || decide(registry, op, &new).await).await?;
    let uses = registry.resource_server_secret_uses(&new.identifier).await?;
    Ok(pb::AddResourceServerSecretResponse {
        secret: Some(to_new_secret(&secret)),
        resource_server: Some(to_resource_server(&server, Some(&uses))),
    })
}

async fn decide(
    registry: &Registry,
    op: &Op,
    new: &NewResourceServerSecret,
) -> Result<Attempt<(Versioned<ResourceServer>, MadeSecret)>, Error> {
    let (mut server, permit) = managed(registry, op, &new.identifier).await?;
    let once = new.once.as_ref().filter(|_| !new.validate_only);
    let replaces = match registry.seen(permit.principal(), once).await? {
        Seen::Before(keys) => {
            // It may be answered since the resource server was read.
            let (server, _) = managed(registry, op, &new.identifier).await?;
            let mut secrets = server.value.secrets.list().iter();
            let entry = secrets.find(|entry| keys.contains(&entry.secret_id.to_string())).cloned();
            return Ok(Attempt::Nothing((server, MadeSecret { entry, value: None })));
        }
        Seen::Never(replaces) => replaces,
    };
    let owner = server.value.subject();
    server.value.secrets.check_room(&owner)?;
    if new.validate_only {
        return Ok(Attempt::Nothing((server, MadeSecret { entry: None, value: None })));
    }
    let now = registry.now();
    let before = server.value.clone();
    let (entry, value) = server.value.secrets.add(registry.entropy(), now, &owner)?;
    server.value.update_time = now;
    let mut change = Change::new(&permit, op.origin());
    let revision = change.put_resource_server(&server)?;
    change.event(EventDraft::of_resource_server(
        EventAction::ResourceServerSecretAdded,
        Became::Other(&before, &server.value),
    ));
    let keys = vec![entry.secret_id.to_string()];
    change.remember(once.map(|once| once.clone().answered(keys, now, replaces)).as_ref())?;
    server.version = revision;
    let made = MadeSecret { entry: Some(entry), value: Some(value) };
    Ok(Attempt::Change(Box::new(change), (server, made)))
}
