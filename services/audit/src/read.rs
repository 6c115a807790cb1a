//! Events, for those they concern.

use turnpike_domain::authz::{Action, Resource, decide};
use turnpike_domain::error::Subject;
use turnpike_domain::id::TeamId;
use turnpike_domain::{Actor, Error};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Event, Registry};
use turnpike_rpc::convert::audit;
use turnpike_rpc::{Gate, Op};

/// Needs to be signed in; shows the events that concern the caller's teams, or all.
pub(crate) async fn list(
    gate: &Gate,
    op: Op,
    message: pb::ListEventsRequest,
) -> Result<pb::ListEventsResponse, Error> {
    op.authorize_new(Action::ReadEvent, &Resource::Whole)?;
    let audit::EventList { filter, page_size } = audit::parse_list(&message)?;
    let query =
        pb::ListEventsRequest { page_size: 0, page_token: String::new(), ..message.clone() };
    let place = gate.page_tokens().open(&op, &query, &message.page_token)?;

    let visible = |event: &Event| may_read(op.actor(), event);
    let listed = gate.registry().list_events(&filter, page_size, place, visible).await?;
    Ok(pb::ListEventsResponse {
        events: listed.items.into_iter().map(audit::to_event).collect(),
        next_page_token: gate.page_tokens().seal(&op, &query, listed.next)?,
    })
}

/// Needs to be of a team that the event concerns, or to read everything.
pub(crate) async fn get(
    registry: &Registry,
    op: Op,
    message: pb::GetEventRequest,
) -> Result<pb::GetEventResponse, Error> {
    op.authorize_new(Action::ReadEvent, &Resource::Whole)?;
    let sequence = audit::parse_sequence("sequence", message.sequence)?;
    let subject = Subject::new("events", message.sequence.to_string());
    let event = registry.event(sequence).await?;
    match event.filter(|event| may_read(op.actor(), event)) {
        Some(event) => Ok(pb::GetEventResponse { event: Some(audit::to_event(event)) }),
        None => Err(Error::NotFound(subject)),
    }
}

/// Whether an event concerns the caller. What they did themselves does, also where it was refused.
fn may_read(actor: &Actor, event: &Event) -> bool {
    let teams = [&event.team, &event.other_team];
    let teams: Vec<TeamId> = teams.into_iter().filter_map(|t| TeamId::parse(t).ok()).collect();
    decide(actor, Action::ReadEvent, &Resource::Event { teams: &teams }).is_ok()
        || (event.actor.is_same(&actor.principal())
            && decide(actor, Action::ReadEvent, &Resource::Whole).is_ok())
}
