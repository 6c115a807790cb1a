//! A service as a process of its own.

use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use turnpike_domain::ports::{Clock, Entropy};
use turnpike_rpc::assertion::AssertionVerifier;

use crate::clock::SystemClock;
use crate::config::{
    AuthorizationServer, CallLimits, Configuration, Error, Otlp, Policy, Quotas, Server, Store,
};
use crate::core::{Core, Settings};
use crate::entropy::SystemEntropy;
use crate::grpc::Grpc;
use crate::program::{self, Announce};
use crate::readiness::{Need, Readiness};
use crate::server::{self, Drain};
use crate::{backend, calls, ops, peer, start, telemetry, trace};

/// The configuration of a service as a process of its own.
pub trait ServiceConfig: Configuration {
    /// Whether the service tells the pool of an authorization server elsewhere of changes.
    const TELLS_POOL: bool = false;

    /// What every process needs.
    fn process(&self) -> Process<'_>;
}

/// What every service as a process of its own is told.
#[derive(Clone, Copy, Debug)]
pub struct Process<'a> {
    /// Where others find the installation: the gateway's URL.
    pub public_url: &'a str,
    /// Where to listen.
    pub server: &'a Server,
    /// Where traces and metrics are sent.
    pub otlp: &'a Otlp,
    /// Where the registry is kept.
    pub store: &'a Store,
    /// Who issues tokens.
    pub authorization_server: &'a AuthorizationServer,
    /// How often callers may call.
    pub limits: CallLimits,
    /// How long it decides about tokens while it cannot follow the log.
    pub policy: Policy,
    /// How much one team may have, where that is decided.
    pub quotas: Quotas,
}

impl Process<'_> {
    /// Holds what every process needs.
    ///
    /// # Errors
    ///
    /// The first key that makes no sense.
    pub fn check(&self) -> Result<(), Error> {
        let Self {
            public_url,
            server,
            otlp,
            store,
            authorization_server,
            limits: _,
            policy,
            quotas: _,
        } = self;
        crate::config::check_url("public_url", public_url)?;
        server.check()?;
        otlp.check()?;
        if !server.tls.client_ca.as_os_str().is_empty() && server.ops_listen.is_empty() {
            return Err(Error::value(
                "server.ops_listen",
                "must be set beside server.tls.client_ca: probes show no certificate",
            ));
        }
        store.check()?;
        policy.check()?;
        authorization_server.check()
    }
}

/// What a service brings along.
#[derive(Debug, Default)]
pub struct Parts {
    /// gRPC services.
    pub grpc: Grpc,
    /// Plain HTTP.
    pub http: Router,
    /// What it cannot work without.
    pub needs: Vec<Need>,
}

/// Runs a service as a process of its own, to its end.
pub fn main<C: ServiceConfig>(
    name: &'static str,
    about: &'static str,
    build: impl AsyncFnOnce(&Core, &C) -> Result<Parts, start::Error>,
) -> ExitCode {
    program::main(name, about, async |config: C, announce| {
        serve(name, &config, announce, build).await
    })
}

async fn serve<C: ServiceConfig>(
    name: &'static str,
    config: &C,
    announce: Announce,
    build: impl AsyncFnOnce(&Core, &C) -> Result<Parts, start::Error>,
) -> Result<(), start::Error> {
    let Process { public_url, server, otlp, store, authorization_server, limits, policy, quotas } =
        config.process();
    let (listener, address) = program::bind(server.listen).await?;
    let ops = match server.ops_address()? {
        Some(address) => Some(program::bind(address).await?.0),
        None => None,
    };
    let settings = server::Settings::of_service(server)?;

    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let registry = backend::registry(store, clock.clone(), entropy).await?;
    let public_url = start::http_url("public_url", public_url)?;
    let issuing = backend::issuing(authorization_server, &public_url, &registry).await?;
    let registry = issuing.mirror(registry, C::TELLS_POOL);
    let pool = issuing.pool.clone().filter(|_| C::TELLS_POOL);
    let assertions = AssertionVerifier::follow(registry.clone(), clock.clone()).await?;
    let shared = Settings { public_url, limits, bounds: policy.bounds(), quotas };
    let core = Core::start(shared, registry, issuing, assertions, clock).await?;

    telemetry::send_metrics(name, core.metrics.registry().clone(), otlp)?;
    if let Some(pool) = pool {
        crate::pool::keep(&core, &pool)?;
    }

    let drain = Drain::new();
    let Parts { grpc, http, needs } = build(&core, config).await?;
    let readiness = Readiness::new(drain.clone(), needs);
    let grpc = grpc.with_health_and_reflection(readiness.clone(), []).await?;
    let router = calls::router(grpc, drain.clone()).merge(trace::followed(http));
    let mut router = peer::told_by_gateway(router, &core.registry).await?;
    let probes = ops::router(readiness, core.metrics.clone());
    match ops {
        Some(listener) => ops::serve(listener, probes, drain.clone()),
        None => router = router.merge(probes),
    }

    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    announce.listening(&format!("{scheme}://{address}"), []);
    server::serve(listener, router, settings, drain, program::stopped()).await;
    Ok(())
}
