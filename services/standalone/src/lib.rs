//! All services and the gateway in one process, on one port, over the embedded issuer and SQLite.
//!
//! The services are called as routers, not over connections: a call costs microseconds. Everything else is
//! as it is with a process each.

mod background;
mod ops;
mod services;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use turnpike_domain::id::TeamId;
use turnpike_domain::ports::{Clock, Entropy};
use turnpike_domain::{Error, Problem};
use turnpike_gateway::{Gateway, GatewayConfig, LoginLink, Origin, Persona, SealKey};
use turnpike_rpc::assertion::AssertionKeys;
use turnpike_runtime::backend::{self, OpenError};
use turnpike_runtime::clock::SystemClock;
use turnpike_runtime::config::{self, Config};
use turnpike_runtime::entropy::SystemEntropy;

/// Why the process did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The gateway refused.
    #[error(transparent)]
    Gateway(#[from] turnpike_gateway::BuildError),
    /// The address is taken, or not this machine's.
    #[error("{address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The registry could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Something inside failed; the words are for whoever runs it.
    #[error("{0}")]
    Part(#[from] Error),
    /// A setting was refused by the part it is for.
    #[error("{key}: {problem}")]
    Setting {
        /// The setting.
        key: &'static str,
        /// The rule it breaks.
        problem: String,
    },
    /// The server stopped by itself.
    #[error(transparent)]
    Serve(#[from] turnpike_gateway::ServeError),
}

/// A process that listens and is ready to serve.
#[derive(Debug)]
pub struct Ready {
    gateway: Gateway,
    listener: TcpListener,
    address: SocketAddr,
    url: String,
    links: Vec<LoginLink>,
}

/// Opens everything and binds the port; nothing is served yet.
///
/// # Errors
///
/// [`StartError`].
pub async fn start(config: &Config) -> Result<Ready, StartError> {
    config.check()?;
    let address = config.listen;
    let bound = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(bound)?;
    let address = listener.local_addr().map_err(bound)?;
    let url = match config.public_url.trim_end_matches('/') {
        "" => format!("http://{address}"),
        url => url.to_owned(),
    };

    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let registry = backend::embedded(&config.data_dir, clock.clone(), entropy.clone()).await?;
    registry.provide_built_in(&platform_team(config)?).await?;

    let (signer, assertions) = AssertionKeys::generate(clock.clone(), entropy.clone())?;
    let parts = services::build(config, &url, registry, assertions, clock.clone()).await?;

    let origin = Origin::parse(&url).map_err(|e| setting("public_url", e.to_string()))?;
    let mut settings = GatewayConfig::new(origin);
    settings.personas = personas(config)?;
    for allowed in &config.allowed_origins {
        let origin =
            Origin::parse(allowed).map_err(|e| setting("allowed_origins", e.to_string()))?;
        settings.allowed_origins.push(origin);
    }
    // A key of this start alone: sessions that ended before it stay ended, since nothing keeps a list of them.
    let mut seal = [0u8; 32];
    entropy.fill(&mut seal);
    let seal = SealKey::new(seal);
    let mut builder = Gateway::builder(settings, signer, vec![seal], clock, entropy);
    for (name, routes) in parts.grpc {
        builder = builder.upstream(name, routes);
    }
    let gateway = builder.routes(parts.http).build()?;

    let links = gateway.login_links();
    let mut issued = Vec::new();
    for persona in links.personas() {
        let link = links.issue(&persona.id).map_err(|e| setting("personas", e.to_string()))?;
        issued.push(link);
    }
    Ok(Ready { gateway, listener, address, url, links: issued })
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
    pub fn links(&self) -> &[LoginLink] {
        &self.links
    }

    /// Serves until `shutdown` completes and calls have ended.
    ///
    /// # Errors
    ///
    /// [`StartError::Serve`].
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), StartError> {
        Ok(self.gateway.serve(self.listener, shutdown).await?)
    }
}

/// Who owns Turnpike's own resource server: the team of the first platform admin, or the first team.
fn platform_team(config: &Config) -> Result<TeamId, StartError> {
    let admin = config.personas.iter().find(|p| p.roles.contains(&config::Role::PlatformAdmin));
    let team = admin
        .and_then(|admin| admin.teams.first())
        .or_else(|| config.teams.first().map(|team| &team.team));
    let team = team.map_or("platform", String::as_str);
    TeamId::parse(team).map_err(|problem| setting("teams", problem.to_string()))
}

fn personas(config: &Config) -> Result<Vec<Persona>, StartError> {
    use turnpike_domain::actor::Role;

    let role = |role: &config::Role| match role {
        config::Role::Auditor => Role::Auditor,
        config::Role::PlatformAdmin => Role::PlatformAdmin,
    };
    let persona = |persona: &config::Persona| {
        Ok(Persona {
            id: persona.id.clone(),
            display_name: persona.display_name.clone(),
            teams: persona
                .teams
                .iter()
                .map(|t| TeamId::parse(t))
                .collect::<Result<_, Problem>>()?,
            roles: persona.roles.iter().map(role).collect(),
        })
    };
    let personas: Result<_, Problem> = config.personas.iter().map(persona).collect();
    personas.map_err(|problem| setting("personas", problem.to_string()))
}

pub(crate) fn setting(key: &'static str, problem: String) -> StartError {
    StartError::Setting { key, problem }
}
