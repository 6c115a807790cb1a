//! Recomputes the chain of hashes over a range of the log.

use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::{Error, Problem};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Chain, Registry};
use turnpike_rpc::Op;
use turnpike_rpc::convert::audit::range;

/// How many events one call verifies.
const EVENTS_MAX: u64 = 100_000;

/// Needs to be an auditor or a platform admin. A broken chain is an answer.
pub(crate) async fn run(
    registry: &Registry,
    op: Op,
    message: pb::VerifyLogRequest,
) -> Result<pb::VerifyLogResponse, Error> {
    op.authorize_new(Action::ExportLog, &Resource::Whole)?;
    let head = registry.head().await?;
    let (first, last) = range(message.first_sequence, message.last_sequence, head.sequence)?;
    let last = last.min(first.saturating_add(EVENTS_MAX - 1));
    let mut answer = pb::VerifyLogResponse {
        intact: true,
        first_sequence: signed(first)?,
        head_sequence: signed(head.sequence)?,
        ..pb::VerifyLogResponse::default()
    };

    let mut chain = start(registry, first).await?;
    let mut next = first;
    while next <= last {
        let lines = registry.lines(next, last).await?;
        if lines.is_empty() {
            return broken(answer, next, "it is missing");
        }
        for line in &lines {
            if let Err(problem) = chain.follow(line) {
                return broken(answer, problem.sequence, &problem.problem);
            }
            next += 1;
            answer.last_sequence = signed(next - 1)?;
        }
    }
    if let Some((sequence, hash)) = chain.last() {
        if sequence == head.sequence && hash != head.hash {
            return broken(answer, sequence, "it is not the event that the head of the log names");
        }
        answer.last_hash = hash.to_owned();
    }
    Ok(answer)
}

/// A chain that the event before the first one begins, if there is one.
async fn start(registry: &Registry, first: u64) -> Result<Chain, Error> {
    let mut chain = Chain::new();
    if first > 1 {
        for line in registry.lines(first - 1, first - 1).await? {
            // Alone it can only fail by not being an event; the range then fails as well.
            let _ = chain.follow(&line);
        }
    }
    Ok(chain)
}

fn broken(
    mut answer: pb::VerifyLogResponse,
    sequence: u64,
    problem: &str,
) -> Result<pb::VerifyLogResponse, Error> {
    answer.intact = false;
    answer.broken_sequence = signed(sequence)?;
    answer.problem = problem.to_owned();
    Ok(answer)
}

fn signed(sequence: u64) -> Result<i64, Error> {
    i64::try_from(sequence)
        .map_err(|_| Error::invalid("sequence", Problem::OutOfRange("a sequence of the log")))
}
