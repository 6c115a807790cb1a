//! Deletes a resource server; ends the grants of its scopes.

use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::impact::{Effect, Impact};
use turnpike_proto::v1 as pb;
use turnpike_registry::{About, Affected, Attempt, Change, Registry};
use turnpike_rpc::Op;
use turnpike_rpc::convert::resource_servers::{ResourceServerDeletion, parse_delete};
use turnpike_rpc::convert::to_impact;

use crate::{Step, effects, managed, subject};

/// Why a grant ended, in words.
const REASON: &str = "the resource server was deleted";

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::DeleteResourceServerRequest,
) -> Result<pb::DeleteResourceServerResponse, Error> {
    let impact = run(registry, op, &parse_delete(message)?).await?;
    Ok(pb::DeleteResourceServerResponse { impact: Some(to_impact(&impact)) })
}

/// As many changes as it takes: all but the last only end grants.
async fn run(
    registry: &Registry,
    op: &Op,
    deletion: &ResourceServerDeletion,
) -> Result<Impact, Error> {
    let mut all = Vec::new();
    loop {
        match registry.transact(async || decide(registry, op, deletion).await).await? {
            Step::More(mut ended) => all.append(&mut ended),
            Step::Done(mut ended) => {
                all.append(&mut ended);
                return Ok(Impact { effects: all });
            }
        }
    }
}

async fn decide(
    registry: &Registry,
    op: &Op,
    deletion: &ResourceServerDeletion,
) -> Result<Attempt<Step<Vec<Effect>>>, Error> {
    // What is decided on grants that are not there holds only while none is added: from here on.
    let head = registry.head().await?;
    let (server, permit) = managed(registry, op, &deletion.identifier).await?;
    if server.version != deletion.version {
        return Err(Error::Stale(subject(&deletion.identifier)));
    }
    let live = registry.live_grants(&deletion.identifier).await?;
    let affected = registry.affected(live, |_| true).await?;
    Affected::check_force(deletion.force, &affected)?;
    let secrets = server.value.secrets.list().iter();
    let secrets = secrets.map(|entry| Effect::on_secret(entry.secret_id.clone(), None));
    if deletion.validate_only {
        let effects = effects(&affected).into_iter().chain(secrets).collect();
        return Ok(Attempt::Nothing(Step::Done(effects)));
    }
    let mut change = Change::new(&permit, op.origin());
    change.leans_on(About::ResourceServer(deletion.identifier.clone()), head.sequence, 0);
    let ended = registry.end_grants(&mut change, &affected, REASON, registry.now()).await?;
    for client in ended.clients.values() {
        change.put_client(client)?;
    }
    let mut effects = effects(&affected[..ended.count]);
    if ended.count < affected.len() {
        change.check_resource_server(&server);
        return Ok(Attempt::Change(Box::new(change), Step::More(effects)));
    }
    change.delete_resource_server(&server);
    change.event(EventDraft::of_resource_server(
        EventAction::ResourceServerDeleted,
        Became::Gone(&server.value),
    ));
    effects.extend(secrets);
    Ok(Attempt::Change(Box::new(change), Step::Done(effects)))
}
