//! Registers a client with a secret, and asks for the scopes it wants.

use turnpike_domain::authz::{Action, Permit, Resource};
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::id::{ClientId, GrantId, SecretId};
use turnpike_domain::secret::Secrets;
use turnpike_domain::text::Reason;
use turnpike_domain::{Client, Grant, Problem, ResourceServer, Timestamp, Violations};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Provisioned, Quota, Registry, Seen, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::MadeSecret;
use turnpike_rpc::convert::clients::{NewClient, parse_create, to_created};
use turnpike_rpc::convert::grants::Wanted;

use crate::access;
use crate::grant::{Asked, ask, room_for};

/// A client that was registered, or would be.
#[derive(Debug)]
struct Created {
    client: Versioned<Client>,
    secret: MadeSecret,
    grants: Vec<Versioned<Grant>>,
}

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::CreateClientRequest,
) -> Result<pb::CreateClientResponse, Error> {
    let new = parse_create(message, op.once(&message.request_id))?;
    let resource = Resource::Client { team: &new.team, related: &[] };
    let permit = op.authorize_new(Action::ManageClient, &resource)?;
    // Everything is checked before the authorization server is asked for a client.
    let Created { client, secret, grants } = match check(registry, op, &permit, &new).await? {
        Some(answer) => answer,
        None => make(registry, op, &permit, &new).await?,
    };
    Ok(to_created(&client, &secret, &grants, registry.now()))
}

/// Decides without a client: the answer, if nothing is to be made.
async fn check(
    registry: &Registry,
    op: &Op,
    permit: &Permit,
    new: &NewClient,
) -> Result<Option<Created>, Error> {
    match decide(registry, op, permit, new, None).await? {
        Attempt::Nothing(answer) => Ok(Some(answer)),
        Attempt::Change(..) => Ok(None),
    }
}

/// Makes the client for the authorization server, and registers it.
async fn make(
    registry: &Registry,
    op: &Op,
    permit: &Permit,
    new: &NewClient,
) -> Result<Created, Error> {
    let made = registry.provision_client(&new.display_name, new.token_lifetime).await?;
    let created =
        registry.transact(async || decide(registry, op, permit, new, Some(&made)).await).await;
    match created {
        Ok(created) if created.client.value.client_id == made.client_id => Ok(created),
        // Refused after all, or a repeat that ran beside the first call has its answer.
        other => {
            registry.abandon_client(made).await;
            other
        }
    }
}

async fn decide(
    registry: &Registry,
    op: &Op,
    permit: &Permit,
    new: &NewClient,
    made: Option<&Provisioned>,
) -> Result<Attempt<Created>, Error> {
    let once = new.once.as_ref().filter(|_| !new.validate_only);
    let replaces = match registry.seen(permit.principal(), once).await? {
        Seen::Before(keys) => return Ok(Attempt::Nothing(again(registry, op, &keys).await?)),
        Seen::Never(replaces) => replaces,
    };
    registry.owner("client.team", &new.team).await?;
    let now = registry.now();
    let client_id = match made {
        Some(made) => made.client_id.clone(),
        // Nobody sees it.
        None => ClientId::generate(registry.entropy()),
    };
    let mut client = Versioned::new(build(new, client_id, now));
    let mut change = Change::new(permit, op.origin());
    change.check_team(&new.team);
    let grants = match &new.wanted {
        Some((wanted, reason)) => {
            let asked = Wants { wanted, reason, now };
            want(registry, op, &mut change, &mut client.value, &asked).await?
        }
        None => Vec::new(),
    };
    change.within(&registry.room(Quota::Clients, &new.team, 1).await?);
    change.within(&room_for(registry, &new.team, &grants).await?);
    if new.validate_only {
        let secret = MadeSecret { entry: None, value: None };
        return Ok(Attempt::Nothing(Created { client, secret, grants }));
    }
    let Some(made) = made else {
        let secret = MadeSecret { entry: None, value: None };
        return Ok(Attempt::Change(Box::new(change), Created { client, secret, grants }));
    };
    let owner = client.value.subject();
    client.value.secrets.put(made.entry.clone(), &owner)?;
    change.register(&client, made)?;
    change.event(EventDraft::of_client(EventAction::ClientCreated, Became::New(&client.value)));
    for grant in &grants {
        let became = Became::New(&grant.value);
        let reason = grant.value.reason.as_str();
        change.event(EventDraft::of_grant(EventAction::GrantRequested, became, reason));
    }
    let mut keys = vec![client.value.client_id.to_string(), made.entry.secret_id.to_string()];
    keys.extend(grants.iter().map(|grant| grant.value.grant_id.to_string()));
    change.remember(once.map(|once| once.clone().answered(keys, now, replaces)).as_ref())?;
    client.version += 1;
    let grants = grants.into_iter().map(|g| Versioned { version: g.version + 1, ..g }).collect();
    let secret = MadeSecret { entry: Some(made.entry.clone()), value: Some(made.value.clone()) };
    Ok(Attempt::Change(Box::new(change), Created { client, secret, grants }))
}

