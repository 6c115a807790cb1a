//! The services of the process, each behind the name by which the gateway finds it.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tower::Service;
use turnpike_domain::Error;
use turnpike_domain::authorization_server::AuthorizationServer;
use turnpike_domain::id::TeamId;
use turnpike_domain::ports::Clock;
use turnpike_domain::url::HttpUrl;
use turnpike_introspection::Introspection;
use turnpike_issuer_embedded::{Algorithm, EmbeddedIssuer, Settings};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Bounds, Follower, Registry};
use turnpike_rpc::Gate;
use turnpike_rpc::assertion::AssertionVerifier;
use turnpike_rpc::authenticate::Authenticator;
use turnpike_rpc::limits::{Limits, Rate};
use turnpike_rpc::metrics::Metrics;
use turnpike_rpc::oauth::verifiers::follow_keys;
use turnpike_rpc::oauth::{SecretHolders, SecretUses, TokenVerifiers};
use turnpike_rpc::page_token::PageTokens;
use turnpike_rpc::session::{self, TeamName};
use turnpike_runtime::config::{self, Config};
use turnpike_sdk::{KeySet, Keys};
use turnpike_tokens::Tokens;

use crate::{StartError, background, ops, setting};

/// What the gateway routes to.
pub(crate) struct Parts {
    /// gRPC services by their full names.
    pub(crate) grpc: Vec<(String, Routes)>,
    /// Plain HTTP: OAuth, metadata, health, metrics.
    pub(crate) http: Router,
}

/// Builds every service over one registry, and starts what runs beside them.
///
/// # Errors
///
/// [`StartError`].
pub(crate) async fn build(
    config: &Config,
    url: &str,
    registry: Registry,
    assertions: AssertionVerifier,
    clock: Arc<dyn Clock>,
) -> Result<Parts, StartError> {
    let base_url = http_url("public_url", url)?;
    let issuer_url = match config.issuer.as_str() {
        "" => base_url.clone(),
        issuer => http_url("issuer", issuer)?,
    };
    let issuer =
        EmbeddedIssuer::open(issuer_settings(config, issuer_url)?, registry.clone()).await?;
    let issuer = Arc::new(issuer);
    let follower = Follower::start_within(registry.clone(), bounds(&config.policy)).await?;
    let policy = follower.policy();

    let keys = Keys::new(KeySet::from_jwks(&issuer.keys().await?.jwks).map_err(Error::internal)?);
    tokio::spawn(follow_keys(issuer.keys_changed(), keys.clone()));
    let verifiers = TokenVerifiers::new(issuer.issuer(), &keys, policy.clone(), clock)?;
    let uses = SecretUses::start(registry.clone());
    let secrets = SecretHolders::new(policy.clone(), uses.clone());
    let metrics = Metrics::new()?;
    metrics.show_policy(policy.clone())?;
    let gate = Gate::new(
        Authenticator::new(
            assertions,
            verifiers.decides().clone(),
            policy.clone(),
            secrets.clone(),
        )?,
        registry.clone(),
        PageTokens::new(&registry.system_key("page-tokens").await?)?,
        Limits::new(rate(config.limits.reads_per_second), rate(config.limits.changes_per_second)),
        metrics.clone(),
    );

    let jwks_uri = http_url("public_url", &format!("{}/.well-known/jwks.json", base_url.as_str()))?;
    let settings = turnpike_tokens::Settings {
        base_url,
        jwks_uri: jwks_uri.clone(),
        rate: rate(config.limits.tokens_per_second),
    };
    let tokens = Tokens::new(
        settings,
        registry.clone(),
        issuer.clone(),
        verifiers.clone(),
        uses,
        metrics.clone(),
    )
    .map_err(|problem| setting("issuer", problem.to_string()))?;
    let introspection =
        Introspection::new(registry.clone(), policy.clone(), verifiers, secrets, metrics.clone());
    let deployment = pb::Deployment {
        issuer: issuer.issuer().to_owned(),
        token_endpoint: format!("{url}/oauth2/token"),
        introspection_endpoint: format!("{url}/oauth2/introspect"),
        jwks_uri: jwks_uri.as_str().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };

    let http = Router::new()
        .merge(turnpike_tokens::router(tokens))
        .merge(turnpike_introspection::router(introspection.clone()))
        .merge(ops::router(registry.clone(), policy, metrics));
    let mut grpc = Grpc::default();
    grpc.add(turnpike_audit::server(gate.clone()));
    grpc.add(turnpike_clients::client_service(gate.clone()));
    grpc.add(turnpike_clients::grant_service(gate.clone()));
    grpc.add(turnpike_clients::reconcile_service(gate.clone()));
    grpc.add(turnpike_introspection::service(gate.clone(), introspection));
    grpc.add(turnpike_resource_servers::service(gate.clone()));
    grpc.add(session::server(gate.clone(), team_names(config)?, deployment));
    let grpc = grpc.with_health_and_reflection().await?;

    background::start(registry, issuer, follower, gate);
    Ok(Parts { grpc, http })
}

/// gRPC services, each a router of its own behind its name.
#[derive(Default)]
struct Grpc(Vec<(String, Routes)>);

impl Grpc {
    fn add<S>(&mut self, server: S)
    where
        S: Service<http::Request<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.0.push((S::NAME.to_owned(), Routes::new(server)));
    }

    /// Adds `grpc.health.v1` and both versions of reflection.
    async fn with_health_and_reflection(mut self) -> Result<Vec<(String, Routes)>, StartError> {
        let (reporter, health) = tonic_health::server::health_reporter();
        for (name, _) in &self.0 {
            reporter.set_service_status(name, tonic_health::ServingStatus::Serving).await;
        }
        self.add(health);
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(turnpike_proto::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        self.add(reflection().build_v1().map_err(Error::internal)?);
        self.add(reflection().build_v1alpha().map_err(Error::internal)?);
        Ok(self.0)
    }
}

fn issuer_settings(config: &Config, issuer: HttpUrl) -> Result<Settings, StartError> {
    let config::Signing { algorithm, rotation_days, publish_ahead_hours } = &config.signing;
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    Settings::new(issuer)
        .algorithm(match algorithm {
            config::Algorithm::Es256 => Algorithm::Es256,
            config::Algorithm::Rs256 => Algorithm::Rs256,
        })
        .rotation(hours(u64::from(*rotation_days) * 24), hours(u64::from(*publish_ahead_hours)))
        .map_err(|problem| setting("signing", problem.to_string()))
}

/// A rate with two seconds' worth at once.
const fn rate(per_second: NonZeroU32) -> Rate {
    Rate { per_second, burst: per_second.saturating_mul(NonZeroU32::MIN.saturating_add(1)) }
}

fn bounds(policy: &config::Policy) -> Bounds {
    let config::Policy { behind_seconds, unheard_seconds } = policy;
    let seconds = |seconds: &NonZeroU32| Duration::from_secs(seconds.get().into());
    Bounds { behind: seconds(behind_seconds), unheard: seconds(unheard_seconds) }
}

fn team_names(config: &Config) -> Result<Vec<TeamName>, StartError> {
    let name = |team: &config::Team| {
        let key = TeamId::parse(&team.team).map_err(|p| setting("teams", p.to_string()))?;
        Ok(TeamName { team: key, display_name: team.display_name.clone() })
    };
    config.teams.iter().map(name).collect()
}

fn http_url(key: &'static str, text: &str) -> Result<HttpUrl, StartError> {
    HttpUrl::parse(text).map_err(|problem| setting(key, problem.to_string()))
}
