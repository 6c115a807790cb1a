//! The body of an answer, which always ends as an answer should: with a status.
//!
//! Without it an upstream that dies in mid-stream looks to a browser like a cut line, a panic takes the
//! whole connection along, and a deadline is enforced by nobody. Messages pass whole only: half a
//! message followed by a status would be read as a broken message, not as a status.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use tonic::body::Body;
use tracing::{error, warn};

use crate::checked::FoundFault;
use crate::context::RequestContext;
use crate::deadline::{is_timeout, is_timeout_status};
use crate::frames::Frames;
use turnpike_rpc::refusal::{self, NOT_A_MESSAGE, Refusal, is_decoding_failure};
use turnpike_runtime::server::{End, MakeEnd};

/// Above the largest message any service answers with.
const MESSAGE_MAX: u32 = 64 * 1024 * 1024;

/// See the module.
pub(crate) struct GuardedBody {
    /// `None` once the answer is complete.
    inner: Option<Body>,
    /// The status was in the headers: nothing follows.
    trailers_only: bool,
    frames: Frames,
    /// The beginning of a message whose end has not come.
    held: BytesMut,
    /// Made when there is something to wait for: most answers never do.
    end: Option<End>,
    make_end: MakeEnd,
    fault: FoundFault,
    context: RequestContext,
}

impl GuardedBody {
    pub(crate) fn new(
        inner: Body,
        trailers_only: bool,
        make_end: MakeEnd,
        fault: FoundFault,
        context: RequestContext,
    ) -> Self {
        Self {
            inner: Some(inner),
            trailers_only,
            frames: Frames::new(MESSAGE_MAX, true),
            held: BytesMut::new(),
            end: None,
            make_end,
            fault,
            context,
        }
    }

    /// Ends the answer with a status of ours.
    fn finish(&mut self, refusal: Refusal) -> Frame<Bytes> {
        let status = refusal.status(self.context.request_id());
        let mut trailers = HeaderMap::new();
        if status.add_header(&mut trailers).is_err() {
            trailers.insert("grpc-status", http::HeaderValue::from_static("13"));
        }
        self.complete(trailers)
    }

    fn complete(&mut self, trailers: HeaderMap) -> Frame<Bytes> {
        self.inner = None;
        self.context.note_status(&trailers);
        Frame::trailers(trailers)
    }

    /// The part of `chunk`, and of what was held, that is whole messages.
    fn whole(&mut self, mut chunk: Bytes) -> Result<Option<Bytes>, Refusal> {
        let Ok(boundary) = self.frames.advance(&chunk) else {
            warn!(request.id = self.context.request_id(), "a service sent what is not gRPC");
            return Err(Refusal::UpstreamDown);
        };
        let Some(boundary) = boundary else {
            self.held.extend_from_slice(&chunk);
            return Ok(None);
        };
        let mut whole = chunk.split_to(boundary);
        if !self.held.is_empty() {
            self.held.extend_from_slice(&whole);
            whole = self.held.split().freeze();
        }
        self.held.extend_from_slice(&chunk);
        Ok(Some(whole))
    }

    /// The status that the service ended with, unless it is its word for a fault of the request.
    fn last(&mut self, mut trailers: HeaderMap) -> Frame<Bytes> {
        let failed = trailers.get("grpc-status").is_none_or(|status| status != "0");
        match self.fault.refusal(failed) {
            None if is_timeout_status(&trailers) => self.finish(Refusal::Deadline),
            None if is_decoding_failure(&trailers) => {
                self.finish(Refusal::Malformed(NOT_A_MESSAGE))
            }
            Some(refusal) => self.finish(refusal),
            None => {
                refusal::complete(&mut trailers, self.context.request_id());
                self.complete(trailers)
            }
        }
    }

    fn broken(&mut self, error: &tonic::Status) -> Frame<Bytes> {
        if is_timeout(error) {
            return self.finish(Refusal::Deadline);
        }
        warn!(
            request.id = self.context.request_id(),
            error = error as &dyn std::error::Error,
            "a service broke off its answer"
        );
        self.finish(Refusal::UpstreamDown)
    }
}

impl HttpBody for GuardedBody {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let this = &mut *self;
        loop {
            let Some(inner) = this.inner.as_mut() else { return Poll::Ready(None) };
            let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(cx)));
            let polled = match polled {
                Ok(polled) => polled,
                Err(panic) => {
                    note_panic(&this.context, panic.as_ref());
                    return Poll::Ready(Some(Ok(this.finish(Refusal::Panic))));
                }
            };
            let frame = match polled {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(chunk) => match this.whole(chunk) {
                        Ok(None) => continue,
                        Ok(Some(whole)) => Frame::data(whole),
                        Err(refusal) => this.finish(refusal),
                    },
                    Err(frame) => match frame.into_trailers() {
                        Ok(trailers) => this.last(trailers),
                        Err(_) => continue,
                    },
                },
                Poll::Ready(Some(Err(error))) => this.broken(&error),
                Poll::Ready(None) if this.trailers_only => {
                    this.inner = None;
                    return Poll::Ready(None);
                }
                Poll::Ready(None) => {
                    warn!(
                        request.id = this.context.request_id(),
                        "a service ended its answer without a status"
                    );
                    this.finish(Refusal::UpstreamDown)
                }
                Poll::Pending => {
                    let end = this.end.get_or_insert_with(|| (this.make_end)());
                    let Poll::Ready(refusal) = end.as_mut().poll(cx) else { return Poll::Pending };
                    this.finish(refusal)
                }
            };
            return Poll::Ready(Some(Ok(frame)));
        }
    }

    fn is_end_stream(&self) -> bool {
        // A status in the headers must end the stream with them; elsewhere a status is still to come.
        match &self.inner {
            None => true,
            Some(inner) => self.trailers_only && inner.is_end_stream(),
        }
    }
}

/// Logs what a panic said, once, with the id that its caller was given.
pub(crate) fn note_panic(context: &RequestContext, panic: &(dyn Any + Send)) {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    error!(request.id = context.request_id(), panic = words.unwrap_or("?"), "a call panicked");
}
