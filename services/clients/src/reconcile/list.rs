//! What the pool has yet to be told, and where it differs.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Error;
use turnpike_proto::v1 as pb;
use turnpike_registry::Registry;
use turnpike_rpc::Op;
use turnpike_rpc::convert::reconcile::{
    parse_drift_list, parse_pending_list, to_drift_page, to_pending,
};
use turnpike_rpc::page_token::PageTokens;

pub(crate) async fn pending(
    registry: &Registry,
    tokens: &PageTokens,
    op: &Op,
    mut message: pb::ListPendingRequest,
) -> Result<pb::ListPendingResponse, Error> {
    let size = parse_pending_list(&message)?;
    op.authorize_new(Action::ReadPool, &Resource::Whole)?;
    let token = std::mem::take(&mut message.page_token);
    let query = pb::ListPendingRequest { page_size: 0, ..message };
    let listed = registry.pending(size, tokens.open(op, &query, &token)?).await?;
    Ok(pb::ListPendingResponse {
        pending: listed.items.iter().map(to_pending).collect(),
        next_page_token: tokens.seal(op, &query, listed.next)?,
    })
}

pub(crate) async fn drift(
    registry: &Registry,
    tokens: &PageTokens,
    op: &Op,
    mut message: pb::ListDriftRequest,
) -> Result<pb::ListDriftResponse, Error> {
    let (kind, size) = parse_drift_list(&message)?;
    op.authorize_new(Action::ReadPool, &Resource::Whole)?;
    let token = std::mem::take(&mut message.page_token);
    let query = pb::ListDriftRequest { page_size: 0, ..message };
    let listed = registry.list_drift(kind, size, tokens.open(op, &query, &token)?).await?;
    let next = tokens.seal(op, &query, listed.next)?;
    let walk = registry.walk_state().await?;
    Ok(to_drift_page(&listed.items, next, registry.has_pool(), &walk, registry.now()))
}

pub(crate) async fn start_walk(
    registry: &Registry,
    op: &Op,
) -> Result<pb::StartWalkResponse, Error> {
    op.authorize_new(Action::Reconcile, &Resource::Whole)?;
    registry.want_walk().await?;
    Ok(pb::StartWalkResponse {})
}
