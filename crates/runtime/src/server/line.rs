//! The line to a caller, as it is while an answer goes over it.
//!
//! Whoever makes an answer hears nothing of a caller who takes none of it: hyper asks for more of a body only when there
//! is a place to put it. So what moves an answer along is watched from outside, and dropped if it must end and cannot:
//! over HTTP/2 that resets the stream, over HTTP/1.1 it closes the connection.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Extensions;
use tokio::time::{Instant, Sleep};
use tracing::debug;
use turnpike_rpc::refusal::Refusal;

use super::room::Room;

/// What ends an answer from outside: deadline, session, shutdown.
pub type End = Pin<Box<dyn Future<Output = Refusal> + Send>>;
/// Makes an [`End`], when there is something to wait for: most answers never do.
pub type MakeEnd = Arc<dyn Fn() -> End + Send + Sync>;

tokio::task_local! {
    static OUTLET: Outlet;
}

/// In the extensions of each request: the line to its caller.
#[derive(Clone, Debug)]
pub struct Line {
    outlet: Outlet,
    room: Room,
}

impl Line {
    /// The line of the request that is served now, with `room` of its connection.
    pub(super) fn current(room: &Room) -> Self {
        let outlet = OUTLET.try_with(Outlet::clone).unwrap_or_default();
        Self { outlet, room: room.clone() }
    }

    /// That of the request with these extensions.
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Room for what is not whole yet of the request.
    pub const fn room(&self) -> &Room {
        &self.room
    }

    /// Ends the answer when this does, if the caller takes none of it then. Who takes it is told by whoever makes it.
    pub fn ends_with(&self, end: MakeEnd) {
        *self.outlet.end() = Ending::Unmade(end);
    }

    pub(super) const fn outlet(&self) -> &Outlet {
        &self.outlet
    }
}

/// Where an answer leaves the process: a stream of HTTP/2, or a connection of HTTP/1.1.
#[derive(Clone, Default)]
pub(super) struct Outlet(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Twice the number of pieces that were given away; one more while nobody has asked for another.
    given: AtomicU64,
    end: Mutex<Ending>,
}

#[derive(Default)]
enum Ending {
    Made(End),
    #[default]
    Never,
    Unmade(MakeEnd),
}

impl Outlet {
    /// A piece waits for a place. (All of this is called by the one task that moves the answer along.)
    pub(super) fn waits(&self) {
        self.0.given.fetch_or(1, Ordering::Relaxed);
    }

    /// It has found one, so that another is asked for.
    pub(super) fn asks(&self) {
        let given = self.0.given.load(Ordering::Relaxed);
        self.0.given.store(given.next_multiple_of(2), Ordering::Relaxed);
    }

    /// Nothing of an answer is left here.
    pub(super) fn is_done(&self) {
        self.asks();
        *self.end() = Ending::Never;
    }

    /// Which piece waits for the caller, if one does.
    fn waiting(&self) -> Option<u64> {
        Some(self.0.given.load(Ordering::Relaxed)).filter(|given| given % 2 == 1)
    }

    fn poll_end(&self, cx: &mut Context<'_>) -> Poll<Refusal> {
        let mut end = self.end();
        if let Ending::Unmade(make) = &*end {
            *end = Ending::Made(make());
        }
        match &mut *end {
            Ending::Made(end) => end.as_mut().poll(cx),
            Ending::Never | Ending::Unmade(_) => Poll::Pending,
        }
    }

    fn end(&self) -> MutexGuard<'_, Ending> {
        self.0.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

/// Moves answers along until they are over; until the caller has taken nothing for `patience`; or until they must end
/// while the caller takes nothing. `None` says that the last two were so.
pub(super) async fn watched<F: Future>(answers: F, patience: Duration) -> Option<F::Output> {
    let outlet = Outlet::default();
    let mut answers = pin!(OUTLET.scope(outlet.clone(), answers));
    let mut wait = None;
    poll_fn(|cx| {
        if let Poll::Ready(over) = answers.as_mut().poll(cx) {
            return Poll::Ready(Some(over));
        }
        let Some(piece) = outlet.waiting() else { return Poll::Pending };
        if let Poll::Ready(why) = outlet.poll_end(cx) {
            debug!(?why, "an answer that nobody takes is broken off");
            return Poll::Ready(None);
        }
        let wait = wait.get_or_insert_with(|| Wait::new(piece, patience));
        let over = wait.poll(piece, patience, cx);
        over.map(|()| debug!("an answer of which nothing is taken is broken off")).map(|()| None)
    })
    .await
}

/// For a caller to take a piece.
struct Wait {
    piece: u64,
    patience: Pin<Box<Sleep>>,
}

impl Wait {
    fn new(piece: u64, patience: Duration) -> Self {
        Self { piece, patience: Box::pin(tokio::time::sleep(patience)) }
    }

    /// Ready when it was too long.
    fn poll(&mut self, piece: u64, patience: Duration, cx: &mut Context<'_>) -> Poll<()> {
        if self.piece != piece {
            self.piece = piece;
            self.patience.as_mut().reset(Instant::now() + patience);
        }
        self.patience.as_mut().poll(cx)
    }
}

/// Runs the streams of HTTP/2, each watched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams {
    pub(super) patience: Duration,
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(watched(stream, self.patience));
    }
}
