//! The listener: one plain-text port for HTTP/1.1 and HTTP/2.
//!
//! hyper is served directly. tonic's server would apply `grpc-timeout` itself, outside of every layer,
//! and answer CANCELLED whenever it is faster than the gateway by a hair; its connection age, given a
//! grace period, cuts connections instead of asking them to go.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tonic::transport::server::TcpConnectInfo;
use tower::ServiceExt;
use tracing::{debug, info, warn};

use crate::config::ServerSettings;
use crate::connection::Connection;
use crate::gateway::Gateway;

/// A caller's headers over HTTP/2, assertions and tokens included; and everything hyper holds of a
/// connection over HTTP/1.1.
const HEADER_LIST_BYTES: u32 = 32 * 1024;
const HTTP1_BUFFER_BYTES: usize = 64 * 1024;
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// After an error of `accept`, such as too many open files, a moment to recover.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a gateway did not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener has no address.
    #[error("the listener has no address")]
    Address(#[source] io::Error),
    /// There are personas, and other machines can reach the listener.
    #[error("login links need a listener on this machine, such as `127.0.0.1`: not `{0}`")]
    NotLoopback(SocketAddr),
}

impl Gateway {
    /// Serves on `listener` until `shutdown` completes, then lets calls end: streams get a second,
    /// others [`ServerSettings::drain`]. What is left then is cut.
    ///
    /// # Errors
    ///
    /// The listener is unfit.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), ServeError> {
        let Self { router, links: _, drain, server: settings, stream_timeout, local_only } = self;
        let address = listener.local_addr().map_err(ServeError::Address)?;
        if local_only && !address.ip().is_loopback() {
            return Err(ServeError::NotLoopback(address));
        }
        let server = Server::new(router, settings, stream_timeout);
        let mut connections = JoinSet::new();
        tokio::select! {
            () = server.accept(&listener, &mut connections) => {}
            () = shutdown => {}
        }
        // From here on the kernel refuses newcomers.
        drop(listener);
        info!(connections = connections.len(), "stopping: calls may end");
        drain.begin();
        server.stopping.send_replace(true);
        let ended = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(server.settings.drain, ended).await.is_err() {
            warn!("some calls did not end in time and are cut");
        }
        Ok(())
    }
}

struct Server {
    router: Router,
    settings: ServerSettings,
    http: auto::Builder<TokioExecutor>,
    permits: Arc<Semaphore>,
    /// What a connection gets after it was asked to go: a caller that reads nothing would stay.
    last_words: Duration,
    stopping: watch::Sender<bool>,
}

impl Server {
    fn new(router: Router, settings: ServerSettings, last_words: Duration) -> Self {
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
        Self { router, settings, http, permits, last_words, stopping: watch::Sender::new(false) }
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
        let info = TcpConnectInfo { local_addr: stream.local_addr().ok(), remote_addr: Some(peer) };
        let service = self.router.clone().map_request(move |mut request: http::Request<_>| {
            request.extensions_mut().insert(info.clone());
            request
        });
        let connection = Connection::new(stream, permit, self.settings.first_bytes_timeout);
        let (http, age) = (self.http.clone(), self.settings.connection_age);
        let last_words = self.last_words;
        let mut stopping = self.stopping.subscribe();
        async move {
            let io = TokioIo::new(connection);
            let mut served = pin!(http.serve_connection(io, TowerToHyperService::new(service)));
            let mut leave = pin!(async move {
                tokio::select! {
                    () = tokio::time::sleep(age) => {}
                    _ = stopping.wait_for(|stopping| *stopping) => {}
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
}
