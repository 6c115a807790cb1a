//! The sessions of a person, a page at a time.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::{Error, Subject};
use turnpike_domain::{Principal, PrincipalKind};
use turnpike_proto::v1 as pb;
use turnpike_registry::Registry;
use turnpike_rpc::Op;
use turnpike_rpc::convert::sessions::{SessionList, parse_list, to_session};
use turnpike_rpc::page_token::PageTokens;

pub(crate) async fn handle(
    registry: &Registry,
    tokens: &PageTokens,
    op: &Op,
    mut message: pb::ListSessionsRequest,
) -> Result<pb::ListSessionsResponse, Error> {
    let SessionList { page_size, person_id } = parse_list(&message)?;
    let token = std::mem::take(&mut message.page_token);
    let query = pb::ListSessionsRequest { page_size: 0, ..message };
    let person = match person_id {
        Some(id) => Principal { kind: PrincipalKind::Staff, id, display_name: String::new() },
        None => op.actor().principal(),
    };
    let subject = Subject::new("people", person.id.clone());
    op.authorize(Action::ReadSessions, &Resource::Session { person: &person }, subject)?;
    let after = tokens.open(op, &query, &token)?;
    if person.kind != PrincipalKind::Staff {
        return Ok(pb::ListSessionsResponse::default());
    }
    let listed = registry.list_sessions(&person.id, page_size, after).await?;
    let sessions = listed.items.iter();
    Ok(pb::ListSessionsResponse {
        sessions: sessions.map(|session| to_session(&session.value, op.now())).collect(),
        next_page_token: tokens.seal(op, &query, listed.next)?,
    })
}
