//! Sessions of people, between wire and domain.

use turnpike_domain::session::{EndReason, Session, SessionId, SessionState};
use turnpike_domain::{Error, Problem, Timestamp, Violations};
use turnpike_proto::v1 as pb;

use super::{optional, page_size, to_principal, to_time};

/// A page of sessions.
#[derive(Clone, Debug)]
pub struct SessionList {
    /// How many at most.
    pub page_size: usize,
    /// Whose; the caller's own if `None`.
    pub person_id: Option<String>,
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_list(message: &pb::ListSessionsRequest) -> Result<SessionList, Error> {
    let mut v = Violations::new();
    let page_size = v.take("page_size", page_size(message.page_size));
    let person_id = v.take("person_id", optional(&message.person_id, parse_person));
    let built = || Some(SessionList { page_size: page_size?, person_id: person_id? });
    v.finish(built())
}

/// The session that a request names.
///
/// # Errors
///
/// [`Error::Invalid`].
pub fn parse_end(message: &pb::EndSessionRequest) -> Result<SessionId, Error> {
    let mut v = Violations::new();
    let session_id = v.take("session_id", SessionId::parse(&message.session_id));
    v.finish(session_id)
}

/// A session on the wire.
pub fn to_session(session: &Session, now: Timestamp) -> pb::Session {
    let state = match session.state_at(now) {
        SessionState::Live => pb::SessionState::Live,
        SessionState::Ended(EndReason::Ended) => pb::SessionState::Ended,
        SessionState::Ended(EndReason::Refused) => pb::SessionState::Refused,
        SessionState::Ended(EndReason::Replaced | EndReason::SignedOut) => {
            pb::SessionState::SignedOut
        }
        SessionState::Expired | SessionState::Idle => pb::SessionState::Expired,
    };
    let Session { session_id, person, create_time, expire_time, seen_time, .. } = session;
    pb::Session {
        session_id: session_id.to_string(),
        person: Some(to_principal(person)),
        state: state.into(),
        create_time: Some(to_time(*create_time)),
        last_seen_time: Some(to_time(*seen_time)),
        expire_time: Some(to_time(*expire_time)),
    }
}

fn parse_person(text: &str) -> Result<String, Problem> {
    if text.len() > 512 || text.chars().any(char::is_control) {
        return Err(Problem::Malformed("the id of a principal"));
    }
    Ok(text.to_owned())
}
