//! A gateway, put together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method, Response};
use tonic::body::Body;
use tower::{BoxError, Service};
use tower_http::cors::{AllowOrigin, CorsLayer};

use turnpike_domain::ports::{Clock, Entropy};
use turnpike_registry::Registry;
use turnpike_rpc::assertion::AssertionSigner;
use turnpike_runtime::server::{self, Drain};

use crate::assets::Assets;
use crate::config::GatewayConfig;
use crate::csrf::{self, SameOrigin};
use crate::edge::{Edge, plain_routes, timed_routes};
use crate::forward::Upstreams;
use crate::grpc::{Calls, Parts};
use crate::host::Hosts;
use crate::login::LoginLinks;
use crate::oidc::{self, Oidc};
use crate::origin::Origin;
use crate::person;
use crate::portal::Portal;
use crate::seal::SealKeys;
use crate::session::{self, Sessions};
use crate::sign_in::SignIn;

/// What a gateway is made of. Given to [`Gateway::builder`].
pub struct Builder {
    config: GatewayConfig,
    registry: Registry,
    signer: AssertionSigner,
    seal_keys: SealKeys,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    upstreams: Upstreams,
    plain: Router,
    assets: Option<Assets>,
    drain: Drain,
}

impl Builder {
    /// Sends calls of the service with this full name (`turnpike.v1.ClientService`,
    /// `grpc.health.v1.Health`) to `upstream`: a `tonic::service::Routes` of this process, a
    /// `tonic::transport::Channel`, or anything else of that shape.
    #[must_use]
    pub fn upstream<S>(mut self, service_name: impl Into<String>, upstream: S) -> Self
    where
        S: Service<http::Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        self.upstreams.add(service_name, upstream);
        self
    }

    /// Serves these routes as they are: `/oauth2/*`, `/.well-known/*`, `/metrics` and the like. No cookie
    /// reaches them, and a fallback of theirs is not taken.
    ///
    /// # Panics
    ///
    /// As [`Router::merge`], if one of the routes is there already; `/login` and `/logout` are ours.
    #[must_use]
    pub fn routes(mut self, routes: Router) -> Self {
        let timeout = self.config.calls.timeout;
        self.plain = self.plain.merge(plain_routes(routes, timeout));
        self
    }

    /// The files of the portal: by default those that the crate was compiled with.
    #[must_use]
    pub fn assets(mut self, assets: Assets) -> Self {
        self.assets = Some(assets);
        self
    }

    /// What tells the rest of the process that the gateway stops.
    #[must_use]
    pub fn drain(mut self, drain: Drain) -> Self {
        self.drain = drain;
        self
    }

    /// The gateway.
    ///
    /// # Errors
    ///
    /// Personas beside a public origin that other machines can reach: whoever holds a login link is that
    /// persona, so the door stays on this machine.
    pub fn build(self) -> Result<Gateway, BuildError> {
        let Self {
            config,
            registry,
            signer,
            seal_keys,
            clock,
            entropy,
            upstreams,
            plain,
            assets,
            drain,
        } = self;
        let GatewayConfig {
            public_origin: public,
            allowed_origins,
            personas,
            oidc,
            login_link_lifetime,
            session,
            calls,
            server,
        } = config;
        if !personas.is_empty() && !public.is_loopback() {
            return Err(BuildError::PersonasInPublic(public));
        }
        let local_only = !personas.is_empty();
        let (clock_of, entropy_of) = (|| Arc::clone(&clock), || Arc::clone(&entropy));
        let links =
            LoginLinks::new(&public, login_link_lifetime, &personas, clock_of(), entropy_of());
        let roles = oidc.as_ref().map(|oidc| oidc.roles.clone()).unwrap_or_default();
        let oidc = oidc.map(|settings| {
            let (keys, registry) = (seal_keys.clone(), registry.clone());
            let (clock, entropy) = (clock_of(), entropy_of());
            let parts = oidc::Parts { settings, public: &public, keys, registry, clock, entropy };
            Oidc::new(parts).map(Arc::new)
        });
        let oidc = oidc.transpose()?;
        let sessions = Sessions::new(session::Parts {
            origin: &public,
            settings: session,
            personas: &personas,
            roles,
            oidc: oidc.clone(),
            keys: seal_keys,
            registry,
            clock: clock_of(),
            entropy: entropy_of(),
        });
        let same_origin = SameOrigin::new(&public, &allowed_origins);
        let (timeout, stream_timeout) = (calls.timeout, calls.stream_timeout);
        let names: Vec<String> = upstreams.names().into_iter().map(str::to_owned).collect();
        let calls = Calls::new(Parts {
            upstreams,
            sessions: sessions.clone(),
            same_origin: same_origin.clone(),
            signer,
            settings: calls,
            drain: drain.clone(),
            clock: clock_of(),
        });
        let sign_in = SignIn {
            links: links.clone(),
            oidc,
            sessions,
            same_origin,
            public: public.clone(),
            entropy: entropy_of(),
        };
        let portal = Portal {
            assets: assets.unwrap_or_else(Assets::embedded),
            calls: calls.clone(),
            public: public.clone(),
            entropy: entropy_of(),
        };
        let rpc = with_cors(call_routes(&names, &calls), &allowed_origins);
        let sign_in = timed_routes(sign_in.routes(), timeout);
        let router = plain.merge(rpc).merge(sign_in).fallback(move |request: Request| {
            let portal = portal.clone();
            portal.answer(request)
        });
        let hosts = Hosts::new(&public, &allowed_origins);
        let edge = Edge { hosts, public, clock, entropy };
        let router = edge.around(router);
        Ok(Gateway { router, links, drain, server, stream_timeout, local_only })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("upstreams", &self.upstreams).finish_non_exhaustive()
    }
}

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Login links would open a door to other machines.
    #[error(
        "personas need a public origin on this machine, such as `http://127.0.0.1:8080`: not `{0}`"
    )]
    PersonasInPublic(Origin),
    /// A setting of the directory cannot be used.
    #[error("oidc: {}", turnpike_rpc::status::causes(.0))]
    Oidc(#[from] turnpike_domain::Error),
}

