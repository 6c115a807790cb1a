//! How long a caller waits: the header that says it.

use std::time::Duration;

use http::HeaderMap;
use http::header::HeaderName;

/// The header (gRPC over HTTP/2, "Requests").
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// What it must be.
pub const RULE: &str = "`grpc-timeout` must be 1 to 8 digits and one of HMSmun";

/// The header is something else, or is there twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// What the caller asks for: 1 to 8 digits and a unit.
///
/// # Errors
///
/// [`Malformed`].
pub fn asked(headers: &HeaderMap) -> Result<Option<Duration>, Malformed> {
    let mut values = headers.get_all(GRPC_TIMEOUT).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().map_err(|_| Malformed)?,
        (Some(_), Some(_)) => return Err(Malformed),
    };
    let (digits, unit) = value.split_at_checked(value.len().saturating_sub(1)).ok_or(Malformed)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Malformed);
    }
    let count: u64 = digits.parse().map_err(|_| Malformed)?;
    Ok(Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return Err(Malformed),
    }))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

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
}
