//! Asks for scopes of one resource server for one client.

use turnpike_domain::authz::{Action, Permit};
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::grant::{Decision, GrantScopes, GrantState};
use turnpike_domain::id::{GrantId, TeamId};
use turnpike_domain::ports::Entropy;
use turnpike_domain::text::{Description, Reason};
use turnpike_domain::{Client, Grant, Principal, Problem, ResourceServer, Timestamp, Violations};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Quota, Registry, Room, Seen, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::grants::{NewGrant, parse_request, to_grant};

use crate::access;

/// Who shall hold what.
pub(crate) struct Asked<'a> {
    pub(crate) client: &'a Client,
    pub(crate) server: &'a ResourceServer,
    pub(crate) scopes: &'a GrantScopes,
    pub(crate) reason: &'a Reason,
    pub(crate) expire_time: Option<Timestamp>,
}

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::RequestGrantRequest,
) -> Result<pb::RequestGrantResponse, Error> {
    let new = parse_request(message, op.once(&message.request_id), op.now())?;
    let (grant, client) = registry.transact(async || decide(registry, op, &new).await).await?;
    let grant = Some(to_grant(&grant, Some(&client), registry.now()));
    Ok(pb::RequestGrantResponse { grant })
}

/// A grant that was asked for: active at once if who asks may decide it, else it waits.
pub(crate) fn ask(
    op: &Op,
    entropy: &dyn Entropy,
    now: Timestamp,
    asked: &Asked<'_>,
) -> Result<Grant, Error> {
    let requester = op.actor().principal();
    let mut grant = pending(entropy, now, asked, requester.clone());
    if op.authorize_new(Action::DecideGrant, &access::grant_resource(&grant)).is_ok() {
        let note =
            Description::parse("").map_err(|problem| Error::internal(problem.to_string()))?;
        grant.approve(Decision { decider: requester, time: now, note })?;
    }
    Ok(grant)
}

/// A grant that waits.
pub(crate) fn pending(
    entropy: &dyn Entropy,
    now: Timestamp,
    asked: &Asked<'_>,
    requester: Principal,
) -> Grant {
    Grant {
        grant_id: GrantId::generate(entropy),
        client_id: asked.client.client_id.clone(),
        client_team: asked.client.team.clone(),
        resource_server: asked.server.identifier.clone(),
        resource_server_team: asked.server.team.clone(),
        scopes: asked.scopes.clone(),
        reason: asked.reason.clone(),
        expire_time: asked.expire_time,
        state: GrantState::Pending,
        requester,
        request_time: now,
        decision: None,
        end: None,
    }
}

/// Room for those of the grants that wait for a decision.
pub(crate) async fn room_for(
    registry: &Registry,
    team: &TeamId,
    grants: &[Versioned<Grant>],
) -> Result<Room, Error> {
    let waiting = grants.iter().filter(|grant| grant.value.state == GrantState::Pending).count();
    registry.room(Quota::PendingGrants, team, waiting).await
}

async fn decide(
    registry: &Registry,
    op: &Op,
    new: &NewGrant,
) -> Result<Attempt<(Versioned<Grant>, Client)>, Error> {
    let found = match access::client(registry, op, Action::RequestGrant, &new.client_id).await {
        Ok(found) => Some(found),
        Err(Error::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let once = new.once.as_ref().filter(|_| !new.validate_only && found.is_some());
    let replaces = match registry.seen(&op.actor().principal(), once).await? {
        Seen::Before(keys) => return Ok(Attempt::Nothing(again(registry, op, &keys).await?)),
        Seen::Never(replaces) => replaces,
    };
    let (mut client, permit, server) = both(registry, new, found).await?;
    let now = registry.now();
    check(&client.value, new, now)?;
    let asked = Asked {
        client: &client.value,
        server: &server.value,
        scopes: &new.wanted.scopes,
        reason: &new.reason,
        expire_time: new.expire_time,
    };
    let mut grant = Versioned::new(ask(op, registry.entropy(), now, &asked)?);
    client.value.take_grant(&grant.value, now)?;
    let room = room_for(registry, &client.value.team, std::slice::from_ref(&grant)).await?;
    if new.validate_only {
        return Ok(Attempt::Nothing((grant, client.value)));
    }
    client.value.update_time = now;
    let mut change = Change::new(&permit, op.origin());
    change.within(&room);
    change.check_resource_server(&server);
    change.put_client(&client)?;
    change.put_grant(&grant)?;
    let (became, reason) = (Became::New(&grant.value), new.reason.as_str());
    change.event(EventDraft::of_grant(EventAction::GrantRequested, became, reason));
    let keys = vec![grant.value.grant_id.to_string()];
    change.remember(once.map(|once| once.clone().answered(keys, now, replaces)).as_ref())?;
    grant.version += 1;
    Ok(Attempt::Change(Box::new(change), (grant, client.value)))
}

/// The client and the resource server, if both are there and the scopes are offered.
async fn both(
    registry: &Registry,
    new: &NewGrant,
    found: Option<(Versioned<Client>, Permit)>,
) -> Result<(Versioned<Client>, Permit, Versioned<ResourceServer>), Error> {
    let mut violations = Violations::new();
    if found.is_none() {
        violations.add("client_id", Problem::NotFound);
    }
    let server = registry.resource_server(&new.wanted.resource_server).await?;
    match &server {
        None => violations.add("resource_server", Problem::NotFound),
        Some(server) => {
            for scope in new.wanted.scopes.list() {
                if !server.value.offers(scope) {
                    violations.add(new.wanted.field_of(scope), Problem::NotFound);
                }
            }
        }
    }
    let both = found.zip(server).map(|((client, permit), server)| (client, permit, server));
    violations.finish(both)
}

/// What of the client's other grants is in the way.
fn check(client: &Client, new: &NewGrant, now: Timestamp) -> Result<(), Error> {
    let same = client.grants.iter().find(|grant| {
        !grant.active
            && grant.resource_server == new.wanted.resource_server
            && grant.scopes == new.wanted.scopes.list()
            && grant.expire_time.is_none_or(|end| now < end)
    });
    match same {
        Some(waits) => Err(Error::AlreadyExists(access::grant_subject(&waits.grant_id))),
        None => client.check_room(new.wanted.scopes.list(), now),
    }
}

/// The answer to a repeat: what the first call made, as it is now.
async fn again(
    registry: &Registry,
    op: &Op,
    keys: &[String],
) -> Result<(Versioned<Grant>, Client), Error> {
    let key = keys.first().map_or("", String::as_str);
    let damaged = |_| Error::internal("the answer to a request was not kept whole");
    let id = GrantId::parse(key).map_err(damaged)?;
    let (grant, _) = access::grant(registry, op, Action::RevokeGrant, &id).await?;
    let client = registry.client(&grant.value.client_id).await?;
    let client = client.ok_or_else(|| Error::NotFound(access::grant_subject(&id)))?;
    Ok((grant, client.value))
}
