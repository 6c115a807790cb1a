//! Teams, a page at a time.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Error;
use turnpike_proto::v1 as pb;
use turnpike_registry::Registry;
use turnpike_rpc::Op;
use turnpike_rpc::convert::teams::{TeamList, parse_list};
use turnpike_rpc::page_token::PageTokens;

use crate::shown;

pub(crate) async fn handle(
    registry: &Registry,
    tokens: &PageTokens,
    op: &Op,
    mut message: pb::ListTeamsRequest,
) -> Result<pb::ListTeamsResponse, Error> {
    let TeamList { page_size, filter } = parse_list(&message)?;
    let token = std::mem::take(&mut message.page_token);
    let query = pb::ListTeamsRequest { page_size: 0, ..message };
    op.authorize_new(Action::ReadCatalogue, &Resource::Whole)?;
    let after = tokens.open(op, &query, &token)?;
    let seen = registry.teams_seen().await?;
    let listed = registry.list_teams(&filter, &seen, page_size, after).await?;
    let teams = listed.items.iter();
    Ok(pb::ListTeamsResponse {
        teams: teams.map(|team| shown(op, team, seen.get(&team.value.team).copied())).collect(),
        next_page_token: tokens.seal(op, &query, listed.next)?,
    })
}
