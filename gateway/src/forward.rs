//! Services behind the gateway, in this process or across a network.

use std::collections::HashMap;
use std::fmt;

use http::{Request, Response};
use tonic::body::Body;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt};

/// Calls go to a service by its full name (`turnpike.v1.ClientService`), without knowing its methods.
#[derive(Clone, Default)]
pub(crate) struct Upstreams(HashMap<String, Upstream>);

type Upstream = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

impl Upstreams {
    /// Sends calls of `service_name` to `upstream`: a `tonic::service::Routes` of this process, a
    /// `tonic::transport::Channel`, or anything else of that shape.
    pub(crate) fn add<S>(&mut self, service_name: impl Into<String>, upstream: S)
    where
        S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        let upstream = BoxCloneSyncService::new(upstream.map_err(Into::into));
        self.0.insert(service_name.into(), upstream);
    }

    /// Whether there is a service for `path` (`/turnpike.v1.ClientService/GetClient`).
    pub(crate) fn of(&self, path: &str) -> Option<Upstream> {
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        if method.is_empty() || method.contains('/') {
            return None;
        }
        self.0.get(service).cloned()
    }

    /// The names, in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

impl fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Upstreams").field(&self.names()).finish()
    }
}
