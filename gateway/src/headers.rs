//! Headers that do not pass: what a caller may not say to a service, and a service not to a caller.

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};

/// What belongs to the connection, to the browser or to us. `authorization` passes: programs and
/// resource servers show who they are to the service itself.
const NOT_FORWARDED: [HeaderName; 23] = [
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::COOKIE,
    header::EXPECT,
    header::FORWARDED,
    header::HOST,
    header::ORIGIN,
    header::PROXY_AUTHORIZATION,
    header::REFERER,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("baggage"),
    HeaderName::from_static("grpc-trace-bin"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-user-agent"),
];
/// Families of them. `x-turnpike-` carries identities between our own processes.
const NOT_FORWARDED_PREFIXES: [&str; 5] =
    ["access-control-", "sec-", "x-b3-", "x-forwarded-", "x-turnpike-"];
/// What a service does not say to a caller: the connection is ours, and so are cookies.
const NOT_RETURNED: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::SERVER,
    header::SET_COOKIE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("x-request-id"),
];

/// Leaves of a request what a service may see.
pub(crate) fn clean_request(headers: &mut HeaderMap) {
    for name in NOT_FORWARDED {
        headers.remove(name);
    }
    let others: Vec<HeaderName> = headers
        .keys()
        .filter(|name| NOT_FORWARDED_PREFIXES.iter().any(|p| name.as_str().starts_with(p)))
        .cloned()
        .collect();
    for name in others {
        headers.remove(name);
    }
}

/// Leaves of a plain request what a service may see of it. What it does with the rest is HTTP's business.
pub(crate) fn clean_plain_request(headers: &mut HeaderMap) {
    for name in [
        header::COOKIE,
        HeaderName::from_static("baggage"),
        HeaderName::from_static("traceparent"),
        HeaderName::from_static("tracestate"),
        HeaderName::from_static("x-request-id"),
    ] {
        headers.remove(name);
    }
    remove_ours(headers);
}

/// Removes what belongs to one connection (RFC 9110 section 7.6.1), and whom it is to, before a message goes on over
/// another one.
pub(crate) fn clean_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [
        header::CONNECTION,
        header::EXPECT,
        header::HOST,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ] {
        headers.remove(name);
    }
}

/// Leaves of a response what a caller may see.
pub(crate) fn clean_response(headers: &mut HeaderMap) {
    for name in NOT_RETURNED {
        headers.remove(name);
    }
    remove_ours(headers);
}

fn remove_ours(headers: &mut HeaderMap) {
    let ours: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("x-turnpike-")).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
}

/// What every answer says, whoever made it, unless that said something else.
pub(crate) fn harden(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// What every page and file of ours says beside its content security policy.
pub(crate) fn harden_page(headers: &mut HeaderMap, secure_origin: bool) {
    harden(headers);
    for (name, value) in [
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if secure_origin {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_and_cookies_do_not_pass() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer t"),
            ("cookie", "a=b"),
            ("grpc-timeout", "1S"),
            ("sec-fetch-site", "same-origin"),
            ("te", "trailers"),
            ("user-agent", "x"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-my-metadata", "y"),
            ("x-turnpike-csrf", "1"),
            ("x-turnpike-identity", "forged"),
            ("x-turnpike-identity-bin", "Zm9yZ2Vk"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers.append("x-turnpike-identity", HeaderValue::from_static("forged twice"));
        clean_request(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["authorization", "grpc-timeout", "te", "user-agent", "x-my-metadata"]);
    }

    #[test]
    fn what_belongs_to_a_connection_stays_there() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, x-mine,  , ü"),
            ("x-mine", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("host", "turnpike.example"),
            ("content-length", "3"),
            ("authorization", "Basic x"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        clean_hops(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["authorization", "content-length"]);
    }

    #[test]
    fn services_set_no_cookies() {
        let mut headers = HeaderMap::new();
        headers.insert("set-cookie", HeaderValue::from_static("a=b"));
        headers.insert("x-turnpike-internal", HeaderValue::from_static("a"));
        headers.insert("x-other", HeaderValue::from_static("a"));
        clean_response(&mut headers);
        assert_eq!(headers.len(), 1);
    }
}
