//! Approves and denies a grant that waits.

use turnpike_domain::authz::Action;
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::grant::Decision;
use turnpike_domain::{Client, Grant};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Registry, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::grants::{GrantDecision, parse_approve, parse_deny, to_grant};

use crate::access;

pub(crate) async fn approve(
    registry: &Registry,
    op: &Op,
    message: &pb::ApproveGrantRequest,
) -> Result<pb::ApproveGrantResponse, Error> {
    let decision = parse_approve(message)?;
    let decide = async || decide(registry, op, &decision, true).await;
    let (grant, client) = registry.transact(decide).await?;
    let grant = Some(to_grant(&grant, Some(&client), registry.now()));
    Ok(pb::ApproveGrantResponse { grant })
}

pub(crate) async fn deny(
    registry: &Registry,
    op: &Op,
    message: &pb::DenyGrantRequest,
) -> Result<pb::DenyGrantResponse, Error> {
    let decision = parse_deny(message)?;
    let decide = async || decide(registry, op, &decision, false).await;
    let (grant, client) = registry.transact(decide).await?;
    let grant = Some(to_grant(&grant, Some(&client), registry.now()));
    Ok(pb::DenyGrantResponse { grant })
}

async fn decide(
    registry: &Registry,
    op: &Op,
    decision: &GrantDecision,
    approved: bool,
) -> Result<Attempt<(Versioned<Grant>, Client)>, Error> {
    let id = &decision.grant_id;
    let (mut grant, permit) = access::grant(registry, op, Action::DecideGrant, id).await?;
    if grant.version != decision.version {
        return Err(Error::Stale(access::grant_subject(id)));
    }
    let now = registry.now();
    let before = grant.value.clone();
    // One whose end was reached no longer waits, whether or not anyone wrote it down.
    grant.value.expire(now);
    let decided =
        Decision { decider: permit.principal().clone(), time: now, note: decision.note.clone() };
    let mut change = Change::new(&permit, op.origin());
    let action = if approved {
        grant.value.approve(decided)?;
        check_offered(registry, &mut change, &grant.value).await?;
        EventAction::GrantApproved
    } else {
        grant.value.deny(decided)?;
        EventAction::GrantDenied
    };
    // The client of a grant that waits is there, or the grant has ended with it since it was read.
    let client = registry.client(&grant.value.client_id).await?;
    let mut client = client.ok_or_else(|| Error::Stale(access::grant_subject(id)))?;
    client.value.take_grant(&grant.value, now)?;
    if decision.validate_only {
        return Ok(Attempt::Nothing((grant, client.value)));
    }
    client.value.update_time = now;
    change.put_client(&client)?;
    change.put_grant(&grant)?;
    let became = Became::Other(&before, &grant.value);
    change.event(EventDraft::of_grant(action, became, decision.note.as_str()));
    grant.version += 1;
    Ok(Attempt::Change(Box::new(change), (grant, client.value)))
}

/// Holds the change to the resource server as it is, which must still offer the scopes: a grant that waits ends
/// or shrinks with them, unless it was read just before.
async fn check_offered(
    registry: &Registry,
    change: &mut Change,
    grant: &Grant,
) -> Result<(), Error> {
    let server = registry.resource_server(&grant.resource_server).await?;
    match server {
        Some(server) if grant.scopes.list().iter().all(|scope| server.value.offers(scope)) => {
            change.check_resource_server(&server);
            Ok(())
        }
        _ => Err(Error::Stale(access::grant_subject(&grant.grant_id))),
    }
}
