//! One connection, as the listener accepted it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::places::{Place, State};

/// hyper reads so many bytes before it knows which HTTP it speaks, and knows no timeout for that.
const PREFACE_LEN: usize = 24;

/// A connection that must say something soon, and must take what it is told: who connects and stays silent, or asks and
/// does not read, holds a place for nothing.
pub(super) struct Connection<S> {
    stream: S,
    /// Given back when the connection is closed.
    place: Place,
    /// Until the first bytes are there.
    patience: Option<Pin<Box<Sleep>>>,
    read: usize,
    /// How long it may take nothing.
    stall_timeout: Duration,
    /// Until something is taken. Made for those who have to be waited for.
    stall: Option<Pin<Box<Sleep>>>,
    is_stalled: bool,
}

impl<S> Connection<S> {
    pub(super) fn new(
        stream: S,
        place: Place,
        patience: Duration,
        stall_timeout: Duration,
    ) -> Self {
        let patience = Some(Box::pin(tokio::time::sleep(patience)));
        Self { stream, place, patience, read: 0, stall_timeout, stall: None, is_stalled: false }
    }

    pub(super) const fn state(&self) -> &Arc<State> {
        self.place.state()
    }

    /// What became of an attempt to write, with an end to waiting.
    fn written<T>(
        &mut self,
        polled: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            if std::mem::take(&mut self.is_stalled) {
                self.state().note_written(true);
            }
            return polled;
        }
        let timeout = self.stall_timeout;
        let stall = self.stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        if !std::mem::replace(&mut self.is_stalled, true) {
            stall.as_mut().reset(Instant::now() + timeout);
            self.place.state().note_written(false);
        }
        let over = stall.as_mut().poll(cx);
        over.map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let Some(patience) = self.patience.as_mut() {
            if polled.is_pending() && patience.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.read += buffer.filled().len() - before;
            if self.read >= PREFACE_LEN {
                self.patience = None;
            }
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(polled, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.written(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
