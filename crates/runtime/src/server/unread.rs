//! What is left unread of a request over HTTP/1.1 that was answered without.
//!
//! The next request on the connection comes after it. hyper looks whether it is there already, and else closes the
//! connection without a word, while the caller may be sending the next one.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use http::{HeaderMap, Request, Version, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

/// How much is read of it, and for how long. Who has more to say is told that the connection closes.
const DRAIN_BYTES: usize = 256 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// The body of a request; what whoever takes it leaves comes back.
pub(super) struct Lent {
    /// Until this is dropped.
    body: Option<Incoming>,
    back: Option<Unread>,
}

/// What came back.
#[derive(Clone)]
pub(super) struct Unread {
    body: Arc<Mutex<Option<Incoming>>>,
    /// It waits for a word before it comes: then it need not come.
    waits: bool,
}

/// Lends out the body of a request. Over HTTP/2, where a stream is a stream, and where there is none, nothing comes back.
pub(super) fn lend(request: Request<Incoming>) -> (Request<Lent>, Option<Unread>) {
    let keeps = request.version() < Version::HTTP_2 && !request.body().is_end_stream();
    let back = keeps.then(|| Unread {
        body: Arc::default(),
        waits: request.headers().contains_key(header::EXPECT),
    });
    (request.map(|body| Lent { body: Some(body), back: back.clone() }), back)
}

impl Unread {
    /// Reads the rest, or has the answer say that the connection closes.
    pub(super) async fn settle(self, answer: &mut HeaderMap) {
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(body) = body else { return };
        let drained =
            !self.waits && tokio::time::timeout(DRAIN_TIME, drain(body)).await.unwrap_or(false);
        if !drained {
            answer.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        }
    }
}

/// Whether all of it came.
async fn drain(mut body: Incoming) -> bool {
    let mut left = DRAIN_BYTES;
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(bytes) else { return false };
        left = rest;
    }
    true
}

impl Body for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let Some(body) = this.body.as_mut() else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            // Nothing is left.
            this.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let left = self.body.take().filter(|body| !body.is_end_stream());
        if let (Some(body), Some(back)) = (left, &self.back) {
            *back.body.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}
