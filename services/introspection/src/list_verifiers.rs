//! The verifiers of a resource server, on all replicas, a page at a time.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::Subject;
use turnpike_domain::{Error, Identifier, Timestamp};
use turnpike_proto::v1 as pb;
use turnpike_registry::verifiers::{FollowingVerifier, FollowingVerifiers};
use turnpike_registry::{Place, Versioned};
use turnpike_rpc::convert::introspection::{VerifierList, parse_list_verifiers};
use turnpike_rpc::convert::to_time;
use turnpike_rpc::{Gate, Op};

use crate::Inner;

/// Whoever reads the catalogue learns how many there are and how many know everything; which ones they are, those who
/// see the resource server's secrets.
pub(crate) async fn handle(
    inner: &Inner,
    gate: &Gate,
    op: &Op,
    mut message: pb::ListVerifiersRequest,
) -> Result<pb::ListVerifiersResponse, Error> {
    let VerifierList { identifier, page_size } = parse_list_verifiers(&message)?;
    let token = std::mem::take(&mut message.page_token);
    let query = pb::ListVerifiersRequest { page_size: 0, ..message };
    op.authorize_new(Action::ReadCatalogue, &Resource::Whole)?;
    let server = inner.registry.resource_server(&identifier).await?;
    let Versioned { value: server, .. } = server
        .ok_or_else(|| Error::NotFound(Subject::new("resource-servers", identifier.as_str())))?;
    let after = gate.page_tokens().open(op, &query, &token)?;
    let all = all(inner, &identifier).await?;
    let changed = *inner.policy.watch(&identifier).borrow();
    let resource =
        Resource::ResourceServer { team: &server.team, built_in: server.identifier.is_built_in() };
    let named = op.authorize_new(Action::ReadResourceServerSecrets, &resource).is_ok();
    let mut listed = if named { sorted(&all) } else { Vec::new() };
    if let Some(after) = &after {
        listed.retain(|verifier| sorted_by(verifier) > *after.sorted_by());
    }
    let next = (listed.len() > page_size).then(|| listed.get(page_size - 1)).flatten();
    let next = next.map(|last| Place::after(sorted_by(last)));
    listed.truncate(page_size);
    Ok(pb::ListVerifiersResponse {
        verifiers: listed.iter().map(|verifier| shown(verifier, changed)).collect(),
        next_page_token: gate.page_tokens().seal(op, &query, next)?,
        total: count(all.iter().map(|of| of.total)),
        up_to_date: count(
            all.iter().flat_map(|of| &of.applied).filter(|(at, _)| *at >= changed).map(|(_, n)| *n),
        ),
        changed_sequence: changed.cast_signed(),
    })
}

async fn all(inner: &Inner, identifier: &Identifier) -> Result<Vec<FollowingVerifiers>, Error> {
    let mut all = inner.registry.verifiers_of_others(identifier, &inner.replica).await?;
    all.push(inner.connected.of(identifier));
    Ok(all)
}

fn sorted(all: &[FollowingVerifiers]) -> Vec<&FollowingVerifier> {
    let mut listed: Vec<&FollowingVerifier> = all.iter().flat_map(|of| &of.listed).collect();
    listed.sort_by_cached_key(|verifier| sorted_by(verifier));
    listed
}

/// By name; those of one name by age. Two that agree in both are told apart by nothing that anybody sees.
fn sorted_by(verifier: &FollowingVerifier) -> (String, String) {
    (verifier.name.clone(), format!("{:020}", verifier.since))
}

fn shown(verifier: &FollowingVerifier, changed: u64) -> pb::Verifier {
    pb::Verifier {
        name: verifier.name.clone(),
        software: verifier.software.clone(),
        connect_time: Some(to_time(Timestamp::from_millis(verifier.since))),
        applied_sequence: verifier.applied.cast_signed(),
        up_to_date: verifier.applied >= changed,
    }
}

fn count(numbers: impl Iterator<Item = usize>) -> i32 {
    i32::try_from(numbers.sum::<usize>()).unwrap_or(i32::MAX)
}
