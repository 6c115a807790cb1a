//! The listener of a process: one port for HTTP/1.1 and HTTP/2, in plain text or in TLS.
//!
//! hyper is served directly. tonic's server would apply `grpc-timeout` itself, outside of every layer,
//! and answer CANCELLED whenever it is faster than the layer that knows the right answer; its connection age, given
//! a grace period, cuts connections instead of asking them to go.

mod connection;
mod drain;
mod settings;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tonic::transport::server::TcpConnectInfo;
use tower::ServiceExt;
use tracing::{debug, info, warn};

use self::connection::Connection;

pub use self::drain::{Drain, Phase};
pub use self::settings::Settings;

/// A caller's headers over HTTP/2, assertions and tokens included; and everything hyper holds of a
/// connection over HTTP/1.1.
const HEADER_LIST_BYTES: u32 = 32 * 1024;
const HTTP1_BUFFER_BYTES: usize = 64 * 1024;
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
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
    http: auto::Builder<TokioExecutor>,
    permits: Arc<Semaphore>,
    drain: Drain,
}

impl Server {
    fn new(router: Router, settings: Settings, drain: Drain) -> Self {
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(settings.headers_timeout)
            .max_buf_size(HTTP1_BUFFER_BYTES);
        http.http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(settings.keep_alive)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .max_concurrent_streams(settings.concurrent_streams)
            .max_header_list_size(HEADER_LIST_BYTES);
        let permits = Arc::new(Semaphore::new(settings.connections));
        Self { router, settings, http, permits, drain }
    }

    /// Accepts for ever, at most so many connections at once.
    async fn accept(&self, listener: &TcpListener, connections: &mut JoinSet<()>) {
        while let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    connections.spawn(self.serve(stream, peer, permit));
                }
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "no connection was accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
    }

    /// Serves one connection until it ends, politely asking it to when it is old or we stop.
    fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        permit: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + use<> {
        // Without it small frames wait for acknowledgements; a socket that refuses is already dead.
        let _ = stream.set_nodelay(true);
        let one = One {
            router: self.router.clone(),
            http: self.http.clone(),
            info: TcpConnectInfo { local_addr: stream.local_addr().ok(), remote_addr: Some(peer) },
            drain: self.drain.clone(),
            age: self.settings.connection_age,
            last_words: self.settings.last_words,
        };
        let (tls, patience) = (self.settings.tls.clone(), self.settings.first_bytes_timeout);
        async move {
            let Some(tls) = tls else {
                one.serve(Connection::new(stream, permit, patience)).await;
                return;
            };
            match tokio::time::timeout(patience, tls.accept(stream)).await {
                Ok(Ok(stream)) => one.serve(Connection::new(stream, permit, patience)).await,
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
    http: auto::Builder<TokioExecutor>,
    info: TcpConnectInfo,
    drain: Drain,
    age: Duration,
    last_words: Duration,
}

impl One {
    async fn serve<S>(self, connection: Connection<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { router, http, info, drain, age, last_words } = self;
        let service = router.map_request(move |mut request: http::Request<_>| {
            request.extensions_mut().insert(info.clone());
            request
        });
        let io = TokioIo::new(connection);
        let mut served = pin!(http.serve_connection(io, TowerToHyperService::new(service)));
        let stopping = drain.reached(Phase::Stopping);
        let mut leave = pin!(async move {
            tokio::select! {
                () = tokio::time::sleep(age) => {}
                () = stopping => {}
            }
        });
        let ended = tokio::select! {
            ended = served.as_mut() => ended,
            () = leave.as_mut() => {
                served.as_mut().graceful_shutdown();
                tokio::time::timeout(last_words, served).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            debug!(error = error.as_ref() as &dyn std::error::Error, "a connection broke");
        }
    }
}
