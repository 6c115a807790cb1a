//! Ends a session from elsewhere.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::{Error, Subject};
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::session::{EndReason, Session, SessionId};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Registry};
use turnpike_rpc::Op;
use turnpike_rpc::convert::sessions::{parse_end, to_session};

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::EndSessionRequest,
) -> Result<pb::EndSessionResponse, Error> {
    let id = parse_end(message)?;
    let ask = message.validate_only;
    let session = registry.transact(async || decide(registry, op, &id, ask).await).await?;
    Ok(pb::EndSessionResponse { session: Some(to_session(&session, op.now())) })
}

async fn decide(
    registry: &Registry,
    op: &Op,
    id: &SessionId,
    ask: bool,
) -> Result<Attempt<Session>, Error> {
    let subject = || Subject::new("sessions", id.as_str());
    let found = registry.session(id).await?;
    let mut session = found.ok_or_else(|| Error::NotFound(subject()))?;
    let before = session.value.clone();
    let resource = Resource::Session { person: &before.person };
    let permit = op.authorize(Action::EndSession, &resource, subject())?;
    if !session.value.end(registry.now(), EndReason::Ended) || ask {
        return Ok(Attempt::Nothing(session.value));
    }
    let mut change = Change::new(&permit, op.origin());
    change.end_session(&session)?;
    let became = Became::Other(&before, &session.value);
    change.event(EventDraft::of_session(EventAction::SessionEnded, became));
    Ok(Attempt::Change(Box::new(change), session.value))
}
