//! Grants, newest first, a page at a time.

use turnpike_domain::Grant;
use turnpike_domain::actor::Role;
use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Error;
use turnpike_domain::grant::GrantState;
use turnpike_proto::v1 as pb;
use turnpike_registry::{GrantFilter, Registry};
use turnpike_rpc::Op;
use turnpike_rpc::convert::grants::{GrantList, parse_list, to_grant};
use turnpike_rpc::page_token::PageTokens;

use crate::access::grant_resource;

pub(crate) async fn handle(
    registry: &Registry,
    tokens: &PageTokens,
    op: &Op,
    mut message: pb::ListGrantsRequest,
) -> Result<pb::ListGrantsResponse, Error> {
    let list = parse_list(&message)?;
    let token = std::mem::take(&mut message.page_token);
    let query = pb::ListGrantsRequest { page_size: 0, ..message };
    check_team(op, &list)?;
    let (page_size, waiting) = (list.page_size, list.waiting_for_me);
    let filter = filter(op, list);
    let after = tokens.open(op, &query, &token)?;
    let now = registry.now();
    let decides = |grant: &Grant| {
        let may = op.authorize_new(Action::DecideGrant, &grant_resource(grant));
        grant.state_at(now) == GrantState::Pending && may.is_ok()
    };
    let visible = |grant: &Grant| {
        let may = op.authorize_new(Action::ReadGrant, &grant_resource(grant));
        may.is_ok() && (!waiting || decides(grant))
    };
    let listed = registry.list_grants(&filter, page_size, after, visible).await?;
    let items = listed.items.iter();
    Ok(pb::ListGrantsResponse {
        grants: items.map(|(grant, client)| to_grant(grant, client.as_ref(), now)).collect(),
        next_page_token: tokens.seal(op, &query, listed.next)?,
    })
}

/// Whether the caller may ask for this list: a team's own, or any for those who read all.
fn check_team(op: &Op, list: &GrantList) -> Result<(), Error> {
    op.authorize_new(Action::ReadGrant, &Resource::Whole)?;
    if let Some(team) = &list.team {
        let requester = op.actor().principal();
        let resource = Resource::Grant {
            client_team: team,
            resource_server_team: team,
            requester: &requester,
        };
        op.authorize_new(Action::ReadGrant, &resource)?;
    }
    Ok(())
}

/// Where to look: the team asked for, else the caller's own, else everywhere for those who read all. Platform
/// admins decide for every team, so what waits for them is in no team's list.
fn filter(op: &Op, list: GrantList) -> GrantFilter {
    let actor = op.actor();
    let teams = match list.team {
        Some(team) => Some(vec![team]),
        None if actor.reads_all() => None,
        None => Some(actor.teams()),
    };
    let own_lists = list.waiting_for_me && !actor.has(Role::PlatformAdmin);
    GrantFilter {
        client_id: list.client_id,
        resource_server: list.resource_server,
        teams,
        waiting_for: own_lists.then(|| actor.teams()),
        state: list.state,
        text: list.text,
    }
}
