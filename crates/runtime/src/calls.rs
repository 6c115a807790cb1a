//! What stands around the handlers of a process of its own: a deadline, a status for a panic, and an end for streams
//! when the process stops. (In one process with the gateway, that does all of it.)

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderMap, StatusCode, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;
use turnpike_rpc::deadline;
use turnpike_rpc::gate::REQUEST_ID;
use turnpike_rpc::refusal::Refusal;

use crate::grpc::Grpc;
use crate::server::{Drain, End, Line, MakeEnd};

/// How long an answer may last that nobody set a bound to: as long as the gateway lets streams be.
const LONGEST: Duration = Duration::from_secs(3600);

/// Mounts the services by their names. Calls of other names are answered in gRPC, other requests with 404.
pub fn router(grpc: Grpc, drain: Drain) -> Router {
    let router = grpc.into_services().into_iter().fold(Router::new(), |router, (name, routes)| {
        router.route_service(&format!("/{name}/{{method}}"), routes)
    });
    router.layer(from_fn_with_state(drain, call)).fallback(nowhere)
}

async fn nowhere(request: Request) -> Response {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    if content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc")) {
        return refuse(Refusal::UnknownService, id(request.headers()));
    }
    StatusCode::NOT_FOUND.into_response()
}

async fn call(State(drain): State<Drain>, request: Request, next: Next) -> Response {
    let line = Line::of(request.extensions()).cloned();
    let request_id = id(request.headers()).to_owned();
    let asked = match deadline::asked(request.headers()) {
        Ok(asked) => asked,
        Err(_) => return refuse(Refusal::Malformed(deadline::RULE), &request_id),
    };
    let end = Instant::now() + asked.unwrap_or(LONGEST);
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout_at(end, answer).await {
        Ok(Ok(response)) => response.map(|inner| {
            let make_end: MakeEnd = Arc::new(move || {
                let streams_end = drain.streams_end();
                Box::pin(async move {
                    tokio::select! {
                        () = tokio::time::sleep_until(end) => Refusal::Deadline,
                        () = streams_end => Refusal::Draining,
                    }
                })
            });
            if let Some(line) = line {
                line.ends_with(Arc::clone(&make_end));
            }
            Body::new(EndingBody { inner: Some(inner), end: None, make_end, request_id })
        }),
        Ok(Err(_)) => {
            tracing::error!(request.id = request_id, "a call panicked");
            refuse(Refusal::Panic, &request_id)
        }
        Err(_) => refuse(Refusal::Deadline, &request_id),
    }
}

fn refuse(refusal: Refusal, request_id: &str) -> Response {
    refusal.status(request_id).into_http()
}

fn id(headers: &HeaderMap) -> &str {
    headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The body of an answer, which ends with a status at its deadline, and when the process stops. What is ready goes out
/// first: tonic gives whole messages, so a status may follow any of them.
struct EndingBody {
    /// `None` once it has ended.
    inner: Option<Body>,
    /// Made when there is something to wait for.
    end: Option<End>,
    make_end: MakeEnd,
    request_id: String,
}

impl HttpBody for EndingBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Some(inner) = this.inner.as_mut() else { return Poll::Ready(None) };
        let polled = Pin::new(inner).poll_frame(cx);
        if polled.is_ready() {
            return polled;
        }
        let end = this.end.get_or_insert_with(|| (this.make_end)());
        let Poll::Ready(refusal) = end.as_mut().poll(cx) else { return Poll::Pending };
        this.inner = None;
        let status = refusal.status(&this.request_id);
        let mut trailers = HeaderMap::new();
        if status.add_header(&mut trailers).is_err() {
            trailers.insert("grpc-status", http::HeaderValue::from_static("14"));
        }
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}