/// The door of a Turnpike: portal, sessions, gRPC-web, and the way to the services.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) router: Router,
    pub(crate) links: LoginLinks,
    pub(crate) drain: Drain,
    pub(crate) server: server::Settings,
    /// The longest that anything on a connection may last.
    pub(crate) stream_timeout: Duration,
    /// There are personas: the listener must be of this machine, too.
    pub(crate) local_only: bool,
}

impl Gateway {
    /// Begins a gateway, whose sessions are kept in `registry` and sealed with `seal_keys`.
    pub fn builder(
        config: GatewayConfig,
        registry: Registry,
        signer: AssertionSigner,
        seal_keys: SealKeys,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Builder {
        Builder {
            config,
            registry,
            signer,
            seal_keys,
            clock,
            entropy,
            upstreams: Upstreams::default(),
            plain: Router::new(),
            assets: None,
            drain: Drain::new(),
        }
    }

    /// Makes login links, also while the gateway serves.
    pub fn login_links(&self) -> LoginLinks {
        self.links.clone()
    }

    /// Everything the gateway answers, for a server of the caller's own. That server has to speak h2c,
    /// and to bound headers and connections as [`Gateway::serve`] does; streams then do not hear of its
    /// shutdown.
    pub fn into_router(self) -> Router {
        self.router
    }
}

/// Mounts each service by its name. Other names end at the fallback, which says so in gRPC.
fn call_routes(names: &[String], calls: &Calls) -> Router {
    names.iter().fold(Router::new(), |router, name| {
        let calls = calls.clone();
        router.route(
            &format!("/{name}/{{method}}"),
            axum::routing::any(move |request: Request| calls.answer(request)),
        )
    })
}

/// Answers preflights for the pages of these origins. Without any, a browser finds no leave.
fn with_cors(router: Router, allowed: &[Origin]) -> Router {
    if allowed.is_empty() {
        return router;
    }
    let origins = allowed.iter().filter_map(|o| HeaderValue::try_from(o.to_string()).ok());
    let named = HeaderName::from_static;
    router.layer(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_credentials(true)
            .allow_methods([Method::POST])
            .allow_headers([
                AUTHORIZATION,
                CONTENT_TYPE,
                csrf::HEADER,
                person::HEADER,
                named("grpc-timeout"),
                named("x-grpc-web"),
                named("x-user-agent"),
            ])
            .expose_headers([
                named("grpc-message"),
                named("grpc-status"),
                named("grpc-status-details-bin"),
                named("x-request-id"),
            ])
            .max_age(Duration::from_secs(7200)),
    )
}
