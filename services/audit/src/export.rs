//! The log as it is kept, in a stream that waits for its reader.

use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use turnpike_domain::Error;
use turnpike_domain::authz::{Action, Resource};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Registry, sha256_hex};
use turnpike_rpc::convert::audit::range;
use turnpike_rpc::{Op, status};

use crate::Exported;

/// How many lines a message carries: events have some 500 bytes, and a message may have 4 MiB.
const LINES: usize = 500;
/// The most text in a message.
const BYTES: usize = 1024 * 1024;

/// Needs to be an auditor or a platform admin.
pub(crate) async fn run(
    registry: Registry,
    op: Op,
    message: pb::ExportEventsRequest,
) -> Result<Exported, Error> {
    op.authorize_new(Action::ExportLog, &Resource::Whole)?;
    let head = registry.head().await?.sequence;
    let (first, last) = range(message.first_sequence, message.last_sequence, head)?;
    // One message waits while the reader takes another: a slow reader slows the reading.
    let (send, receive) = mpsc::channel(1);
    tokio::spawn(async move {
        if let Err(error) = read(&registry, first, last, &send).await {
            let _ = send.send(Err(error)).await;
        }
    });
    // With the stream goes the call, which counts as in flight until its reader has it all or goes away.
    let stream = ReceiverStream::new(receive)
        .map(move |part| part.map_err(|error| status::of(&error, &op.origin().request_id)));
    Ok(Box::pin(stream))
}

type Part = Result<pb::ExportEventsResponse, Error>;

async fn read(
    registry: &Registry,
    first: u64,
    last: u64,
    send: &mpsc::Sender<Part>,
) -> Result<(), Error> {
    let mut next = first;
    while next <= last {
        let lines = registry.lines(next, last).await?;
        if lines.is_empty() {
            return Err(Error::internal(format!("event {next} is missing from the log")));
        }
        for lines in chunks(lines) {
            next += lines.len() as u64;
            let part = pb::ExportEventsResponse {
                last_sequence: i64::try_from(next - 1).map_err(Error::internal)?,
                last_hash: lines.last().map(|l| sha256_hex(l.as_bytes())).unwrap_or_default(),
                lines,
            };
            if send.send(Ok(part)).await.is_err() {
                // The reader went away.
                return Ok(());
            }
        }
    }
    Ok(())
}

fn chunks(lines: Vec<String>) -> Vec<Vec<String>> {
    let mut chunks: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for line in lines {
        bytes += line.len();
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < LINES && bytes <= BYTES => chunk.push(line),
            _ => {
                bytes = line.len();
                chunks.push(vec![line]);
            }
        }
    }
    chunks
}
