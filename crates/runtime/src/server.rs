//! The listener of a process: one port for HTTP/1.1 and HTTP/2, in plain text or in TLS.
//!
//! hyper is served directly. tonic's server would apply `grpc-timeout` itself, outside of every layer,
//! and answer CANCELLED whenever it is faster than the layer that knows the right answer; its connection age, given
//! a grace period, cuts connections instead of asking them to go.

mod answer;
mod connection;
mod drain;
mod line;
mod places;
mod room;
mod settings;
mod unread;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tonic::transport::server::TcpConnectInfo;
use tower::ServiceExt;
use tracing::{debug, info, warn};

use self::answer::Answer;
use self::connection::Connection;
use self::line::{Streams, watched};
use self::places::{Busy, Place, Places, State};
use self::room::OfProcess;

pub use self::drain::{Drain, Phase};
pub use self::line::{End, Line, MakeEnd};
pub use self::room::{For, Full, Room, Taken};
pub use self::settings::Settings;

/// A caller's headers over HTTP/2, assertions and tokens included; and everything hyper holds of a
/// connection over HTTP/1.1.
const HEADER_LIST_BYTES: u32 = 32 * 1024;
const HTTP1_BUFFER_BYTES: usize = 64 * 1024;
/// What is written of an answer that the system has not taken yet.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// What a connection gets after it was asked to go because it was idle, and because somebody else needs the place.
const IDLE_LAST_WORDS: Duration = Duration::from_secs(10);
const NEEDED_LAST_WORDS: Duration = Duration::from_millis(50);
/// After an error of `accept`, such as too many open files, a moment to recover.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves on `listener` until `shutdown` completes. Then it says that it is not ready, goes on for
/// [`Settings::drain_notice`], takes no more connections, and lets calls end for [`Settings::drain`]; what is left
/// then is cut. `drain` tells the rest of the process how far it is.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: Settings,
    drain: Drain,
    shutdown: impl Future<Output = ()> + Send,
) {
    let (notice, patience) = (settings.drain_notice, settings.drain);
    let server = Server::new(router, settings, drain);
    let mut connections = JoinSet::new();
    let leave = async {
        shutdown.await;
        server.drain.advance(Phase::Leaving);
        tokio::time::sleep(notice).await;
    };
    tokio::select! {
        () = server.accept(&listener, &mut connections) => {}
        () = leave => {}
    }
    // From here on the kernel refuses newcomers.
    drop(listener);
    info!(connections = connections.len(), "stopping: calls may end");
    server.drain.advance(Phase::Stopping);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(patience, ended).await.is_err() {
        warn!("some calls did not end in time and are cut");
    }
}

struct Server {
    router: Router,
    settings: Settings,
    http: auto::Builder<Streams>,
    places: Places,
    held: Arc<OfProcess>,
    drain: Drain,
}

impl Server {
    fn new(router: Router, settings: Settings, drain: Drain) -> Self {
        let mut http = auto::Builder::new(Streams { patience: settings.stall_timeout });
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(settings.headers_timeout)
            .max_buf_size(HTTP1_BUFFER_BYTES);
        http.http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(settings.keep_alive)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .max_concurrent_streams(settings.concurrent_streams)
            .max_header_list_size(HEADER_LIST_BYTES)
            .max_send_buf_size(SEND_BUFFER_BYTES);
        let places = Places::new(settings.connections, settings.connections_per_address);
        let held = OfProcess::new(settings.request_bytes);
        Self { router, settings, http, places, held, drain }
    }

    /// Accepts for ever, at most so many connections at once.
    async fn accept(&self, listener: &TcpListener, connections: &mut JoinSet<()>) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => match self.places.take(peer.ip()).await {
                    Some(place) => drop(connections.spawn(self.serve(stream, peer, place))),
                    None => {
                        debug!(client.address = %peer.ip(), "an address has enough connections")
                    }
                },
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "no connection was accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
    }

    /// Serves one connection until it ends, politely asking it to when it is old or idle, or we stop.
    fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        place: Place,
    ) -> impl Future<Output = ()> + Send + use<> {
        // Without it small frames wait for acknowledgements; a socket that refuses is already dead.
        let _ = stream.set_nodelay(true);
        let Settings { first_bytes_timeout: patience, stall_timeout, .. } = self.settings;
        let one = One {
            router: self.router.clone(),
            http: self.http.clone(),
            info: TcpConnectInfo { local_addr: stream.local_addr().ok(), remote_addr: Some(peer) },
            room: Room::new(self.settings.connection_request_bytes, Arc::clone(&self.held)),
            drain: self.drain.clone(),
            age: self.settings.connection_age,
            idle: self.settings.idle_timeout,
            last_words: self.settings.last_words,
        };
        let tls = self.settings.tls.clone();
        async move {
            let Some(tls) = tls else {
                let connection = Connection::new(stream, place, patience, stall_timeout);
                watched(one.serve(connection), stall_timeout).await;
                return;
            };
            let accepted = tokio::select! {
                accepted = tokio::time::timeout(patience, tls.accept(stream)) => accepted,
                () = place.state().needed() => return,
            };
            match accepted {
                Ok(Ok(stream)) => {
                    let connection = Connection::new(stream, place, patience, stall_timeout);
                    watched(one.serve(connection), stall_timeout).await;
                }
                Ok(Err(error)) => {
                    debug!(error = &error as &dyn std::error::Error, "no TLS came about");
                }
                Err(_) => debug!("no TLS came about in time"),
            }
        }
    }
}

/// One connection.
struct One {
    router: Router,
    http: auto::Builder<Streams>,
    info: TcpConnectInfo,
    room: Room,
    drain: Drain,
    age: Duration,
    idle: Duration,
    last_words: Duration,
}

impl One {
    async fn serve<S>(self, connection: Connection<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { router, http, info, room, drain, age, idle, last_words } = self;
        let state = Arc::clone(connection.state());
        let asked = Asked { router, info, room, state: Arc::clone(&state) };
        let service = service_fn(move |request| asked.clone().answer(request));
        let mut served = pin!(http.serve_connection(TokioIo::new(connection), service));
        let stopping = drain.reached(Phase::Stopping);
        let leave = async {
            tokio::select! {
                () = tokio::time::sleep(age) => last_words,
                () = stopping => last_words,
                () = state.idle_for(idle) => IDLE_LAST_WORDS,
                () = state.needed() => NEEDED_LAST_WORDS,
            }
        };
        let ended = tokio::select! {
            ended = served.as_mut() => ended,
            last_words = leave => {
                served.as_mut().graceful_shutdown();
                tokio::time::timeout(last_words, served).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            debug!(error = error.as_ref() as &dyn std::error::Error, "a connection broke");
        }
    }
}

/// What requests of one connection are answered with.
#[derive(Clone)]
struct Asked {
    router: Router,
    info: TcpConnectInfo,
    room: Room,
    state: Arc<State>,
}

impl Asked {
    async fn answer(self, request: Request<Incoming>) -> Result<Response<Answer>, Infallible> {
        let Self { router, info, room, state } = self;
        let busy = Busy::with(&state);
        let line = Line::current(&room);
        let outlet = line.outlet().clone();
        let (mut request, unread) = unread::lend(request);
        request.extensions_mut().insert(info);
        request.extensions_mut().insert(line);
        let (mut head, body) = router.oneshot(request).await?.into_parts();
        if let Some(unread) = unread {
            unread.settle(&mut head.headers).await;
        }
        let admitted = head.extensions.remove();
        Ok(Response::from_parts(head, Answer::new(body, outlet, busy, admitted)))
    }
}
