//! Resource servers, a page at a time.

use turnpike_domain::ResourceServer;
use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Error;
use turnpike_proto::v1 as pb;
use turnpike_registry::{Registry, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::SecretUses;
use turnpike_rpc::convert::resource_servers::{ResourceServerList, parse_list, to_resource_server};
use turnpike_rpc::page_token::PageTokens;

use crate::resource;

pub(crate) async fn handle(
    registry: &Registry,
    tokens: &PageTokens,
    op: &Op,
    mut message: pb::ListResourceServersRequest,
) -> Result<pb::ListResourceServersResponse, Error> {
    let ResourceServerList { page_size, filter } = parse_list(&message)?;
    let token = std::mem::take(&mut message.page_token);
    let query = pb::ListResourceServersRequest { page_size: 0, ..message };
    op.authorize_new(Action::ReadCatalogue, &Resource::Whole)?;
    let after = tokens.open(op, &query, &token)?;
    let listed = registry.list_resource_servers(&filter, page_size, after).await?;
    Ok(pb::ListResourceServersResponse {
        resource_servers: listed.items.iter().map(|server| shown(op, server)).collect(),
        next_page_token: tokens.seal(op, &query, listed.next)?,
    })
}

/// With its secrets for those who may see them; when they were used is not in lists.
fn shown(op: &Op, server: &Versioned<ResourceServer>) -> pb::ResourceServer {
    let may_see = op.authorize_new(Action::ReadResourceServerSecrets, &resource(&server.value));
    to_resource_server(server, may_see.is_ok().then(SecretUses::new).as_ref())
}
