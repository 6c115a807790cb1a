//! Serving: what every process does, and that login links stay on this machine.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use turnpike_runtime::server;

use crate::gateway::Gateway;

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
    /// others [`server::Settings::drain`]. What is left then is cut.
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
        let settings = server::Settings { last_words: stream_timeout, ..settings };
        server::serve(listener, router, settings, drain, shutdown).await;
        Ok(())
    }
}
