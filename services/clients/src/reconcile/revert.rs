//! Tells the pool again what the registry says.

use turnpike_domain::authz::{Action, Permit, Resource};
use turnpike_domain::error::{Error, Subject as ErrorSubject};
use turnpike_domain::event::EventDraft;
use turnpike_domain::id::TeamId;
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, FieldDrift, Registry, Subject};
use turnpike_rpc::Op;
use turnpike_rpc::convert::reconcile::{parse_revert, to_fields};

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::RevertRequest,
) -> Result<pb::RevertResponse, Error> {
    let subject = parse_revert(message)?;
    let permit = op.authorize_new(Action::Reconcile, &Resource::Whole)?;
    let fields = registry.pool_differs(&subject).await?;
    if !message.validate_only && !fields.is_empty() {
        registry.transact(async || say(registry, op, &permit, &subject, &fields).await).await?;
        registry.retell(&subject).await?;
    }
    Ok(pb::RevertResponse { fields: to_fields(&fields) })
}

/// The log hears of it first: what is told twice does no harm.
async fn say(
    registry: &Registry,
    op: &Op,
    permit: &Permit,
    subject: &Subject,
    fields: &[FieldDrift],
) -> Result<Attempt<()>, Error> {
    let mut change = Change::new(permit, op.origin());
    let differed = fields.iter().map(|drift| format!("{}: {}", drift.field, drift.theirs));
    let team = owner(registry, subject).await?;
    let mut event = EventDraft::of_pool(subject.to_string(), team, differed.collect());
    match subject {
        Subject::Client(id) => event.client_id = Some(id.clone()),
        Subject::ResourceServer(id) => event.resource_server = Some(id.clone()),
    }
    change.event(event);
    Ok(Attempt::Change(Box::new(change), ()))
}

/// The team that owns an object.
async fn owner(registry: &Registry, subject: &Subject) -> Result<TeamId, Error> {
    let team = match subject {
        Subject::Client(id) => registry.client(id).await?.map(|client| client.value.team),
        Subject::ResourceServer(id) => {
            registry.resource_server(id).await?.map(|server| server.value.team)
        }
    };
    team.ok_or_else(|| Error::NotFound(ErrorSubject::new("pool", subject.to_string())))
}
