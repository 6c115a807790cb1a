//! A service that is told where a request came from: it sees the gateway at the other end of each connection.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use tonic::body::Body;
use tower::{BoxError, Service};
use turnpike_domain::ports::Clock;
use turnpike_rpc::oauth::Peer;
use turnpike_rpc::peer::{HEADER, PeerSeal};

use crate::upstream::Replicas;

/// The replicas of a service, each told where a request came from. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Told {
    replicas: Replicas,
    seal: PeerSeal,
    clock: Arc<dyn Clock>,
}

impl Told {
    pub(super) const fn new(replicas: Replicas, seal: PeerSeal, clock: Arc<dyn Clock>) -> Self {
        Self { replicas, seal, clock }
    }

    pub(super) const fn replicas(&self) -> &Replicas {
        &self.replicas
    }

    pub(super) fn name(&self) -> &'static str {
        self.replicas.name()
    }

    pub(super) async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, BoxError> {
        // Nothing that came from outside under this name is here any more; still it is never left as it is.
        request.headers_mut().remove(HEADER);
        let peer = request.extensions().get::<Peer>().copied();
        if let Some(said) = peer.and_then(|Peer(peer)| self.seal.write(peer, self.clock.now())) {
            request.headers_mut().insert(HEADER, said);
        }
        self.replicas.send(request).await
    }
}

impl Service<Request<Body>> for Told {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let told = self.clone();
        Box::pin(async move { told.send(request).await })
    }
}
