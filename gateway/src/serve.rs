//! The listener: one plain-text port for HTTP/1.1 and HTTP/2.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{self, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Sleep;
use tonic::transport::server::{Connected, TcpConnectInfo};
use tonic::transport::{self, Server};
use tracing::{info, warn};

use crate::config::ServerSettings;
use crate::gateway::Gateway;

/// hyper reads so many bytes before it knows which HTTP it speaks, and knows no timeout for that.
const PREFACE_LEN: usize = 24;
/// A caller's headers over HTTP/2, assertions and tokens included.
const HEADER_LIST_BYTES: u32 = 32 * 1024;
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// After an error of `accept`, such as too many open files, a moment to recover.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a gateway did not serve, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener has no address.
    #[error("the listener has no address")]
    Address(#[source] io::Error),
    /// There are personas, and other machines can reach the listener.
    #[error("login links need a listener on this machine, such as `127.0.0.1`: not `{0}`")]
    NotLoopback(SocketAddr),
    /// The server stopped.
    #[error("the server stopped")]
    Server(#[source] transport::Error),
}

impl Gateway {
    /// Serves on `listener` until `shutdown` completes, then lets calls end: streams get a second,
    /// others [`ServerSettings::drain`].
    ///
    /// # Errors
    ///
    /// The listener is unfit, or the server stopped by itself.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), ServeError> {
        let Self { router, drain, server: settings, local_only, .. } = self;
        let address = listener.local_addr().map_err(ServeError::Address)?;
        if local_only && !address.ip().is_loopback() {
            return Err(ServeError::NotLoopback(address));
        }
        let (stopping, stopped) = oneshot::channel();
        let signal = async move {
            shutdown.await;
            info!("stopping: no new connections, calls may end");
            drain.begin();
            // The receiver is gone only if the server stopped before.
            let _ = stopping.send(());
        };
        let drain_time = settings.drain;
        let overdue = async move {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(drain_time).await;
        };
        let serving = server(&settings).serve_with_incoming_shutdown(
            router,
            incoming(listener, &settings),
            signal,
        );
        tokio::select! {
            served = serving => served.map_err(ServeError::Server),
            () = overdue => {
                warn!("some calls did not end in time and were cut");
                Ok(())
            }
        }
    }
}

fn server(settings: &ServerSettings) -> Server {
    Server::builder()
        .accept_http1(true)
        .max_concurrent_streams(settings.concurrent_streams)
        .http2_max_header_list_size(HEADER_LIST_BYTES)
        .http2_keepalive_interval(Some(settings.keep_alive))
        .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT))
        // With a grace period tonic 0.14 skips the polite part and cuts the connection: none is set.
        .max_connection_age(settings.connection_age)
}

/// Connections as they come, at most so many at once.
fn incoming(
    listener: TcpListener,
    settings: &ServerSettings,
) -> impl Stream<Item = Result<Connection, io::Error>> + use<> {
    let permits = Arc::new(Semaphore::new(settings.connections));
    let patience = settings.first_bytes_timeout;
    stream::unfold((listener, permits), move |(listener, permits)| async move {
        let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
        let stream = loop {
            match listener.accept().await {
                Ok((stream, _)) => break stream,
                Err(error) => {
                    warn!(
                        error = &error as &dyn std::error::Error,
                        "a connection was not accepted"
                    );
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        };
        // Without it small frames wait for acknowledgements; a socket that refuses is already dead.
        let _ = stream.set_nodelay(true);
        Some((Ok(Connection::new(stream, permit, patience)), (listener, permits)))
    })
}

/// A connection that must say something soon: who connects and stays silent holds a place for nothing.
struct Connection {
    stream: TcpStream,
    /// Given back when the connection is closed.
    _permit: OwnedSemaphorePermit,
    /// Until the first bytes are there.
    patience: Option<Pin<Box<Sleep>>>,
    read: usize,
}

impl Connection {
    fn new(stream: TcpStream, permit: OwnedSemaphorePermit, patience: Duration) -> Self {
        let patience = Some(Box::pin(tokio::time::sleep(patience)));
        Self { stream, _permit: permit, patience, read: 0 }
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
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

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
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
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
