//! The body of an answer, in pieces: what has been given away is held elsewhere, where nobody counts it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use turnpike_rpc::limits::Admitted;

use super::line::Outlet;
use super::places::Busy;

/// What goes away at once: a frame of HTTP/2, as most callers allow them.
const PIECE_BYTES: usize = 16 * 1024;

/// See the module.
pub(super) struct Answer {
    inner: Body,
    /// What is left of the last frame of `inner`.
    left: Bytes,
    outlet: Outlet,
    busy: Busy,
    /// The call counts as in flight until its answer is sent.
    _admitted: Option<Arc<Admitted>>,
}

impl Answer {
    pub(super) const fn new(
        inner: Body,
        outlet: Outlet,
        busy: Busy,
        admitted: Option<Arc<Admitted>>,
    ) -> Self {
        Self { inner, left: Bytes::new(), outlet, busy, _admitted: admitted }
    }

    fn piece(&mut self) -> Frame<Bytes> {
        self.outlet.waits();
        Frame::data(self.left.split_to(self.left.len().min(PIECE_BYTES)))
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if this.busy.poll_flowing(cx).is_pending() {
            this.outlet.waits();
            return Poll::Pending;
        }
        this.outlet.asks();
        if !this.left.is_empty() {
            return Poll::Ready(Some(Ok(this.piece())));
        }
        let frame = match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => frame,
            other => return other,
        };
        Poll::Ready(Some(Ok(match frame.into_data() {
            Ok(data) => {
                this.left = data;
                this.piece()
            }
            Err(trailers) => trailers,
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, left) = (self.inner.size_hint(), self.left.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + left);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + left);
        }
        hint
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.outlet.is_done();
    }
}
