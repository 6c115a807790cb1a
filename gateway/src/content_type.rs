//! Which requests are gRPC at all.
//!
//! A page of another site can send a `POST` with `text/plain` and our cookie without asking first. Over
//! HTTP/2 the gRPC library never looks at the content type, so it is looked at here.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Version};

/// The protocol of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// gRPC over HTTP/2.
    Grpc,
    /// gRPC-web, binary.
    GrpcWeb,
}

impl Protocol {
    /// The protocol that content type and HTTP version say, parameters such as `charset` aside.
    ///
    /// # Errors
    ///
    /// Why it is none, in words for the answer 415.
    pub(crate) fn of(headers: &HeaderMap, version: Version) -> Result<Self, &'static str> {
        let essence = essence(headers).ok_or("send one content type, `application/grpc`")?;
        match essence.as_str() {
            "application/grpc" | "application/grpc+proto" if version == Version::HTTP_2 => {
                Ok(Self::Grpc)
            }
            "application/grpc" | "application/grpc+proto" => {
                Err("gRPC needs HTTP/2: over HTTP/1.1 send `application/grpc-web+proto`")
            }
            "application/grpc-web" | "application/grpc-web+proto" => Ok(Self::GrpcWeb),
            "application/grpc-web-text" | "application/grpc-web-text+proto" => {
                Err("gRPC-web is served in binary only: send `application/grpc-web+proto`")
            }
            _ => Err("send `application/grpc` or `application/grpc-web+proto`"),
        }
    }

    /// How this protocol is written in the headers of a request.
    pub(crate) const fn content_type(self) -> HeaderValue {
        match self {
            Self::Grpc => HeaderValue::from_static("application/grpc"),
            Self::GrpcWeb => HeaderValue::from_static("application/grpc-web+proto"),
        }
    }
}

/// Whether a request wants to be a call, well-formed or not: its content type begins as gRPC's do.
pub(crate) fn looks_like_a_call(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_TYPE).iter().any(|value| {
        value.as_bytes().get(..16).is_some_and(|v| v.eq_ignore_ascii_case(b"application/grpc"))
    })
}

/// The one content type, without its parameters, in lower case.
fn essence(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let text = value.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&'static str], version: Version) -> Option<Protocol> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_TYPE, HeaderValue::from_static(value));
        }
        Protocol::of(&headers, version).ok()
    }

    #[test]
    fn only_these_four_are_calls() {
        let (h1, h2) = (Version::HTTP_11, Version::HTTP_2);
        for (value, over_h1, over_h2) in [
            ("application/grpc", None, Some(Protocol::Grpc)),
            ("application/grpc+proto", None, Some(Protocol::Grpc)),
            ("Application/GRPC ; a=b", None, Some(Protocol::Grpc)),
            ("application/grpc-web", Some(Protocol::GrpcWeb), Some(Protocol::GrpcWeb)),
            (
                "application/grpc-web+proto; charset=utf-8",
                Some(Protocol::GrpcWeb),
                Some(Protocol::GrpcWeb),
            ),
            ("application/grpc-web-text", None, None),
            ("application/grpc-web-text+proto", None, None),
            ("application/grpc+json", None, None),
            ("application/grpcx", None, None),
            ("application/json", None, None),
            ("text/plain", None, None),
            ("text/plain; application/grpc", None, None),
            ("application/x-www-form-urlencoded", None, None),
            ("multipart/form-data", None, None),
            ("", None, None),
        ] {
            assert_eq!(of(&[value], h1), over_h1, "{value}");
            assert_eq!(of(&[value], h2), over_h2, "{value}");
        }
        assert_eq!(of(&[], h2), None);
        assert_eq!(of(&["application/grpc", "text/plain"], h2), None);
    }
}
