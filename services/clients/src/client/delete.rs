//! Deletes a client; ends its grants.

use turnpike_domain::Client;
use turnpike_domain::authz::Action;
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::impact::{Effect, EffectKind, Impact};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Affected, Attempt, Change, Registry};
use turnpike_rpc::Op;
use turnpike_rpc::convert::clients::{ClientDeletion, parse_delete};
use turnpike_rpc::convert::to_impact;

use crate::access;

/// Why a grant ended, in words.
const REASON: &str = "the client was deleted";

/// What a step of the deletion came to.
enum Step {
    /// It is done.
    Done(Vec<Effect>),
    /// Grants ended, there are more than one change holds, and the client is at this revision now.
    More(Vec<Effect>, u64),
}

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::DeleteClientRequest,
) -> Result<pb::DeleteClientResponse, Error> {
    let impact = run(registry, op, parse_delete(message)?).await?;
    Ok(pb::DeleteClientResponse { impact: Some(to_impact(&impact)) })
}

/// As many changes as it takes: all but the last only end grants.
async fn run(registry: &Registry, op: &Op, mut deletion: ClientDeletion) -> Result<Impact, Error> {
    let mut all = Vec::new();
    loop {
        match registry.transact(async || decide(registry, op, &deletion).await).await? {
            Step::More(mut ended, version) => {
                all.append(&mut ended);
                deletion.version = version;
            }
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
    deletion: &ClientDeletion,
) -> Result<Attempt<Step>, Error> {
    let id = &deletion.client_id;
    let (client, permit) = access::client(registry, op, Action::ManageClient, id).await?;
    if client.version != deletion.version {
        return Err(Error::Stale(access::client_subject(id)));
    }
    // Each change of a grant changes its client too: what is decided here holds for this revision.
    let live = registry.live_grants_of_client(id).await?;
    let affected = registry.affected(live, |_| true).await?;
    Affected::check_force(deletion.force, &affected)?;
    let mut effects: Vec<Effect> = affected.iter().map(|a| a.effect.clone()).collect();
    if deletion.validate_only {
        effects.extend(own_effects(&client.value));
        return Ok(Attempt::Nothing(Step::Done(effects)));
    }
    let mut change = Change::new(&permit, op.origin());
    let ended = registry.end_grants(&mut change, &affected, REASON, registry.now()).await?;
    if ended.count < affected.len() {
        for client in ended.clients.values() {
            change.put_client(client)?;
        }
        effects.truncate(ended.count);
        let step = Step::More(effects, client.version + 1);
        return Ok(Attempt::Change(Box::new(change), step));
    }
    effects.extend(own_effects(&client.value));
    change.delete_client(&client);
    let became = Became::Gone(&client.value);
    change.event(EventDraft::of_client(EventAction::ClientDeleted, became));
    Ok(Attempt::Change(Box::new(change), Step::Done(effects)))
}

/// What happens to the client itself.
fn own_effects(client: &Client) -> Vec<Effect> {
    let stops = client.enabled.then_some(EffectKind::ClientStops);
    let kinds = stops.into_iter().chain([EffectKind::TokensRefused]);
    kinds.map(|kind| Effect::on_client(kind, client)).collect()
}
