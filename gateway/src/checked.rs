//! The body of a request on its way to a service.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep};
use tonic::Status;

use turnpike_rpc::refusal::Refusal;
use turnpike_runtime::server::Taken;

use crate::frames::{Fault, Frames};
use crate::rules::Rules;

/// The fault found in a request's body, for those who answer the call.
#[derive(Clone, Debug)]
pub(crate) struct FoundFault {
    fault: Arc<AtomicU8>,
    message_bytes: u32,
}

impl FoundFault {
    fn none(message_bytes: u32) -> Self {
        Self { fault: Arc::default(), message_bytes }
    }

    /// What the caller is told of it, if the service's answer has `failed`, or has not.
    pub(crate) fn refusal(&self, failed: bool) -> Option<Refusal> {
        let found = self.fault.load(Ordering::Acquire);
        let fault = Fault::ALL.into_iter().find(|fault| *fault as u8 == found)?;
        // Whether a stream may be empty, the service knows.
        (failed || fault != Fault::Empty).then(|| fault.refusal(self.message_bytes))
    }

    fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::Release);
    }
}

/// A request's body that is checked on its way to a service. A message is held until it is whole, so there must be room for
/// it, and it must come soon. It gives no size: the decoded body of a gRPC-web request would give a wrong one.
#[derive(Debug)]
pub(crate) struct CheckedRequest<B> {
    inner: B,
    frames: Frames,
    /// None if nobody counts.
    room: Option<Taken>,
    /// How long a message may take.
    patience: Duration,
    /// Until the message that has begun must be there. Made for those that have to be waited for.
    late: Option<Pin<Box<Sleep>>>,
    /// `late` is for the message that has begun.
    is_awaited: bool,
    found: FoundFault,
    done: bool,
}

impl<B> CheckedRequest<B> {
    pub(crate) fn new(
        inner: B,
        rules: &Rules,
        compressed: bool,
        room: Option<Taken>,
    ) -> (Self, FoundFault) {
        let frames = Frames::new(rules.message_bytes, compressed).only_one(!rules.streams);
        let found = FoundFault::none(rules.message_bytes);
        let body = Self {
            inner,
            frames,
            room,
            patience: rules.message_timeout,
            late: None,
            is_awaited: false,
            found: found.clone(),
            done: false,
        };
        (body, found)
    }

    /// Ends the body with an error. The service's own words for it do not matter: whoever answers the
    /// call looks at `found`.
    fn fail(&mut self, fault: Fault) -> Status {
        self.found.set(fault);
        self.done = true;
        self.room = None;
        fault.refusal(self.found.message_bytes).status("")
    }

    fn check(&mut self, data: &[u8]) -> Result<(), Fault> {
        if self.frames.advance(data)?.is_some() {
            self.is_awaited = false;
        }
        let held = self.room.as_mut().map_or(Ok(()), |room| room.hold(self.frames.begun()));
        held.map_err(|_| Fault::Crowded)
    }

    /// Ready when the message that has begun took too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.frames.begun() == 0 {
            return Poll::Pending;
        }
        let patience = self.patience;
        let late = self.late.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        if !std::mem::replace(&mut self.is_awaited, true) {
            late.as_mut().reset(Instant::now() + patience);
        }
        late.as_mut().poll(cx)
    }
}

impl<B> Body for CheckedRequest<B>
where
    B: Body<Data = Bytes, Error = Status> + Unpin,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.done {
            return Poll::Ready(None);
        }
        let polled = loop {
            match Pin::new(&mut this.inner).poll_frame(cx) {
                // A gRPC request has no trailers; who sends some wants them taken for metadata.
                Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => {}
                Poll::Ready(polled) => break polled,
                Poll::Pending => {
                    return this.poll_late(cx).map(|()| Some(Err(this.fail(Fault::Late))));
                }
            }
        };
        Poll::Ready(match polled {
            Some(Ok(frame)) => match frame.data_ref().map(|data| this.check(data)) {
                None | Some(Ok(())) => Some(Ok(frame)),
                Some(Err(fault)) => Some(Err(this.fail(fault))),
            },
            Some(Err(error)) => {
                this.done = true;
                Some(Err(error))
            }
            None => {
                this.done = true;
                match this.frames.finish() {
                    Ok(()) => None,
                    Err(Fault::Empty) => {
                        this.found.set(Fault::Empty);
                        None
                    }
                    Err(fault) => Some(Err(this.fail(fault))),
                }
            }
        })
    }
}
