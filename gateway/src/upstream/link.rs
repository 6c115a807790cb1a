//! One connection to one replica, made anew whenever it breaks.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tonic::body::Body;
use tower::BoxError;
use tracing::{info, warn};

use turnpike_runtime::tls::ClientIdentity;

use super::target::Target;

/// Between two attempts to connect: at first, and at most.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// A connection that breaks sooner than this was none.
const STEADY: Duration = Duration::from_secs(1);
/// How often the other side is asked for a sign of life, and how long it has: a machine that is gone says nothing.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// What may be under way of one answer, and of all on a connection. Somebody who reads slowly holds up the stream, and
/// two thousand of them the connection.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 128 * 1024 * 1024;
/// An answer's headers, with the details of a refusal.
const HEADER_LIST_BYTES: u32 = 64 * 1024;

/// What every connection of a gateway needs.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) connect_timeout: Duration,
    /// For targets that are reached through TLS.
    pub(super) identity: Option<ClientIdentity>,
}

/// One connection to one replica.
pub(super) struct Link {
    pub(super) target: Target,
    pub(super) address: SocketAddr,
    state: watch::Receiver<State>,
    in_flight: Arc<AtomicUsize>,
    task: AbortHandle,
}

/// How a connection is.
#[derive(Clone)]
enum State {
    /// It is being made, and nothing speaks against it.
    Connecting,
    /// The last attempt failed.
    Down,
    /// Requests may go.
    Up(SendRequest<Body>),
}

impl Link {
    /// Connects, and stays connected. `changed` is told whenever a request may find another answer.
    pub(super) fn new(
        target: Target,
        address: SocketAddr,
        settings: Settings,
        changed: watch::Sender<()>,
    ) -> Self {
        let (state, receiver) = watch::channel(State::Connecting);
        let keeper = Keeper { target: target.clone(), address, settings, state, changed };
        let task = tokio::spawn(keeper.keep_up()).abort_handle();
        Self { target, address, state: receiver, in_flight: Arc::default(), task }
    }

    /// What sends requests, if any may go now.
    pub(super) fn sender(&self) -> Option<SendRequest<Body>> {
        match &*self.state.borrow() {
            State::Up(sender) if !sender.is_closed() => Some(sender.clone()),
            _ => None,
        }
    }

    /// Whether it is worth a moment's wait.
    pub(super) fn is_connecting(&self) -> bool {
        match &*self.state.borrow() {
            State::Connecting => true,
            State::Down => false,
            // It has broken, and the keeper has not said so yet.
            State::Up(sender) => sender.is_closed(),
        }
    }

    /// How many answers are under way.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// One more, until what is returned is dropped.
    pub(super) fn begin(&self) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self.in_flight.clone())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Calls that are under way go on: they have their own part of the connection.
        self.task.abort();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let up = self.sender().is_some();
        f.debug_struct("Link").field("address", &self.address).field("up", &up).finish()
    }
}

/// An answer that is under way.
#[derive(Debug)]
pub(super) struct InFlight(Arc<AtomicUsize>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Keeps a connection up.
struct Keeper {
    target: Target,
    address: SocketAddr,
    settings: Settings,
    state: watch::Sender<State>,
    changed: watch::Sender<()>,
}

impl Keeper {
    async fn keep_up(self) {
        let mut pause = PAUSE;
        let mut failed = false;
        loop {
            let began = Instant::now();
            let made = tokio::time::timeout(self.settings.connect_timeout, self.connect()).await;
            match made.unwrap_or_else(|_| Err("no connection in time".into())) {
                Ok((sender, connection)) => {
                    info!(upstream = %self.target.authority, address = %self.address, "upstream.up");
                    failed = false;
                    self.say(State::Up(sender));
                    // It ends when no more requests may go, also when the other side asks for it; those that are under
                    // way then still get their answers.
                    connection.await;
                    self.say(State::Connecting);
                }
                Err(error) => {
                    if !failed {
                        warn!(
                            upstream = %self.target.authority,
                            address = %self.address,
                            error = error.as_ref() as &dyn std::error::Error,
                            "upstream.down"
                        );
                    }
                    failed = true;
                    self.say(State::Down);
                }
            }
            if began.elapsed() < STEADY {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            } else {
                pause = PAUSE;
            }
        }
    }

    fn say(&self, state: State) {
        self.state.send_replace(state);
        self.changed.send_replace(());
    }

    async fn connect(&self) -> Result<(SendRequest<Body>, Driver), BoxError> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        if !self.target.tls {
            return shake_hands(stream).await;
        }
        let no_identity = || io::Error::other("nothing says whom to believe");
        let identity = self.settings.identity.as_ref().ok_or_else(no_identity)?;
        let name = ServerName::try_from(self.target.host.clone())?;
        let stream = TlsConnector::from(identity.config()).connect(name, stream).await?;
        shake_hands(stream).await
    }
}

/// What moves a connection along.
type Driver = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

async fn shake_hands<S>(stream: S) -> Result<(SendRequest<Body>, Driver), BoxError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEADER_LIST_BYTES)
        .handshake(TokioIo::new(stream))
        .await?;
    Ok((sender, Box::pin(async move { drop(connection.await) })))
}
