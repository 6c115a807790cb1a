//! One call of the API with its turn, its retries and its bounds.
//!
//! The SDK's own retries are off: they would repeat a create whose answer was lost, and a full quota.

use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_cognitoidentityprovider::config::http::HttpResponse;
use aws_sdk_cognitoidentityprovider::error::{ProvideErrorMetadata, SdkError};
use tokio::time::{Instant, sleep};
use turnpike_domain::authorization_server::pool;
use turnpike_domain::ports::Entropy;

use crate::budget::{Budget, Priority, TooLate};
use crate::operation::Operation;

/// The longest pause after the first failure; it doubles with each, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Codes that say "too much at once".
const THROTTLED: &[&str] = &[
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// What a call came to that did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing was done, and it may be later.
    Busy { retry_after_ms: u64 },
    /// Nobody knows whether it was done.
    Lost(Lost),
    /// Refused. Nothing was done.
    Refused { code: String, message: String },
}

/// A call without a usable answer, in words that may be logged. `SdkError` itself may not: its `Debug` shows headers
/// and bodies, and its `Display` says nothing.
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {words}")]
pub(crate) struct Lost {
    operation: &'static str,
    words: String,
}

/// How calls are made.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) budget: &'a Budget,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) priority: Priority,
    /// After this no attempt begins.
    pub(crate) until: Instant,
}

impl Caller<'_> {
    /// Calls until there is an answer or the time is up. What [makes another](Operation::makes_another)
    /// thing is sent again only after an answer that nothing was done.
    pub(crate) async fn call<T, E, F>(
        &self,
        operation: Operation,
        attempt: impl Fn() -> F + Send,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + StdError + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    {
        let mut lost = None;
        for failures in 0.. {
            let turn = self.budget.admit(operation, self.priority, self.until).await;
            if let Err(TooLate(wait)) = turn {
                return Err(given_up(lost, wait));
            }
            let failure = match attempt().await {
                Ok(answer) => return Ok(answer),
                Err(error) => Failed::of(operation, &error),
            };
            match failure {
                Failed::Conflict => {}
                Failed::Lost(failure) => {
                    tracing::warn!(error = %failure, "cognito.unanswered");
                    if operation.makes_another() {
                        return Err(Failure::Lost(failure));
                    }
                    lost = Some(failure);
                }
                Failed::Refused { code, message } => {
                    return Err(Failure::Refused { code, message });
                }
                Failed::Throttled => {
                    tracing::info!(operation = operation.name(), "cognito.throttled");
                    self.budget.throttled(operation);
                }
            }
            let pause = self.pause(failures);
            if Instant::now() + pause >= self.until {
                return Err(given_up(lost, pause));
            }
            sleep(pause).await;
        }
        // The loop ends with the time.
        Err(given_up(lost, LONGEST_PAUSE))
    }

    /// Somewhere between nothing and the bound, so that callers who failed together come apart.
    fn pause(&self, failures: u32) -> Duration {
        let bound = FIRST_PAUSE.saturating_mul(1 << failures.min(10)).min(LONGEST_PAUSE);
        let mut byte = [0];
        self.entropy.fill(&mut byte);
        bound.mul_f64(f64::from(byte[0]) / 255.0)
    }
}

/// What became of one attempt.
enum Failed {
    Conflict,
    Lost(Lost),
    Refused { code: String, message: String },
    Throttled,
}

impl Failed {
    fn of<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let lost = |words| Self::Lost(Lost { operation: operation.name(), words });
        let SdkError::ServiceError(service) = error else { return lost(causes(error)) };
        let status = service.raw().status();
        match service.err().code() {
            Some(code) if THROTTLED.contains(&code) => Self::Throttled,
            Some("ConcurrentModificationException") => Self::Conflict,
            Some(code) if !status.is_server_error() => Self::Refused {
                code: code.to_owned(),
                message: service.err().message().unwrap_or_default().to_owned(),
            },
            code => lost(format!("HTTP {} {}", status.as_u16(), code.unwrap_or_default())),
        }
    }
}

impl Failure {
    /// As the seam has it, where what was refused means nothing more than that.
    pub(crate) fn into_error(self) -> pool::Error {
        match self {
            Self::Busy { retry_after_ms } => pool::Error::Busy { retry_after_ms },
            Self::Lost(lost) => pool::Error::Unknown(lost.into()),
            Self::Refused { code, message } => pool::Error::Refused(format!("{code}: {message}")),
        }
    }

    /// Whether what the call was about is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        self.is("ResourceNotFoundException")
    }

    pub(crate) fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == wanted)
    }

    /// Without a value that must not be logged, should the service have repeated it.
    pub(crate) fn without(self, secret: &str) -> Self {
        match self {
            Self::Refused { code, message } => {
                Self::Refused { code, message: message.replace(secret, "(secret)") }
            }
            other => other,
        }
    }
}

/// The end of a call that could not be made, or not again. Once an attempt may have succeeded, no later
/// one says that nothing was done.
fn given_up(lost: Option<Lost>, retry_after: Duration) -> Failure {
    match lost {
        Some(lost) => Failure::Lost(lost),
        None => {
            let millis = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
            Failure::Busy { retry_after_ms: millis.max(100) }
        }
    }
}

/// The words of an error and of what caused it, outermost first.
pub(crate) fn causes(error: &dyn StdError) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words = format!("{words}: {cause}");
        next = cause.source();
    }
    words
}