/// What a client to be wants.
struct Wants<'a> {
    wanted: &'a [Wanted],
    reason: &'a Reason,
    now: Timestamp,
}

/// Adds to the change a grant for each resource server, and to the client what it holds at once.
async fn want(
    registry: &Registry,
    op: &Op,
    change: &mut Change,
    client: &mut Client,
    wants: &Wants<'_>,
) -> Result<Vec<Versioned<Grant>>, Error> {
    let mut grants = Vec::new();
    for (wanted, server) in offered(registry, wants.wanted).await? {
        let asked = Asked {
            client,
            server: &server.value,
            scopes: &wanted.scopes,
            reason: wants.reason,
            expire_time: None,
        };
        let grant = Versioned::new(ask(op, registry.entropy(), wants.now, &asked)?);
        client.take_grant(&grant.value, wants.now)?;
        change.check_resource_server(&server);
        change.put_grant(&grant)?;
        grants.push(grant);
    }
    Ok(grants)
}

/// Each resource server that scopes are wanted of, if it offers them all.
async fn offered<'a>(
    registry: &Registry,
    wanted: &'a [Wanted],
) -> Result<Vec<(&'a Wanted, Versioned<ResourceServer>)>, Error> {
    let mut violations = Violations::new();
    let mut servers = Vec::new();
    for wanted in wanted {
        let server = registry.resource_server(&wanted.resource_server).await?;
        for scope in wanted.scopes.list() {
            if !server.as_ref().is_some_and(|server| server.value.offers(scope)) {
                violations.add(wanted.field_of(scope), Problem::NotFound);
            }
        }
        servers.extend(server.map(|server| (wanted, server)));
    }
    violations.finish(Some(servers))
}

/// The answer to a repeat: what the first call made, as it is now.
async fn again(registry: &Registry, op: &Op, keys: &[String]) -> Result<Created, Error> {
    let damaged = |_| Error::internal("the answer to a request was not kept whole");
    let key = |at: usize| keys.get(at).map_or("", String::as_str);
    let client_id = ClientId::parse(key(0)).map_err(damaged)?;
    let secret_id = SecretId::parse(key(1)).map_err(damaged)?;
    let (client, _) = access::client(registry, op, Action::ManageClient, &client_id).await?;
    let mut secrets = client.value.secrets.list().iter();
    let entry = secrets.find(|entry| entry.secret_id == secret_id).cloned();
    let mut grants = Vec::new();
    for key in keys.iter().skip(2) {
        let grant_id = GrantId::parse(key).map_err(damaged)?;
        grants.extend(registry.grant(&grant_id).await?);
    }
    Ok(Created { client, secret: MadeSecret { entry, value: None }, grants })
}

fn build(new: &NewClient, client_id: ClientId, now: Timestamp) -> Client {
    Client {
        client_id,
        display_name: new.display_name.clone(),
        description: new.description.clone(),
        team: new.team.clone(),
        token_lifetime: new.token_lifetime,
        enabled: true,
        secrets: Secrets::default(),
        grants: Vec::new(),
        tokens_revoked: None,
        scope_cuts: Vec::new(),
        create_time: now,
        update_time: now,
    }
}
