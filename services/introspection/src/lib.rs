//! Says whether a token is good now: IntrospectionService over gRPC, RFC 7662 over HTTP.
//!
//! Everything is answered from memory: the sdk's verifier decides, and asks the policy that this
//! process follows.

mod config;
mod http_endpoint;
mod introspect;
mod list_verifiers;
mod revoke_token;
mod service;
mod update;
mod verifiers;
mod watch;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::Request;
use tokio::sync::{OnceCell, watch as channel};
use turnpike_domain::Error;
use turnpike_proto::v1::introspection_service_server::IntrospectionServiceServer;
use turnpike_registry::{Policy, Registry, sha256_hex};
use turnpike_rpc::Gate;
use turnpike_rpc::metrics::Metrics;
use turnpike_rpc::oauth::{Endpoint, SecretHolders, TokenVerifiers};
use turnpike_runtime::{Core, Grpc, Parts};
use uuid::Uuid;

pub use crate::config::Config;
pub use crate::service::Service;
use crate::verifiers::Connected;

/// The largest body of a request over HTTP. A token is at most 8 KiB; far longer ones are read to
/// be answered as any token that is not good.
const BODY_MAX: usize = 64 * 1024;

/// Decides about tokens. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Introspection(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    policy: Arc<Policy>,
    verifiers: TokenVerifiers,
    secrets: SecretHolders,
    /// The key set of the issuer, as it publishes it.
    published_keys: channel::Receiver<Arc<str>>,
    connected: Connected,
    /// What this process is called among those that serve one installation.
    replica: String,
    history: OnceCell<String>,
    endpoint: Endpoint,
}

impl Inner {
    /// Which log it is whose events are counted: a verifier that comes back to another installation at the same address,
    /// or to one that was begun anew, knows nothing of it.
    async fn history(&self) -> Result<&str, Error> {
        let made = async || {
            let key = self.registry.system_key("policy-history").await?;
            Ok(sha256_hex(&key).chars().take(16).collect())
        };
        self.history.get_or_try_init(made).await.map(String::as_str)
    }
}

impl Introspection {
    /// `policy` is the one that `verifiers` and `secrets` ask, and is kept up to date by whoever
    /// made it; `published_keys` is what the issuer of `verifiers` publishes.
    pub fn new(
        registry: Registry,
        policy: Arc<Policy>,
        verifiers: TokenVerifiers,
        secrets: SecretHolders,
        published_keys: channel::Receiver<Arc<str>>,
        metrics: Metrics,
    ) -> Self {
        let endpoint = Endpoint {
            path: "/oauth2/introspect",
            body_max: BODY_MAX,
            opaque: &["token"],
            metrics,
        };
        Self(Arc::new(Inner {
            registry,
            policy,
            verifiers,
            secrets,
            published_keys,
            connected: Connected::default(),
            replica: Uuid::now_v7().to_string(),
            history: OnceCell::new(),
            endpoint,
        }))
    }

    /// Tells the other replicas which verifiers this one serves, for as long as the process lives.
    async fn keep_noting(self) {
        let Inner { registry, connected, replica, .. } = &*self.0;
        connected.keep_noting(registry, replica).await;
    }
}

/// Introspection over what a process shares. Needs a tokio runtime.
pub fn parts(core: &Core) -> Parts {
    let introspection = Introspection::new(
        core.registry.clone(),
        core.policy.clone(),
        core.verifiers.clone(),
        core.secrets.clone(),
        core.published_keys.clone(),
        core.metrics.clone(),
    );
    tokio::spawn(introspection.clone().keep_noting());
    let grpc = Grpc::default().with(service(core.gate.clone(), introspection.clone()));
    Parts { grpc, http: router(introspection), needs: vec![core.needs_policy()] }
}

/// The route of RFC 7662: `POST /oauth2/introspect`. The peer's address is taken from the request's
/// extensions, if it is there: [`turnpike_rpc::oauth::Peer`] or axum's `ConnectInfo<SocketAddr>`.
pub fn router(introspection: Introspection) -> Router {
    let serve = async move |request: Request<Body>| {
        let inner = &introspection.0;
        inner.endpoint.serve(request, |asked| http_endpoint::handle(inner, asked)).await
    };
    Router::new().route("/oauth2/introspect", any(serve))
}

/// The gRPC service, served through a gate.
pub fn service(gate: Gate, introspection: Introspection) -> IntrospectionServiceServer<Service> {
    IntrospectionServiceServer::new(Service::new(gate, introspection))
}
