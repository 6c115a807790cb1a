//! Who is at the other end of a connection, for routes that slow down who guesses.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tonic::transport::server::TcpConnectInfo;
use turnpike_domain::Error;
use turnpike_registry::Registry;
use turnpike_rpc::oauth::Peer;
use turnpike_rpc::peer::{HEADER, PeerSeal};

/// Tells `routes` of whom the gateway says that they are at the other end of its own connection; if it says nothing, who
/// is at the other end of this one.
///
/// # Errors
///
/// [`Error::Unavailable`], [`Error::Internal`].
pub async fn told_by_gateway(routes: Router, registry: &Registry) -> Result<Router, Error> {
    let state = (PeerSeal::of(registry).await?, registry.clone());
    Ok(routes.layer(from_fn_with_state(state, with_gateway)))
}

async fn with_gateway(
    State((seal, registry)): State<(PeerSeal, Registry)>,
    mut request: Request,
    next: Next,
) -> Response {
    let info = request.extensions().get::<TcpConnectInfo>();
    let connected = info.and_then(TcpConnectInfo::remote_addr).map(|address| address.ip());
    let said = request.headers_mut().remove(HEADER);
    let told = said.and_then(|said| seal.read(&said, registry.now()));
    if let Some(peer) = told.or(connected) {
        request.extensions_mut().insert(Peer(peer));
    }
    next.run(request).await
}
