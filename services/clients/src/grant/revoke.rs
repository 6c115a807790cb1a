//! Ends an active grant, or withdraws one that waits.

use turnpike_domain::authz::Action;
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::impact::{Effect, Impact};
use turnpike_domain::{Client, Grant};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Registry, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::grants::{GrantRevocation, parse_revoke, to_grant};
use turnpike_rpc::convert::to_impact;

use crate::access;

/// A grant that ended, its client, and what that means to others.
type Revoked = (Versioned<Grant>, Client, Impact);

pub(crate) async fn handle(
    registry: &Registry,
    op: &Op,
    message: &pb::RevokeGrantRequest,
) -> Result<pb::RevokeGrantResponse, Error> {
    let revocation = parse_revoke(message)?;
    let (grant, client, impact) =
        registry.transact(async || decide(registry, op, &revocation).await).await?;
    Ok(pb::RevokeGrantResponse {
        grant: Some(to_grant(&grant, Some(&client), registry.now())),
        impact: Some(to_impact(&impact)),
    })
}

async fn decide(
    registry: &Registry,
    op: &Op,
    revocation: &GrantRevocation,
) -> Result<Attempt<Revoked>, Error> {
    let id = &revocation.grant_id;
    let (mut grant, permit) = access::grant(registry, op, Action::RevokeGrant, id).await?;
    if grant.version != revocation.version {
        return Err(Error::Stale(access::grant_subject(id)));
    }
    let now = registry.now();
    let before = grant.value.clone();
    // One whose end was reached has ended, whether or not anyone wrote it down.
    grant.value.expire(now);
    grant.value.revoke(now, revocation.reason.to_string())?;
    // The client of a live grant is there, or the grant has ended with it since it was read.
    let client = registry.client(&grant.value.client_id).await?;
    let mut client = client.ok_or_else(|| Error::Stale(access::grant_subject(id)))?;
    let scopes = before.scopes.list().to_vec();
    let impact = Impact { effects: vec![Effect::on_grant(&before, Some(&client.value), scopes)] };
    if revocation.validate_only {
        return Ok(Attempt::Nothing((grant, client.value, impact)));
    }
    client.value.take_grant(&grant.value, now)?;
    client.value.update_time = now;
    let mut change = Change::new(&permit, op.origin());
    change.put_client(&client)?;
    change.put_grant(&grant)?;
    let (became, reason) = (Became::Other(&before, &grant.value), revocation.reason.as_str());
    change.event(EventDraft::of_grant(EventAction::GrantRevoked, became, reason));
    grant.version += 1;
    Ok(Attempt::Change(Box::new(change), (grant, client.value, impact)))
}
