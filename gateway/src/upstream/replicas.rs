//! The replicas of one service.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, Uri, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use tokio::sync::watch;
use tonic::body::Body;
use tower::{BoxError, Service};

use turnpike_runtime::tls::ClientIdentity;

use super::frames::NoEmptyFrames;
use super::link::{InFlight, Link, Settings};
use super::target::Target;

/// How often names are looked up again: replicas come and go.
const RESOLVE_PAUSE: Duration = Duration::from_secs(5);

/// The replicas of one service. Clones share them; with the last of them the connections go.
#[derive(Clone, Debug)]
pub struct Replicas(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: &'static str,
    settings: Settings,
    links: RwLock<Vec<Arc<Link>>>,
    /// Who is asked first among equals.
    turn: AtomicUsize,
    /// Told when a request may find another answer.
    changed: watch::Sender<()>,
}

/// No replica of a service is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no replica of `{0}` is connected")]
pub struct NoReplica(&'static str);

impl Replicas {
    /// Connects to all replicas of the service `name`, and stays connected. `identity` is for those that are reached
    /// through TLS. Needs a tokio runtime.
    pub fn connect(
        name: &'static str,
        targets: Vec<Target>,
        identity: Option<ClientIdentity>,
        connect_timeout: Duration,
    ) -> Self {
        let replicas = Self(Arc::new(Inner {
            name,
            settings: Settings { connect_timeout, identity },
            links: RwLock::default(),
            turn: AtomicUsize::new(0),
            changed: watch::Sender::new(()),
        }));
        for target in targets {
            tokio::spawn(follow(Arc::downgrade(&replicas.0), target));
        }
        replicas
    }

    /// The service.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// Whether a request would find somebody.
    pub fn is_connected(&self) -> bool {
        self.0.links().iter().any(|link| link.sender().is_some())
    }

    /// Sends a request to the replica with the least to do. If none is connected, and one may be in a moment, it waits
    /// that moment.
    ///
    /// # Errors
    ///
    /// [`NoReplica`]; or the connection broke, and nobody knows how far the request got.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let mut request = Some(request.map(|body| Body::new(NoEmptyFrames(body))));
        let waited = tokio::time::sleep(self.0.settings.connect_timeout);
        tokio::pin!(waited);
        loop {
            let mut changed = self.0.changed.subscribe();
            let Some((link, mut sender)) = self.0.pick() else {
                let none = || BoxError::from(NoReplica(self.0.name));
                // Before names are looked up there is no link at all.
                let hope = self.0.links().iter().any(|link| link.is_connecting());
                if !hope && !self.0.links().is_empty() {
                    return Err(none());
                }
                tokio::select! {
                    _ = changed.changed() => continue,
                    () = &mut waited => return Err(none()),
                }
            };
            let Some(mut whole) = request.take() else { return Err("no request".into()) };
            address(&mut whole, &link.target)?;
            let in_flight = link.begin();
            match sender.try_send_request(whole).await {
                Ok(response) => {
                    let counted = |body| Body::new(Counted { body, _in_flight: in_flight });
                    return Ok(response.map(counted));
                }
                Err(mut failed) => match failed.take_message() {
                    // It was never sent: the connection had just been closed. Somebody else shall have it.
                    Some(again) => request = Some(again),
                    None => return Err(failed.into_error().into()),
                },
            }
        }
    }
}

impl Inner {
    fn links(&self) -> Vec<Arc<Link>> {
        self.links.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn pick(&self) -> Option<(Arc<Link>, SendRequest<Body>)> {
        let mut links = self.links();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let length = links.len().max(1);
        links.rotate_left(turn % length);
        links.sort_by_key(|link| link.in_flight());
        links.into_iter().find_map(|link| link.sender().map(|sender| (link, sender)))
    }

    /// What a name means now: links to new addresses are made, those to others go.
    fn take(&self, target: &Target, addresses: &[SocketAddr]) {
        let mut links = self.links.write().unwrap_or_else(PoisonError::into_inner);
        links.retain(|link| link.target != *target || addresses.contains(&link.address));
        for address in addresses {
            if !links.iter().any(|link| link.target == *target && link.address == *address) {
                let (settings, changed) = (self.settings.clone(), self.changed.clone());
                links.push(Arc::new(Link::new(target.clone(), *address, settings, changed)));
            }
        }
        drop(links);
        self.changed.send_replace(());
    }
}

/// Looks up a name again and again, as long as there are replicas. A name that is not found keeps what it had: a
/// directory that does not answer must not stop calls.
async fn follow(replicas: Weak<Inner>, target: Target) {
    loop {
        match tokio::net::lookup_host((target.host.as_str(), target.port)).await {
            Ok(found) => {
                let mut addresses: Vec<SocketAddr> = found.collect();
                addresses.sort_unstable();
                addresses.dedup();
                let Some(inner) = replicas.upgrade() else { return };
                if !addresses.is_empty() {
                    inner.take(&target, &addresses);
                }
            }
            Err(error) => {
                tracing::warn!(upstream = %target.authority, error = %error, "upstream.not_found");
            }
        }
        if target.host.parse::<std::net::IpAddr>().is_ok() {
            return;
        }
        tokio::time::sleep(RESOLVE_PAUSE).await;
        if replicas.strong_count() == 0 {
            return;
        }
    }
}

/// Says in the request whom it is for.
fn address(request: &mut Request<Body>, target: &Target) -> Result<(), http::Error> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let uri = Uri::builder()
        .scheme(target.scheme())
        .authority(target.authority.clone())
        .path_and_query(path)
        .build()?;
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_2;
    Ok(())
}

impl Service<Request<Body>> for Replicas {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let replicas = self.clone();
        Box::pin(async move { replicas.send(request).await })
    }
}

/// The body of an answer, counted as under way until it is over.
struct Counted {
    body: Incoming,
    _in_flight: InFlight,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
