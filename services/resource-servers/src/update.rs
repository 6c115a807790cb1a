//! Changes a resource server; takes scopes from grants where they are no longer offered.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::impact::{Effect, Impact};
use turnpike_domain::{ResourceServer, Scope};
use turnpike_proto::v1 as pb;
use turnpike_registry::{
    About, Affected, Attempt, Change, GrantsOf, Quota, Registry, Versioned, check_hand_over,
};
use turnpike_rpc::Op;
use turnpike_rpc::convert::resource_servers::{
    ResourceServerUpdate, parse_update, to_resource_server,
};
use turnpike_rpc::convert::to_impact;

use crate::{Step, effects, managed, subject};

/// Why a grant lost scopes, in words.
const REASON: &str = "the resource server no longer offers the scopes";

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::UpdateResourceServerRequest,
) -> Result<pb::UpdateResourceServerResponse, Error> {
    let update = parse_update(message)?;
    let (server, impact) = run(registry, op, &update).await?;
    let uses = registry.resource_server_secret_uses(&update.identifier).await?;
    Ok(pb::UpdateResourceServerResponse {
        resource_server: Some(to_resource_server(&server, Some(&uses))),
        impact: Some(to_impact(&impact)),
    })
}

type Updated = (Versioned<ResourceServer>, Vec<Effect>);

/// As many changes as it takes: all but the last only end grants.
async fn run(
    registry: &Registry,
    op: &Op,
    update: &ResourceServerUpdate,
) -> Result<(Versioned<ResourceServer>, Impact), Error> {
    let mut all = Vec::new();
    loop {
        match registry.transact(async || decide(registry, op, update).await).await? {
            Step::More(mut ended) => all.append(&mut ended),
            Step::Done((server, mut ended)) => {
                all.append(&mut ended);
                return Ok((server, Impact { effects: all }));
            }
        }
    }
}

async fn decide(
    registry: &Registry,
    op: &Op,
    update: &ResourceServerUpdate,
) -> Result<Attempt<Step<Updated>>, Error> {
    // What is decided on grants that are not there holds only while none is added: from here on.
    let head = registry.head().await?;
    let (server, permit) = managed(registry, op, &update.identifier).await?;
    if server.version != update.version {
        return Err(Error::Stale(subject(&update.identifier)));
    }
    let next = applied(&server, update);
    if next == server {
        return Ok(Attempt::Nothing(Step::Done((server, Vec::new()))));
    }
    let moves = next.value.team != server.value.team;
    if moves {
        let resource = Resource::ResourceServer { team: &next.value.team, built_in: false };
        op.authorize_new(Action::ManageResourceServer, &resource)?;
        registry.owner("resource_server.team", &next.value.team).await?;
        let grants = registry.live_grants(&update.identifier).await?;
        check_hand_over(&grants, |grant| grant.client_team == server.value.team)?;
    }
    let team = &next.value.team;
    let room = registry.room(Quota::ResourceServers, team, usize::from(moves)).await?;
    let shrinks = server.value.scopes.list().iter().any(|s| !next.value.scopes.has(&s.name));
    let affected = if shrinks { affected(registry, &next.value).await? } else { Vec::new() };
    Affected::check_force(update.force, &affected)?;
    if update.validate_only {
        return Ok(Attempt::Nothing(Step::Done((next, effects(&affected)))));
    }
    if moves {
        let of = GrantsOf::ResourceServer(&update.identifier);
        registry.list_grants_for(&permit, op.origin(), of, &next.value.team).await?;
    }
    let mut change = Change::new(&permit, op.origin());
    if moves || shrinks {
        change.leans_on(About::ResourceServer(update.identifier.clone()), head.sequence, 0);
    }
    change.within(&room);
    write(registry, change, server, next, &affected).await
}

/// The change: all of it, or as many of the grants as fit.
async fn write(
    registry: &Registry,
    mut change: Change,
    before: Versioned<ResourceServer>,
    mut after: Versioned<ResourceServer>,
    affected: &[Affected],
) -> Result<Attempt<Step<Updated>>, Error> {
    let now = registry.now();
    let ended = registry.end_grants(&mut change, affected, REASON, now).await?;
    for client in ended.clients.values() {
        change.put_client(client)?;
    }
    let effects = effects(&affected[..ended.count]);
    if ended.count < affected.len() {
        change.check_resource_server(&before);
        return Ok(Attempt::Change(Box::new(change), Step::More(effects)));
    }
    after.value.update_time = now;
    let revision = change.put_resource_server(&after)?;
    if after.value.team != before.value.team {
        change.check_team(&after.value.team);
        change.own_resource_server(&after.value);
    }
    change.event(EventDraft::of_resource_server(
        EventAction::ResourceServerUpdated,
        Became::Other(&before.value, &after.value),
    ));
    after.version = revision;
    Ok(Attempt::Change(Box::new(change), Step::Done((after, effects))))
}

/// The resource server as it would be.
fn applied(
    server: &Versioned<ResourceServer>,
    update: &ResourceServerUpdate,
) -> Versioned<ResourceServer> {
    let ResourceServerUpdate {
        identifier: _,
        version: _,
        display_name,
        description,
        team,
        scopes,
        validate_only: _,
        force: _,
    } = update.clone();
    let mut next = server.clone();
    let value = &mut next.value;
    value.display_name = display_name.unwrap_or_else(|| value.display_name.clone());
    value.description = description.unwrap_or_else(|| value.description.clone());
    value.team = team.unwrap_or_else(|| value.team.clone());
    value.scopes = scopes.unwrap_or_else(|| value.scopes.clone());
    next
}

/// The live grants that lose scopes.
async fn affected(registry: &Registry, after: &ResourceServer) -> Result<Vec<Affected>, Error> {
    let live = registry.live_grants(&after.identifier).await?;
    registry.affected(live, |scope: &Scope| !after.offers(scope)).await
}
