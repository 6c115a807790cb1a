//! The gateway as a process of its own, before services in processes of their own.

mod config;
mod proxy;
mod services;
mod told;

use std::sync::Arc;

use turnpike_domain::Error;
use turnpike_domain::ports::{Clock, Entropy};
use turnpike_registry::Registry;
use turnpike_rpc::assertion::AssertionSigner;
use turnpike_rpc::metrics::Metrics;
use turnpike_rpc::peer::PeerSeal;
use turnpike_runtime::clock::SystemClock;
use turnpike_runtime::entropy::SystemEntropy;
use turnpike_runtime::program::Announce;
use turnpike_runtime::readiness::{Need, Readiness};
use turnpike_runtime::server::{self, Drain};
use turnpike_runtime::tls::ClientIdentity;
use turnpike_runtime::{Grpc, backend, ops, program, start, telemetry};

use self::config::targets;
use self::services::{ROWS, Row};
use self::told::Told;
use crate::config::{GatewayConfig, SessionSettings};
use crate::gateway::Gateway;
use crate::links;
use crate::oidc::OidcSettings;
use crate::seal::SealKeys;
use crate::upstream::Replicas;

pub use self::config::{Config, Upstreams};

/// Runs the gateway until it is told to stop.
///
/// # Errors
///
/// [`start::Error`].
pub async fn serve(config: Config, announce: Announce) -> Result<(), start::Error> {
    let (listener, _) = program::bind(config.server.listen).await?;
    let probes = match config.server.ops_address()? {
        Some(address) => Some(program::bind(address).await?.0),
        None => None,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let registry = backend::registry(&config.store, clock.clone(), entropy.clone()).await?;
    let upstreams = connect(&config.upstreams, &registry, &clock).await?;
    let drain = Drain::new();
    let readiness = Readiness::new(drain.clone(), needs(&upstreams));

    let url = config.public_url.trim_end_matches('/');
    let mut settings = GatewayConfig::of(url, &config.allowed_origins, &config.personas)?;
    settings.server = server::Settings::of(&config.server)?;
    settings.session = SessionSettings::of(&config.sessions);
    settings.oidc = OidcSettings::of(&config.oidc)?;
    let signer = AssertionSigner::publish(registry.clone(), clock.clone(), entropy.clone()).await?;
    let seal = SealKeys::follow(registry.clone()).await?;
    let mut builder =
        Gateway::builder(settings, registry, signer, seal, clock, entropy).drain(drain.clone());
    let names = ROWS.iter().flat_map(|row| row.services).map(|name| (*name).to_owned());
    let own = Grpc::default().with_health_and_reflection(readiness.clone(), names).await?;
    for (name, routes) in own.into_services() {
        builder = builder.upstream(name, routes);
    }
    for (row, upstream) in &upstreams {
        for name in row.services {
            builder = builder.upstream(*name, upstream.clone());
        }
    }
    builder =
        builder.routes(proxy::routes(of(&upstreams, "tokens")?, of(&upstreams, "introspection")?));
    let metrics = Metrics::new()?;
    telemetry::send_metrics("turnpike-gateway", metrics.registry().clone(), &config.otlp)?;
    let ops = ops::router(readiness, metrics);
    match probes {
        Some(listener) => ops::serve(listener, ops, drain),
        None => builder = builder.routes(ops),
    }
    let gateway = builder.build().map_err(|error| start::Error::Program(Box::new(error)))?;

    say(&gateway, url, announce)?;
    let folder = Some(config.links_dir.as_path()).filter(|folder| !folder.as_os_str().is_empty());
    let _more_links = folder.and_then(|at| links::Server::start(at, gateway.login_links()));
    let served = gateway.serve(listener, program::stopped()).await;
    served.map_err(|error| start::Error::Program(Box::new(error)))
}

type Connected = Vec<(&'static Row, Told)>;

/// Connects to all services.
async fn connect(
    config: &Upstreams,
    registry: &Registry,
    clock: &Arc<dyn Clock>,
) -> Result<Connected, start::Error> {
    let identity = match config.any_secure()? {
        true => Some(ClientIdentity::open(&config.tls)?),
        false => None,
    };
    let seal = PeerSeal::of(registry).await?;
    let mut connected = Vec::with_capacity(ROWS.len());
    for row in ROWS {
        let targets = targets(row.name, (row.urls)(config))?;
        let replicas =
            Replicas::connect(row.name, targets, identity.clone(), config.connect_timeout());
        connected.push((row, Told::new(replicas, seal.clone(), clock.clone())));
    }
    Ok(connected)
}

fn of<'a>(connected: &'a Connected, name: &str) -> Result<&'a Told, start::Error> {
    let found = connected.iter().find(|(row, _)| row.name == name).map(|(_, told)| told);
    found.ok_or_else(|| Error::internal(format!("nothing serves {name}")).into())
}

/// Every service has to be there at the beginning. Later the loss of one must not take all gateways out, and with them
/// the services that are there; the loss of all of them is this gateway's own.
fn needs(connected: &Connected) -> Vec<Need> {
    let all: Vec<Replicas> = connected.iter().map(|(_, told)| told.replicas().clone()).collect();
    let mut needs: Vec<Need> = all
        .iter()
        .map(|replicas| {
            let replicas = replicas.clone();
            Need::at_start(replicas.name(), move || replicas.is_connected())
        })
        .collect();
    needs.push(Need::always("upstreams", move || all.iter().any(Replicas::is_connected)));
    needs
}

/// Says that it listens, and how its people sign in.
fn say(gateway: &Gateway, url: &str, announce: Announce) -> Result<(), start::Error> {
    let links = links::issue(&gateway.login_links(), None);
    let links = links.map_err(|error| start::Error::setting("personas", error))?;
    let object: serde_json::Map<String, serde_json::Value> =
        links.iter().map(|link| (link.persona.clone(), link.url.clone().into())).collect();
    announce.listening(url, [("links", object.into())]);
    for link in &links {
        announce.say(&format!("  {}: {}", link.display_name, link.url));
    }
    Ok(())
}
