//! All services and the gateway in one process, on one port.
//!
//! The services are called as routers, not over connections: a call costs microseconds. Everything else is
//! as it is with a process each.

mod config;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use turnpike_domain::id::TeamId;
use turnpike_domain::ports::{Clock, Entropy};
use turnpike_gateway::{Gateway, GatewayConfig, OidcSettings, SealKeys, SessionSettings};
use turnpike_rpc::assertion::AssertionKeys;
use turnpike_runtime::clock::SystemClock;
use turnpike_runtime::config::{Configuration as _, Limits, Role, TokenLimits, provided_teams};
use turnpike_runtime::core::{Core, Settings};
use turnpike_runtime::entropy::SystemEntropy;
use turnpike_runtime::readiness::Readiness;
use turnpike_runtime::server::{self, Drain};
use turnpike_runtime::{Parts, backend, ops, program, start, telemetry, trace};

pub use crate::config::Config;
pub use turnpike_gateway::links::{self, Link};

/// Why the process did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The gateway refused.
    #[error(transparent)]
    Gateway(#[from] turnpike_gateway::BuildError),
    /// The server stopped by itself.
    #[error(transparent)]
    Serve(#[from] turnpike_gateway::ServeError),
    /// What every process needs failed.
    #[error(transparent)]
    Start(#[from] start::Error),
}

/// A process that listens and is ready to serve.
#[derive(Debug)]
pub struct Ready {
    gateway: Gateway,
    listener: TcpListener,
    address: SocketAddr,
    url: String,
    links: Vec<Link>,
    /// Gives out more of them while the process runs.
    more_links: Option<links::Server>,
}

/// Opens everything and binds the port; nothing is served yet.
///
/// # Errors
///
/// [`Error`].
pub async fn start(config: &Config) -> Result<Ready, Error> {
    config.check().map_err(start::Error::from)?;
    let (listener, address) = program::bind(config.server.listen).await?;
    let serving = server::Settings::of(&config.server).map_err(start::Error::from)?;
    let scheme = if serving.tls.is_some() { "https" } else { "http" };
    let url = match config.public_url.trim_end_matches('/') {
        "" => format!("{scheme}://{address}"),
        url => url.to_owned(),
    };

    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let (signer, assertions) =
        AssertionKeys::generate(clock.clone(), entropy.clone()).map_err(start::Error::from)?;
    let registry = backend::registry(&config.store, clock.clone(), entropy.clone());
    let registry = registry.await.map_err(start::Error::from)?;
    let public_url = start::http_url("public_url", &url)?;
    let issuing = backend::issuing(&config.authorization_server, &public_url, &registry).await?;
    let pool = issuing.pool.clone();
    let registry = issuing.mirror(registry, true);
    let teams = provided_teams(&config.teams).map_err(start::Error::from)?;
    registry.provide_teams(&teams).await.map_err(start::Error::from)?;
    let platform = platform_team(config)?;
    registry.provide_built_in(&platform).await.map_err(start::Error::from)?;
    let settings = Settings {
        public_url,
        limits: config.limits.calls(),
        bounds: config.policy.bounds(),
        quotas: config.quotas,
    };
    let core = Core::start(settings, registry, issuing, assertions, clock.clone()).await;
    let core = core.map_err(start::Error::from)?;
    core.sweep();
    telemetry::send_metrics("turnpike", core.metrics.registry().clone(), &config.otlp)?;
    if let Some(pool) = pool {
        turnpike_runtime::pool::keep(&core, &pool)?;
    }

    let drain = Drain::new();
    let Parts { grpc, http, needs } = parts(&core, config)?;
    let readiness = Readiness::new(drain.clone(), needs);
    let grpc = grpc.with_health_and_reflection(readiness.clone(), []).await;
    let grpc = grpc.map_err(start::Error::from)?;
    let http = trace::followed(http).merge(ops::router(readiness, core.metrics.clone()));

    let mut gateway = GatewayConfig::of(&url, &config.allowed_origins, &config.personas)?;
    gateway.server = serving;
    gateway.session = SessionSettings::of(&config.sessions);
    gateway.oidc = OidcSettings::of(&config.oidc)?;
    let seal = SealKeys::follow(core.registry.clone()).await.map_err(start::Error::from)?;
    let registry = core.registry.clone();
    let mut builder =
        Gateway::builder(gateway, registry, signer, seal, clock, entropy).drain(drain);
    for (name, routes) in grpc.into_services() {
        builder = builder.upstream(name, routes);
    }
    let gateway = builder.routes(http).build()?;

    let login_links = gateway.login_links();
    let links = links::issue(&login_links, None);
    let links = links.map_err(|error| start::Error::setting("personas", error))?;
    let more_links = config.links_folder().and_then(|at| links::Server::start(at, login_links));
    Ok(Ready { gateway, listener, address, url, links, more_links })
}

impl Ready {
    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where others find it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The links by which people sign in, one each.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Serves until `shutdown` completes and calls have ended.
    ///
    /// # Errors
    ///
    /// [`Error::Serve`].
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let Self { gateway, listener, address: _, url: _, links: _, more_links: _more } = self;
        Ok(gateway.serve(listener, shutdown).await?)
    }
}

/// What all services bring along.
fn parts(core: &Core, config: &Config) -> Result<Parts, start::Error> {
    let Limits { tokens_per_second, .. } = config.limits;
    let tokens = TokenLimits { tokens_per_second };
    let all = [
        turnpike_audit::parts(core),
        turnpike_clients::parts(core),
        turnpike_introspection::parts(core),
        turnpike_resource_servers::parts(core),
        turnpike_teams::parts(core),
        turnpike_tokens::parts(core, tokens, &config.authorization_server, config.broker)?,
    ];
    let mut together = Parts::default();
    for Parts { grpc, http, needs } in all {
        together.grpc = together.grpc.and(grpc);
        together.http = together.http.merge(http);
        together.needs.extend(needs);
    }
    Ok(together)
}

/// Who owns Turnpike's own resource server: the team of the first platform admin, or the first team.
fn platform_team(config: &Config) -> Result<TeamId, start::Error> {
    let admin = config.personas.iter().find(|p| p.roles.contains(&Role::PlatformAdmin));
    let team = admin
        .and_then(|admin| admin.teams.first())
        .or_else(|| config.teams.first().map(|team| &team.team));
    let team = team.map_or("platform", String::as_str);
    TeamId::parse(team).map_err(|problem| start::Error::setting("teams", problem))
}
