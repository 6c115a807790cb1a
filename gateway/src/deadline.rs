//! How long a call may take.

use std::error::Error as StdError;
use std::time::Duration;

use http::HeaderMap;
use http::header::HeaderValue;
use tokio::time::Instant;
use turnpike_rpc::deadline::{self, GRPC_TIMEOUT};

use crate::config::CallSettings;
use turnpike_rpc::refusal::Refusal;

/// What a service is told more than the gateway allows, so that the gateway, which knows the right
/// answer, is the one to give it.
const SLACK: Duration = Duration::from_millis(250);

/// The two ends of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    /// When the answer must have begun.
    pub(crate) answer: Instant,
    /// When it must have ended.
    pub(crate) end: Instant,
    /// Why, if it is ended then.
    pub(crate) at_end: Refusal,
    /// What the caller asked for, if shorter than the end.
    asked: Option<Duration>,
}

impl Deadline {
    /// From `grpc-timeout` and our own bounds.
    ///
    /// # Errors
    ///
    /// The header is not what the gRPC protocol says, or is there twice.
    pub(crate) fn of(headers: &HeaderMap, settings: &CallSettings) -> Result<Self, Refusal> {
        let asked = deadline::asked(headers).map_err(|_| Refusal::Malformed(deadline::RULE))?;
        let bound = |limit: Duration| asked.map_or(limit, |asked| asked.min(limit));
        let now = Instant::now();
        let end = bound(settings.stream_timeout);
        Ok(Self {
            answer: now + bound(settings.timeout),
            end: now + end,
            at_end: Refusal::Deadline,
            asked: asked.map(|_| end),
        })
    }

    /// The same, ending with a session that has `left` to live.
    #[must_use]
    pub(crate) fn within_session(self, left: Duration) -> Self {
        let end = Instant::now() + left;
        if end < self.end { Self { end, at_end: Refusal::SessionEnded, ..self } } else { self }
    }

    /// Writes what the service should know of it.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.remove(GRPC_TIMEOUT);
        if let Some(asked) = self.asked {
            let millis = (asked + SLACK).as_millis().min(99_999_999);
            if let Ok(value) = HeaderValue::try_from(format!("{millis}m")) {
                headers.insert(GRPC_TIMEOUT, value);
            }
        }
    }
}

/// Whether an error is a deadline of somebody further in, who would call it CANCELLED.
pub(crate) fn is_timeout(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<tonic::TimeoutExpired>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether a status is the same thing after it went over a wire: tonic answers CANCELLED with these
/// words when `grpc-timeout` ends.
pub(crate) fn is_timeout_status(headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|v| v == value);
    is("grpc-status", "1")
        && (is("grpc-message", "Timeout%20expired") || is("grpc-message", "Timeout expired"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(GRPC_TIMEOUT, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn our_bounds_hold_and_the_service_is_told() {
        let settings = CallSettings::default();
        let told = |values: &[&'static str]| {
            let mut headers = headers(values);
            let deadline = Deadline::of(&headers, &settings).unwrap();
            deadline.write(&mut headers);
            let span = deadline.end - deadline.answer;
            (span, headers.get(GRPC_TIMEOUT).map(|v| v.to_str().unwrap().to_owned()))
        };
        assert_eq!(told(&[]), (Duration::from_secs(3570), None));
        assert_eq!(told(&["1S"]), (Duration::ZERO, Some("1250m".to_owned())));
        assert_eq!(told(&["60S"]), (Duration::from_secs(30), Some("60250m".to_owned())));
        assert_eq!(told(&["9000H"]), (Duration::from_secs(3570), Some("3600250m".to_owned())));
    }
}
