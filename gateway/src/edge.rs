//! What happens to every request, whatever it is: an id, the rule of names, panics, the access log.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::{Router, response::IntoResponse};
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::HeaderValue;
use http::{Method, StatusCode, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::transport::server::TcpConnectInfo;
use tracing::{Instrument, Span, info};

use turnpike_domain::ports::{Clock, Entropy};
use turnpike_rpc::oauth::Peer;
use turnpike_runtime::trace::{self, Place};

use crate::context::{REQUEST_ID, RequestContext};
use crate::guard::note_panic;
use crate::headers;
use crate::host::{Hosts, Named};
use crate::origin::Origin;

/// What the edge needs.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) hosts: Hosts,
    pub(crate) public: Origin,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// In the extensions of a request that came by another name of this machine than the public one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByOtherName;

impl Edge {
    /// Puts the edge around everything that `router` answers.
    pub(crate) fn around(self, router: Router) -> Router {
        router.layer(from_fn_with_state(Arc::new(self), pass))
    }
}

async fn pass(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let span = trace::from_outside(request.method(), beginning(request.uri().path()));
    let place = Place::of(&span);
    let context =
        RequestContext::new(request.headers(), place, edge.clock.as_ref(), edge.entropy.as_ref());
    let (mut head, body) = request.into_parts();
    let client = head.extensions.get::<TcpConnectInfo>().and_then(|info| info.remote_addr);
    if let Some(client) = client {
        // For the throttles of the services, over HTTP and over gRPC.
        head.extensions.insert(Peer(client.ip()));
    }
    let entry = Entry {
        method: head.method.clone(),
        path: beginning(head.uri.path()).to_owned(),
        version: head.version,
        client,
        context: context.clone(),
        span: span.clone(),
        status: StatusCode::OK,
        bytes: 0,
    };
    head.extensions.insert(context.clone());
    // `*` and `host:port` are forms of a target too (RFC 9112 section 3.2), and none that anything here is at.
    let is_path = head.uri.path().starts_with('/');
    let mut response = match edge.hosts.check(&head) {
        _ if !is_path => refuse(StatusCode::BAD_REQUEST, "ask for a path"),
        Named::Malformed => refuse(StatusCode::BAD_REQUEST, "name one host"),
        Named::Foreign => refuse(
            StatusCode::MISDIRECTED_REQUEST,
            &format!("this server does not answer to that name: use {}", edge.public),
        ),
        named => {
            if named == Named::Other {
                head.extensions.insert(ByOtherName);
            }
            let answer =
                AssertUnwindSafe(next.run(Request::from_parts(head, body)).instrument(span));
            match answer.catch_unwind().await {
                Ok(response) => response,
                Err(panic) => {
                    note_panic(&context, panic.as_ref());
                    let words = format!("internal error, id {}", context.request_id());
                    refuse(StatusCode::INTERNAL_SERVER_ERROR, &words)
                }
            }
        }
    };
    headers::harden(response.headers_mut());
    if let Ok(id) = HeaderValue::from_str(context.request_id()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let entry = Entry { status: response.status(), ..entry };
    response.map(|inner| Body::new(LoggedBody { inner, entry: Logged(entry) }))
}

/// Routes that services bring along: no cookie of ours reaches them, nothing that looks like our own
/// metadata, and they have `timeout` to answer. A fallback of theirs is not taken: ours decides.
pub(crate) fn plain_routes(router: Router, timeout: Duration) -> Router {
    router.reset_fallback().layer(from_fn_with_state(timeout, plain))
}

async fn plain(State(timeout): State<Duration>, mut request: Request, next: Next) -> Response {
    let context = RequestContext::of(request.extensions());
    headers::clean_plain_request(request.headers_mut());
    if let Some(context) = context {
        context.write(request.headers_mut());
    }
    in_time(State(timeout), request, next).await
}

/// Routes that have `timeout` to answer, slow callers included.
pub(crate) fn timed_routes(router: Router, timeout: Duration) -> Router {
    router.layer(from_fn_with_state(timeout, in_time))
}

async fn in_time(State(timeout): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => refuse(StatusCode::GATEWAY_TIMEOUT, "no answer in time"),
    }
}

fn refuse(status: StatusCode, words: &str) -> Response {
    (status, [("cache-control", "no-store")], words.to_owned()).into_response()
}

/// One line of the access log. It has no query, no header and no cookie, because those carry codes,
/// tokens and sessions.
struct Entry {
    method: Method,
    path: String,
    version: Version,
    client: Option<std::net::SocketAddr>,
    context: RequestContext,
    /// Lasts as long as the answer does.
    span: Span,
    status: StatusCode,
    bytes: u64,
}

/// A path of any length may be asked for; the beginning says enough.
fn beginning(path: &str) -> &str {
    path.char_indices().nth(200).map_or(path, |(end, _)| &path[..end])
}

/// Writes its line when the answer is over, however it ends.
struct Logged(Entry);

impl Drop for Logged {
    fn drop(&mut self) {
        let Entry { method, path, version, client, context, span, status, bytes } = &self.0;
        trace::ended(span, *status, context.grpc_status());
        info!(
                    target: "turnpike::access",
        {
                    request.id = context.request_id(),
                    trace.id = context.trace_id(),
                    trace.link = context.linked_trace_id(),
                    http.request.method = method.as_str(),
                    url.path = path,
                    network.protocol.version = ?version,
                    client.address = client.map(|c| c.ip().to_string()),
                    http.response.status_code = status.as_u16(),
                    rpc.status_code = context.grpc_status(),
                    http.response.body.size = bytes,
                    duration_us = u64::try_from(context.started().elapsed().as_micros()).unwrap_or(u64::MAX)
                    },
                    "request"
                );
    }
}

struct LoggedBody {
    inner: Body,
    entry: Logged,
}

impl HttpBody for LoggedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.entry.0.bytes += data.len() as u64;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
