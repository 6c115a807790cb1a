//! Spans: what a request took, from the gateway over a service to the store and the authorization server, in one trace.
//!
//! Whoever makes a request goes on in the trace by `traceparent` (W3C Trace Context). Names and attributes are those of
//! OpenTelemetry's semantic conventions for HTTP, RPC and databases. While nothing is sent a span costs one look at a flag.

mod issuer;
mod pool;
mod store;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::field::Empty;
use tracing::{Instrument, Level, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

pub use issuer::TracedIssuer;
pub use pool::TracedPool;
pub use store::TracedStore;

/// The target of spans that are sent; the registry has one such span of its own.
pub const TARGET: &str = "turnpike::trace";

/// Whether anybody wants spans. Known once telemetry was started.
pub fn wanted() -> bool {
    tracing::span_enabled!(target: TARGET, Level::INFO)
}

/// Where a span is in its trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// Whether it is sent.
    pub sampled: bool,
}

impl Place {
    /// The place of a span, if spans are wanted.
    pub fn of(span: &Span) -> Option<Self> {
        let context = span.context();
        let context = context.span().span_context().clone();
        context.is_valid().then(|| Self {
            trace_id: context.trace_id().to_string(),
            span_id: context.span_id().to_string(),
            sampled: context.is_sampled(),
        })
    }
}

/// The span of a request that came from outside: the first of its trace. The path is what the caller wrote: it does not
/// become the span's name.
pub fn from_outside(method: &Method, path: &str) -> Span {
    tracing::info_span!(
        target: TARGET,
        parent: None,
        "request",
        otel.name = method.as_str(),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method.as_str(),
        url.path = path,
        http.response.status_code = Empty,
        rpc.response.status_code = Empty,
    )
}

/// These routes of a service, each request a span in the trace that our own gateway names; as they are while nobody wants
/// spans.
pub fn followed(routes: Router) -> Router {
    if wanted() { routes.layer(from_fn(go_on)) } else { routes }
}

async fn go_on(request: Request, next: Next) -> Response {
    let span = inside(request.headers(), request.uri().path());
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.headers().get("grpc-status");
    let rpc = status.and_then(|status| status.to_str().ok()?.parse().ok());
    ended(&span, response.status(), rpc);
    response
}

fn inside(headers: &HeaderMap, path: &str) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        parent: None,
        "call",
        otel.name = path.trim_start_matches('/'),
        otel.kind = "server",
        otel.status_code = Empty,
        http.response.status_code = Empty,
        rpc.response.status_code = Empty,
    );
    let parent = TraceContextPropagator::new().extract(&Headers(headers));
    // A span that nobody wants takes no parent.
    let _ = span.set_parent(parent);
    span
}

/// Notes how a request ended; `rpc` is the status of a gRPC answer.
pub fn ended(span: &Span, http: StatusCode, rpc: Option<i32>) {
    if span.is_disabled() {
        return;
    }
    span.record("http.response.status_code", i64::from(http.as_u16()));
    if let Some(rpc) = rpc {
        span.record("rpc.response.status_code", rpc);
    }
    // UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS: the server's fault, by the conventions
    // for spans of servers.
    if http.is_server_error() || matches!(rpc, Some(2 | 4 | 12 | 13 | 14 | 15)) {
        span.record("otel.status_code", "ERROR");
    }
}

/// Notes how an operation of a store or of an authorization server ended.
fn noted<T, E: std::fmt::Debug>(span: &Span, done: &Result<T, E>, kind: fn(&E) -> &'static str) {
    if let Err(error) = done {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", kind(error));
    }
}

/// Headers, as the propagator reads them.
struct Headers<'a>(&'a HeaderMap);

impl opentelemetry::propagation::Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
