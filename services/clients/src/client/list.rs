//! Clients, a page at a time.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Error;
use turnpike_domain::id::TeamId;
use turnpike_proto::v1 as pb;
use turnpike_registry::{ClientFilter, Registry};
use turnpike_rpc::Op;
use turnpike_rpc::convert::SecretUses;
use turnpike_rpc::convert::clients::{ClientList, parse_list, to_client};
use turnpike_rpc::page_token::PageTokens;

pub(crate) async fn handle(
    registry: &Registry,
    tokens: &PageTokens,
    op: &Op,
    mut message: pb::ListClientsRequest,
) -> Result<pb::ListClientsResponse, Error> {
    let ClientList { page_size, team, enabled, text } = parse_list(&message)?;
    let token = std::mem::take(&mut message.page_token);
    let query = pb::ListClientsRequest { page_size: 0, ..message };
    let filter = ClientFilter { teams: teams(op, team)?, enabled, text };
    let after = tokens.open(op, &query, &token)?;
    let listed = registry.list_clients(&filter, page_size, after).await?;
    let (uses, now) = (SecretUses::new(), registry.now());
    Ok(pb::ListClientsResponse {
        clients: listed.items.iter().map(|client| to_client(client, &uses, now)).collect(),
        next_page_token: tokens.seal(op, &query, listed.next)?,
    })
}

/// The teams whose clients the caller sees: the one asked for, their own, or all (`None`).
fn teams(op: &Op, asked: Option<TeamId>) -> Result<Option<Vec<TeamId>>, Error> {
    op.authorize_new(Action::ReadClient, &Resource::Whole)?;
    match asked {
        Some(team) => {
            let resource = Resource::Client { team: &team, related: &[] };
            op.authorize_new(Action::ReadClient, &resource)?;
            Ok(Some(vec![team]))
        }
        None if op.actor().reads_all() => Ok(None),
        None => Ok(Some(op.actor().teams())),
    }
}
