//! Makes a second secret of a client.

use turnpike_domain::Client;
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, ProvisionedSecret, Registry, Seen, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::clients::{NewClientSecret, parse_add_secret, to_client};
use turnpike_rpc::convert::{MadeSecret, to_new_secret};

use crate::access;

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::AddClientSecretRequest,
) -> Result<pb::AddClientSecretResponse, Error> {
    let new = parse_add_secret(message, op.once(&message.request_id))?;
    // Everything is checked before the authorization server is asked for a secret.
    let (client, secret) = match decide(registry, op, &new, None).await? {
        Attempt::Nothing(answer) => answer,
        Attempt::Change(..) => make(registry, op, &new).await?,
    };
    let uses = registry.client_secret_uses(&new.client_id).await?;
    Ok(pb::AddClientSecretResponse {
        secret: Some(to_new_secret(&secret)),
        client: Some(to_client(&client, &uses, registry.now())),
    })
}

/// Makes the secret for the authorization server, and keeps it.
async fn make(
    registry: &Registry,
    op: &Op,
    new: &NewClientSecret,
) -> Result<(Versioned<Client>, MadeSecret), Error> {
    let request = new.once.as_ref().map(|once| &once.request_id);
    let made = registry.provision_secret(&new.client_id, request).await?;
    let added = registry.transact(async || decide(registry, op, new, Some(&made)).await).await;
    // Refused after all, or a repeat that ran beside the first call has its answer.
    if !added.as_ref().is_ok_and(|(_, secret)| secret.value.is_some()) {
        registry.abandon_secret(made).await;
    }
    added
}

async fn decide(
    registry: &Registry,
    op: &Op,
    new: &NewClientSecret,
    made: Option<&ProvisionedSecret>,
) -> Result<Attempt<(Versioned<Client>, MadeSecret)>, Error> {
    let id = &new.client_id;
    let (mut client, permit) = access::client_secret(registry, op, id).await?;
    let once = new.once.as_ref().filter(|_| !new.validate_only);
    let replaces = match registry.seen(permit.principal(), once).await? {
        Seen::Before(keys) => {
            // It may be answered since the client was read.
            let (client, _) = access::client_secret(registry, op, id).await?;
            let mut secrets = client.value.secrets.list().iter();
            let known = secrets.find(|entry| keys.contains(&entry.secret_id.to_string()));
            let secret = MadeSecret { entry: known.cloned(), value: None };
            return Ok(Attempt::Nothing((client, secret)));
        }
        Seen::Never(replaces) => replaces,
    };
    let owner = client.value.subject();
    client.value.secrets.check_room(&owner)?;
    if new.validate_only {
        return Ok(Attempt::Nothing((client, MadeSecret { entry: None, value: None })));
    }
    let now = registry.now();
    let before = client.value.clone();
    let mut change = Change::new(&permit, op.origin());
    let Some(made) = made else {
        let secret = MadeSecret { entry: None, value: None };
        return Ok(Attempt::Change(Box::new(change), (client, secret)));
    };
    let (entry, value) = (made.entry.clone(), made.value.clone());
    client.value.secrets.put(entry.clone(), &owner)?;
    client.value.update_time = now;
    registry.keep_secret(&mut change, id, made).await?;
    change.put_client(&client)?;
    let became = Became::Other(&before, &client.value);
    change.event(EventDraft::of_client(EventAction::ClientSecretAdded, became));
    let keys = vec![entry.secret_id.to_string()];
    change.remember(once.map(|once| once.clone().answered(keys, now, replaces)).as_ref())?;
    client.version += 1;
    let made = MadeSecret { entry: Some(entry), value: Some(value) };
    Ok(Attempt::Change(Box::new(change), (client, made)))
}
