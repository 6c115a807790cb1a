//! Faults on demand, and the log of what was asked.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ApiError;

/// How many calls the log keeps.
const CALLS: usize = 100_000;

/// Something that shall go wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Name of the operation; `Token`, `Jwks` for the HTTP endpoints; `*` for any.
    pub operation: String,
    /// How many calls go well before it begins.
    #[serde(default)]
    pub skip: u32,
    /// How many calls it hits.
    #[serde(default = "once")]
    pub times: u32,
    /// What goes wrong.
    pub kind: FaultKind,
}

/// What goes wrong.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Refused: two modifications at once. Nothing is done.
    Conflict,
    /// Takes that many milliseconds longer.
    Delay(u64),
    /// It is done, and then answered with a failure of the service.
    ErrorAfter,
    /// Answers with a page of HTML, status 200. Nothing is done.
    Garbage,
    /// It is done, and there is no answer as long as the caller waits.
    HangAfter,
    /// Nothing is done, and there is no answer as long as the caller waits.
    HangBefore,
    /// A failure of the service. Nothing is done.
    InternalError,
    /// Refused in these words. Nothing is done.
    Refuse {
        /// HTTP status.
        status: u16,
        /// Name of the exception; at the token endpoint, the `error`.
        code: String,
        /// Its words.
        message: String,
    },
    /// It is done, and the connection breaks before an answer.
    ResetAfter,
    /// The connection breaks. Nothing is done.
    ResetBefore,
    /// Refused: too many requests. Nothing is done.
    Throttle,
    /// A load balancer's page of HTML, status 503. Nothing is done.
    Unavailable,
}

/// A call that was made.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// Name of the operation, or `Token`, `Jwks`.
    pub operation: String,
    /// What was asked, without secrets.
    pub request: Value,
    /// `ok`, or the code of the refusal, or how it was cut off.
    pub outcome: String,
}

/// The faults that wait, and the log.
#[derive(Default)]
pub(crate) struct Journal {
    faults: Vec<Fault>,
    calls: VecDeque<Call>,
    /// How many calls were dropped from the front of the log.
    dropped: usize,
}

impl Journal {
    pub(crate) fn inject(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(crate) fn clear_faults(&mut self) {
        self.faults.clear();
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.iter().cloned().collect()
    }

    pub(crate) fn forget_calls(&mut self) {
        self.dropped += self.calls.len();
        self.calls.clear();
    }

    /// Notes a call, and says what shall go wrong with it.
    pub(crate) fn enter(&mut self, operation: &str, request: Value) -> (usize, Option<FaultKind>) {
        if self.calls.len() == CALLS {
            self.calls.pop_front();
            self.dropped += 1;
        }
        let outcome = "unfinished".to_owned();
        self.calls.push_back(Call { operation: operation.to_owned(), request, outcome });
        (self.dropped + self.calls.len() - 1, self.due(operation))
    }

    /// Notes how the call ended.
    pub(crate) fn leave(&mut self, number: usize, outcome: &str) {
        let call = number.checked_sub(self.dropped).and_then(|at| self.calls.get_mut(at));
        if let Some(call) = call {
            outcome.clone_into(&mut call.outcome);
        }
    }

    fn due(&mut self, operation: &str) -> Option<FaultKind> {
        let concerns = |fault: &Fault| fault.operation == operation || fault.operation == "*";
        let at = self.faults.iter().position(concerns)?;
        let fault = &mut self.faults[at];
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.times = fault.times.saturating_sub(1);
        let kind = fault.kind.clone();
        if fault.times == 0 {
            self.faults.remove(at);
        }
        Some(kind)
    }
}

impl Fault {
    /// The next call of `operation` goes wrong.
    pub fn once(operation: &str, kind: FaultKind) -> Self {
        Self::times(operation, 1, kind)
    }

    /// The next calls of `operation` go wrong.
    pub fn times(operation: &str, times: u32, kind: FaultKind) -> Self {
        Self { operation: operation.to_owned(), skip: 0, times, kind }
    }
}

impl FaultKind {
    /// What is answered instead of doing it.
    pub(crate) fn refusal(&self) -> Option<ApiError> {
        match self {
            Self::Conflict => Some(ApiError::conflict()),
            Self::InternalError => Some(ApiError::internal()),
            Self::Throttle => Some(ApiError::too_many_requests()),
            Self::Refuse { status, code, message } => Some(ApiError {
                status: *status,
                code: code.clone().into(),
                message: message.clone(),
            }),
            _ => None,
        }
    }
}

const fn once() -> u32 {
    1
}
