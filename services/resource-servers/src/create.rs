//! Registers a resource server.

use turnpike_domain::authz::{Action, Permit, Resource};
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::id::SecretId;
use turnpike_domain::secret::Secrets;
use turnpike_domain::{ResourceServer, Timestamp};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Quota, Registry, Seen, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::resource_servers::{
    NewResourceServer, parse_create, to_resource_server,
};
use turnpike_rpc::convert::{MadeSecret, SecretUses, to_new_secret};

use crate::{managed, subject};

/// A resource server that was registered, or would be.
#[derive(Debug)]
pub(crate) struct Created {
    server: Versioned<ResourceServer>,
    secret: Option<MadeSecret>,
}

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::CreateResourceServerRequest,
) -> Result<pb::CreateResourceServerResponse, Error> {
    let new = parse_create(message, op.once(&message.request_id))?;
    let Created { server, secret } = create(registry, op, &new).await?;
    Ok(pb::CreateResourceServerResponse {
        resource_server: Some(to_resource_server(&server, Some(&SecretUses::new()))),
        secret: secret.as_ref().map(to_new_secret),
    })
}

async fn create(registry: &Registry, op: &Op, new: &NewResourceServer) -> Result<Created, Error> {
    let built_in = new.identifier.is_built_in();
    let resource = Resource::ResourceServer { team: &new.team, built_in };
    let permit = op.authorize_new(Action::ManageResourceServer, &resource)?;
    // Everything is checked before the authorization server hears of it.
    match decide(registry, op, &permit, new).await? {
        Attempt::Nothing(answer) => return Ok(answer),
        Attempt::Change(_, created) => {
            registry.provision_resource_server(&created.server.value).await?;
        }
    }
    registry.transact(async || decide(registry, op, &permit, new).await).await
}

async fn decide(
    registry: &Registry,
    op: &Op,
    permit: &Permit,
    new: &NewResourceServer,
) -> Result<Attempt<Created>, Error> {
    let once = new.once.as_ref().filter(|_| !new.validate_only);
    // Looked up first: what the first call of this request made a moment ago must not be in the way of a repeat.
    let taken = registry.resource_server(&new.identifier).await?.is_some();
    let replaces = match registry.seen(permit.principal(), once).await? {
        Seen::Before(keys) => return Ok(Attempt::Nothing(again(registry, op, new, &keys).await?)),
        Seen::Never(replaces) => replaces,
    };
    if taken {
        return Err(Error::AlreadyExists(subject(&new.identifier)));
    }
    registry.owner("resource_server.team", &new.team).await?;
    let now = registry.now();
    let mut server = Versioned::new(build(new, now));
    let room = registry.room(Quota::ResourceServers, &new.team, 1).await?;
    if new.validate_only {
        let secret = new.add_secret.then_some(MadeSecret { entry: None, value: None });
        return Ok(Attempt::Nothing(Created { server, secret }));
    }
    let mut keys = vec![new.identifier.to_string()];
    let mut secret = None;
    if new.add_secret {
        let owner = server.value.subject();
        let (entry, value) = server.value.secrets.add(registry.entropy(), now, &owner)?;
        keys.push(entry.secret_id.to_string());
        secret = Some(MadeSecret { entry: Some(entry), value: Some(value) });
    }
    let mut change = Change::new(permit, op.origin());
    change.check_team(&new.team);
    change.within(&room);
    let revision = change.put_resource_server(&server)?;
    change.event(EventDraft::of_resource_server(
        EventAction::ResourceServerCreated,
        Became::New(&server.value),
    ));
    change.remember(once.map(|once| once.clone().answered(keys, now, replaces)).as_ref())?;
    server.version = revision;
    Ok(Attempt::Change(Box::new(change), Created { server, secret }))
}

/// The answer to a repeat: what the first call made, as it is now.
async fn again(
    registry: &Registry,
    op: &Op,
    new: &NewResourceServer,
    keys: &[String],
) -> Result<Created, Error> {
    let (server, _) = managed(registry, op, &new.identifier).await?;
    let known = keys.get(1).and_then(|key| SecretId::parse(key).ok());
    let mut secrets = server.value.secrets.list().iter();
    let entry = known.and_then(|id| secrets.find(|entry| entry.secret_id == id).cloned());
    let secret = new.add_secret.then_some(MadeSecret { entry, value: None });
    Ok(Created { server, secret })
}

fn build(new: &NewResourceServer, now: Timestamp) -> ResourceServer {
    ResourceServer {
        identifier: new.identifier.clone(),
        display_name: new.display_name.clone(),
        description: new.description.clone(),
        team: new.team.clone(),
        scopes: new.scopes.clone(),
        secrets: Secrets::default(),
        create_time: now,
        update_time: now,
    }
}
