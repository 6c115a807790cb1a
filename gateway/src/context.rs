//! What is known of a request from its first byte on: its id and its place in a trace.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Instant;

use http::header::{HeaderName, HeaderValue};
use http::{Extensions, HeaderMap};
use uuid::Uuid;

use turnpike_domain::ports::{Clock, Entropy};
use turnpike_runtime::trace::Place;

/// The header that carries the id, to the services and back to the caller. From outside none is taken.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// W3C Trace Context, section 3.2.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The context of one request. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    request_id: String,
    trace_id: String,
    span_id: String,
    sampled: bool,
    /// The caller's trace: a link, not a parent, since anybody can write the header.
    linked: Option<String>,
    started: Instant,
    /// `grpc-status` of the answer; -1 while there is none.
    grpc_status: AtomicI32,
}

impl RequestContext {
    /// For a request that came with `headers`, and whose span is there, if it has one.
    pub(crate) fn new(
        headers: &HeaderMap,
        place: Option<Place>,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Self {
        let mut random = [0u8; 34];
        entropy.fill(&mut random);
        let (id, trace) = random.split_at(10);
        let millis = u64::try_from(clock.now().millis()).unwrap_or(0);
        let mut uuid_random = [0u8; 10];
        uuid_random.copy_from_slice(id);
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &uuid_random).into_uuid();
        let place = place.unwrap_or_else(|| Place {
            trace_id: hex(&trace[..16]),
            span_id: hex(&trace[16..]),
            sampled: false,
        });
        Self(Arc::new(Inner {
            request_id: Uuid::hyphenated(uuid).to_string(),
            trace_id: place.trace_id,
            span_id: place.span_id,
            sampled: place.sampled,
            linked: headers.get(TRACEPARENT).and_then(trace_id_of),
            started: Instant::now(),
            grpc_status: AtomicI32::new(-1),
        }))
    }

    /// The context of the request with these extensions. The edge puts one into each request.
    pub(crate) fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get::<Self>().cloned()
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.0.request_id
    }

    pub(crate) fn trace_id(&self) -> &str {
        &self.0.trace_id
    }

    pub(crate) fn linked_trace_id(&self) -> Option<&str> {
        self.0.linked.as_deref()
    }

    pub(crate) fn started(&self) -> Instant {
        self.0.started
    }

    /// Writes id and trace into what goes to a service.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let Inner { trace_id, span_id, sampled, .. } = self.0.as_ref();
        let traceparent = format!("00-{trace_id}-{span_id}-{:02x}", u8::from(*sampled));
        for (name, text) in
            [(REQUEST_ID, self.0.request_id.as_str()), (TRACEPARENT, traceparent.as_str())]
        {
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        }
    }

    /// Notes the status of a gRPC answer, if these headers or trailers have it, for the access log.
    pub(crate) fn note_status(&self, headers: &HeaderMap) {
        let status = headers.get("grpc-status").and_then(|s| s.to_str().ok()?.parse().ok());
        if let Some(status) = status {
            self.0.grpc_status.store(status, Ordering::Release);
        }
    }

    /// The status of the gRPC answer, if it had one.
    pub(crate) fn grpc_status(&self) -> Option<i32> {
        Some(self.0.grpc_status.load(Ordering::Acquire)).filter(|status| *status >= 0)
    }
}

/// The trace id of a `traceparent`, if it is well-formed (W3C Trace Context, section 3.2.2).
fn trace_id_of(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lengths = [(version, 2), (trace, 32), (span, 16), (flags, 2)];
    let hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let fine = lengths.iter().all(|(text, length)| text.len() == *length && hex(text));
    let zero = |text: &str| text.bytes().all(|b| b == b'0');
    let more = parts.next().is_some();
    (fine && version != "ff" && !(more && version == "00") && !zero(trace) && !zero(span))
        .then(|| trace.to_owned())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{FakeClock, FakeEntropy};

    fn context(traceparent: Option<&'static str>) -> RequestContext {
        let mut headers = HeaderMap::new();
        if let Some(value) = traceparent {
            headers.insert(TRACEPARENT, HeaderValue::from_static(value));
        }
        RequestContext::new(&headers, None, &FakeClock::at(1_800_000_000), &FakeEntropy::default())
    }

    #[test]
    fn ids_are_ours() {
        let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = context(Some(given));
        let id = Uuid::parse_str(context.request_id()).unwrap();
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(context.linked_trace_id(), Some("0af7651916cd43dd8448eb211c80319c"));
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("theirs"));
        context.write(&mut headers);
        assert_eq!(headers[REQUEST_ID], context.request_id());
        let written = headers[TRACEPARENT].clone();
        assert_eq!(trace_id_of(&written).as_deref(), Some(context.trace_id()));
        assert!(!written.to_str().unwrap().contains("0af7651916cd43dd8448eb211c80319c"));
    }

    #[test]
    fn only_a_well_formed_trace_is_linked() {
        for text in [
            "",
            "00",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b71692033311-01",
            "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        ] {
            assert_eq!(context(Some(text)).linked_trace_id(), None, "{text}");
        }
    }

    #[test]
    fn the_status_is_the_last_one_noted() {
        let context = context(None);
        assert_eq!(context.grpc_status(), None);
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from_static("14"));
        context.note_status(&headers);
        assert_eq!(context.grpc_status(), Some(14));
    }
}
