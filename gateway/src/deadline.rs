//! How long a call may take.

use std::error::Error as StdError;
use std::time::Duration;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::config::CallSettings;
use crate::refusal::Refusal;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
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
        let asked = asked(headers)?;
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

/// `grpc-timeout`: 1 to 8 digits and a unit (gRPC over HTTP/2, "Requests").
fn asked(headers: &HeaderMap) -> Result<Option<Duration>, Refusal> {
    let malformed = Refusal::Malformed("`grpc-timeout` must be 1 to 8 digits and one of HMSmun");
    let mut values = headers.get_all(GRPC_TIMEOUT).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().map_err(|_| malformed)?,
        (Some(_), Some(_)) => return Err(malformed),
    };
    let (digits, unit) = value.split_at_checked(value.len().saturating_sub(1)).ok_or(malformed)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(malformed);
    }
    let count: u64 = digits.parse().map_err(|_| malformed)?;
    Ok(Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return Err(malformed),
    }))
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
    fn the_timeout_is_parsed_as_the_protocol_says() {
        for (text, millis) in [
            ("1H", 3_600_000),
            ("2M", 120_000),
            ("3S", 3_000),
            ("99999999m", 99_999_999),
            ("5000u", 5),
            ("7000000n", 7),
            ("0m", 0),
            ("00000001S", 1000),
        ] {
            let expected = Ok(Some(Duration::from_millis(millis)));
            assert_eq!(asked(&headers(&[text])), expected, "{text}");
        }
        assert_eq!(asked(&headers(&[])), Ok(None));
        for text in
            ["", "S", "1", "1s", "1h", "-1S", "+1S", "1.5S", " 1S", "1S ", "123456789S", "S1"]
        {
            assert!(asked(&headers(&[text])).is_err(), "{text:?}");
        }
        assert!(asked(&headers(&["1S", "1S"])).is_err());
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
