//! What the service, or the way to it, answered instead of an answer.

use std::error::Error as StdError;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId as _;
use turnpike_registry::store::Error;

/// The codes that say "too much at once": of whole calls, and of one write of a transaction.
const THROTTLED: &[&str] = &[
    "LimitExceededException",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingError",
    "ThrottlingException",
];

/// A failed call, in words that may be logged. `SdkError` itself may not: its `Debug` prints headers and bodies,
/// and its `Display` says nothing.
#[derive(Debug, thiserror::Error)]
#[error("{call}: {words}")]
pub struct Failure {
    call: &'static str,
    words: String,
    kind: Kind,
}

/// What a failed call means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Nothing was done, and the same call may succeed later.
    Busy,
    /// Nobody knows whether it was done.
    Lost,
    /// Nothing was done, and waiting does not help.
    Refused,
}

impl Failure {
    /// Reads an error of the SDK.
    pub fn of<E>(call: &'static str, error: &SdkError<E, HttpResponse>) -> Failure
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let (kind, mut words) = match error {
            SdkError::ServiceError(service) => {
                let status = service.raw().status();
                let code = service.err().code();
                let kind = match code {
                    Some(code) if throttled(code) => Kind::Busy,
                    Some("TransactionInProgressException") => Kind::Lost,
                    _ if status.is_server_error() => Kind::Lost,
                    _ => Kind::Refused,
                };
                let code = code.map_or_else(|| format!("HTTP {status}"), str::to_owned);
                let message = service.err().message().unwrap_or("no more is said");
                (kind, format!("{code}: {message}"))
            }
            SdkError::ConstructionFailure(_) => (Kind::Refused, causes(error)),
            _ => (Kind::Lost, causes(error)),
        };
        if let Some(id) = error.request_id() {
            words = format!("{words} (request {id})");
        }
        Failure { call, words, kind }
    }

    /// What it means.
    pub const fn kind(&self) -> Kind {
        self.kind
    }
}

/// A read that failed after the SDK's own retries.
pub fn read<E>(call: &'static str, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let failure = Failure::of(call, error);
    match failure.kind {
        Kind::Busy => Error::Contended,
        Kind::Lost | Kind::Refused => Error::Unavailable(failure.into()),
    }
}

/// Whether a code says "too much at once".
pub fn throttled(code: &str) -> bool {
    THROTTLED.contains(&code)
}

/// The words of an error and of what caused it, outermost first.
fn causes(error: &dyn StdError) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words = format!("{words}: {cause}");
        next = cause.source();
    }
    words
}
