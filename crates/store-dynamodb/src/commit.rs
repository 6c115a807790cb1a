//! Makes a commit, as often as it takes to know whether it was made.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Config;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::TransactWriteItem;
use tokio::time::{Instant, sleep};
use turnpike_registry::store::{Error, Write};
use uuid::Uuid;

use crate::failure::{Failure, Kind};
use crate::write::{Cancelled, actions};

const CALL: &str = "TransactWriteItems";
/// How often a commit is sent at most.
const TRIES: u32 = 8;
/// The longest pause after the first try; it doubles with each, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How much is tried for one commit.
#[derive(Clone, Copy, Debug)]
pub struct Tries {
    /// After this no new try begins.
    pub within: Duration,
}

/// All of the writes, or none.
///
/// The SDK's own retries are off, for they do not tell whether a try before the last one may have been made. All
/// tries carry one token, by which the service knows, for ten minutes, that it has made the commit.
pub async fn commit(
    client: &Client,
    table: &str,
    writes: &[Write],
    tries: Tries,
) -> Result<(), Error> {
    let actions = actions(table, writes)?;
    let token = Uuid::new_v4();
    let until = Instant::now() + tries.within;
    let mut lost = None;
    let mut pauses = pauses(&token);
    loop {
        match attempt(client, &actions, &token).await {
            Outcome::Made => return Ok(()),
            Outcome::Refused(error) => return Err(error),
            Outcome::Busy => {}
            Outcome::Lost(failure) => {
                tracing::warn!(error = %failure, "store.commit_unanswered");
                lost = Some(failure);
            }
        }
        let pause = pauses.next().filter(|pause| Instant::now() + *pause < until);
        match (pause, lost.take()) {
            (Some(pause), failure) => {
                lost = failure;
                sleep(pause).await;
            }
            // Once a try may have been made, no later one that others were in the way of says that it was not.
            (None, Some(failure)) => return Err(Error::Unavailable(failure.into())),
            (None, None) => return Err(Error::Contended),
        }
    }
}

/// What became of one try.
enum Outcome {
    Busy,
    Lost(Failure),
    Made,
    Refused(Error),
}

async fn attempt(client: &Client, actions: &[TransactWriteItem], token: &Uuid) -> Outcome {
    let once = Config::builder().retry_config(RetryConfig::disabled());
    let answer = client
        .transact_write_items()
        .set_transact_items(Some(actions.to_vec()))
        .client_request_token(token.to_string())
        .customize()
        .config_override(once)
        .send()
        .await;
    let Err(error) = answer else { return Outcome::Made };
    if let SdkError::ServiceError(service) = &error
        && let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.err()
    {
        return match Cancelled::of(cancelled.cancellation_reasons()) {
            Cancelled::Busy => Outcome::Busy,
            Cancelled::Precondition(position) => Outcome::Refused(Error::Precondition(position)),
            Cancelled::Refused(code) => {
                tracing::error!(code, "store.commit_refused");
                Outcome::Refused(Error::Invalid("DynamoDB does not take a write of this commit"))
            }
        };
    }
    let failure = Failure::of(CALL, &error);
    match failure.kind() {
        Kind::Busy => Outcome::Busy,
        Kind::Lost => Outcome::Lost(failure),
        Kind::Refused => Outcome::Refused(Error::Unavailable(failure.into())),
    }
}

/// How long to wait before each further try: any part of a span that doubles, so that those who met do not meet
/// again. The token is as random as the parts need to be.
fn pauses(token: &Uuid) -> impl Iterator<Item = Duration> {
    let spans = (0..TRIES - 1).map(|n| (FIRST_PAUSE * 2_u32.pow(n)).min(LONGEST_PAUSE));
    let parts = token.into_bytes().into_iter().rev();
    spans.zip(parts).map(|(span, part)| span * u32::from(part) / u32::from(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_within_their_bounds() {
        let spans = [20, 40, 80, 160, 320, 500, 500].map(Duration::from_millis);
        assert!(pauses(&Uuid::max()).eq(spans));
        assert!(pauses(&Uuid::nil()).eq([Duration::ZERO; 7]));
        let token = Uuid::new_v4();
        assert!(pauses(&token).zip(spans).all(|(pause, span)| pause <= span));
    }
}
