//! The log, between wire and domain.

use turnpike_domain::id::ClientId;
use turnpike_domain::{Error, Identifier, Problem, Violations};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Event, EventFilter};

use super::{optional, page_size, parse_time, team_filter, to_principal, to_time};

/// A page of events that is asked for.
#[derive(Clone, Debug)]
pub struct EventList {
    /// Which events.
    pub filter: EventFilter,
    /// How many at most.
    pub page_size: usize,
}

/// A page of events that is asked for.
///
/// # Errors
///
/// [`Error::Invalid`] with every field that breaks a rule.
pub fn parse_list(message: &pb::ListEventsRequest) -> Result<EventList, Error> {
    let mut wrong = Violations::new();
    let client_id = wrong.take("client_id", optional(&message.client_id, ClientId::parse));
    let resource_server =
        wrong.take("resource_server", optional(&message.resource_server, Identifier::parse));
    let team = wrong.take("team", team_filter(&message.team));
    let action = wrong.take("action", parse_action(&message.action));
    let actor_id = wrong.take("actor_id", parse_actor(&message.actor_id));
    let from = wrong.take("from_time", parse_time(message.from_time.as_ref()));
    let to = wrong.take("to_time", parse_time(message.to_time.as_ref()));
    let page_size = wrong.take("page_size", page_size(message.page_size));
    let list = (|| {
        let filter = EventFilter {
            client_id: client_id?,
            resource_server: resource_server?,
            team: team?,
            action: action?,
            actor_id: actor_id?,
            from: from?,
            to: to?,
        };
        Some(EventList { filter, page_size: page_size? })
    })();
    wrong.finish(list)
}

/// A place in the log.
///
/// # Errors
///
/// [`Error::Invalid`] if it is not positive.
pub fn parse_sequence(field: &'static str, sequence: i64) -> Result<u64, Error> {
    u64::try_from(sequence)
        .ok()
        .filter(|sequence| *sequence > 0)
        .ok_or_else(|| Error::invalid(field, Problem::OutOfRange("1 or more")))
}

/// First and last event of a range in a log whose newest is `head`; 0 is the log's own end.
///
/// # Errors
///
/// [`Error::Invalid`] if one is negative, or the range ends before it begins.
pub fn range(first: i64, last: i64, head: u64) -> Result<(u64, u64), Error> {
    let first = if first == 0 { 1 } else { parse_sequence("first_sequence", first)? };
    let last = if last == 0 { head } else { parse_sequence("last_sequence", last)?.min(head) };
    if first > last.saturating_add(1) && first > 1 {
        let problem = Problem::OutOfRange("within the log, and not after last_sequence");
        return Err(Error::invalid("first_sequence", problem));
    }
    Ok((first, last))
}

/// An event for a caller who may read it.
pub fn to_event(event: Event) -> pb::Event {
    pb::Event {
        sequence: i64::try_from(event.sequence).unwrap_or(i64::MAX),
        time: Some(to_time(event.time)),
        action: event.action,
        actor: Some(to_principal(&event.actor)),
        team: event.team,
        subject: event.subject,
        client_id: event.client_id,
        resource_server: event.resource_server,
        changes: event
            .changes
            .into_iter()
            .map(|(field, before, after)| pb::FieldChange { field, before, after })
            .collect(),
        reason: event.reason,
        request_id: event.request_id,
        method: event.method,
        refusal: event.refusal,
        previous_hash: event.previous_hash,
        hash: event.hash,
    }
}

fn parse_action(text: &str) -> Result<String, Problem> {
    let right = text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_lowercase() || b"._".contains(&b) || b == b'*')
        && !text.trim_end_matches('*').contains('*');
    if right { Ok(text.to_owned()) } else { Err(Problem::Malformed("an action, or `object.*`")) }
}

fn parse_actor(text: &str) -> Result<String, Problem> {
    if text.len() > 256 || text.chars().any(char::is_control) {
        return Err(Problem::Malformed("the id of a principal"));
    }
    Ok(text.to_owned())
}
