//! The token endpoint, revocation, metadata and the key set, over HTTP.
//!
//! | path | is |
//! | --- | --- |
//! | `POST /oauth2/token` | RFC 6749 section 4.4, client credentials |
//! | `POST /oauth2/revoke` | RFC 7009 |
//! | `GET <issuer's path>/.well-known/openid-configuration` | OpenID Connect Discovery 1.0 section 4 |
//! | `GET /.well-known/oauth-authorization-server<issuer's path>` | RFC 8414 section 3 |
//! | `GET /.well-known/jwks.json` | RFC 7517 section 5 |
//!
//! Which client holds which scopes is read from the registry at each call, so a change acts at
//! once. Before an authorization server that lives elsewhere stands a [`Broker`].

mod authenticate;
mod broker;
mod brokered;
mod config;
mod issue;
mod metadata;
mod records;
mod revoke;
mod scopes;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use http::Request;
use turnpike_domain::Problem;
use turnpike_domain::authorization_server::AuthorizationServer;
use turnpike_domain::url::HttpUrl;
use turnpike_registry::Registry;
use turnpike_rpc::limits::Rate;
use turnpike_rpc::metrics::Metrics;
use turnpike_rpc::oauth::{Buckets, Endpoint, Failures, SecretUses, TokenVerifiers};
use turnpike_runtime::config::{
    AuthorizationServer as AuthorizationServerConfig, Broker as BrokerConfig, TokenLimits,
};
use turnpike_runtime::core::rate;
use turnpike_runtime::{Core, Parts, start};

pub use crate::broker::Broker;
pub use crate::broker::settings::BrokerSettings;
pub use crate::config::Config;

use crate::records::{Fallback, Records};

/// The largest body of a token request. A token of 8 KiB has room for some 5 KiB of scopes.
const TOKEN_BODY_MAX: usize = 16 * 1024;
/// The largest body of a revocation request. A token is at most 8 KiB; far longer ones are read to
/// be answered as any token that is not ours.
const REVOKE_BODY_MAX: usize = 64 * 1024;

/// What the service is told. Neither URL is derived from the other or from the issuer.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Under which URL the endpoints are found: what metadata puts before `/oauth2/token` and the
    /// others.
    pub base_url: HttpUrl,
    /// Where metadata says that the key set is.
    pub jwks_uri: HttpUrl,
    /// How often one client may get a token.
    pub rate: Rate,
}

/// Who issues the tokens.
#[derive(Clone, Debug)]
pub enum IssuedBy {
    /// An authorization server elsewhere, behind a broker. Its tokens carry its own issuer; metadata names
    /// ours, which is the URL that it is found under.
    Broker(Broker),
    /// An authorization server that issues as ours, each time that it is asked.
    Server(Arc<dyn AuthorizationServer>),
}

impl IssuedBy {
    pub(crate) fn server(&self) -> &dyn AuthorizationServer {
        match self {
            Self::Broker(broker) => broker.inner().server.as_ref(),
            Self::Server(server) => server.as_ref(),
        }
    }

    /// Whether a secret that Turnpike does not know can be proved.
    pub(crate) fn proves_secrets(&self) -> bool {
        match self {
            Self::Broker(broker) => broker.inner().server.proves_secrets(),
            Self::Server(_) => false,
        }
    }
}

/// The service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tokens(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    /// What metadata calls the issuer: the URL that it is found under.
    issuer: HttpUrl,
    registry: Registry,
    records: Records,
    issued_by: IssuedBy,
    verifiers: TokenVerifiers,
    uses: SecretUses,
    failures: Failures,
    rate: Buckets,
    token: Endpoint,
    revoke: Endpoint,
}

impl Tokens {
    /// A service that gives tokens which are `issued_by` somebody. `verifiers` are for tokens of the same issuer.
    ///
    /// # Errors
    ///
    /// The rule that the issuer breaks: RFC 8414 section 2 wants a URL without query and fragment.
    pub fn new(
        settings: Settings,
        registry: Registry,
        issued_by: IssuedBy,
        verifiers: TokenVerifiers,
        uses: SecretUses,
        metrics: Metrics,
    ) -> Result<Self, Problem> {
        let (issuer, fallback) = match &issued_by {
            IssuedBy::Broker(broker) => {
                let (policy, patience) =
                    (broker.inner().policy.clone(), broker.inner().settings.store_time);
                (settings.base_url.clone(), Some(Fallback { policy, patience }))
            }
            IssuedBy::Server(server) => (HttpUrl::parse(server.issuer())?, None),
        };
        let records = Records::new(registry.clone(), fallback);
        let (failures, rate) = (Failures::new(), Buckets::of(settings.rate));
        let token = Endpoint {
            path: "/oauth2/token",
            body_max: TOKEN_BODY_MAX,
            opaque: &[],
            metrics: metrics.clone(),
        };
        let revoke = Endpoint {
            path: "/oauth2/revoke",
            body_max: REVOKE_BODY_MAX,
            opaque: &["token"],
            metrics,
        };
        Ok(Self(Arc::new(Inner {
            settings,
            issuer,
            registry,
            records,
            issued_by,
            verifiers,
            uses,
            failures,
            rate,
            token,
            revoke,
        })))
    }
}

/// The service over what a process shares.
///
/// # Errors
///
/// An issuer that is no URL.
pub fn parts(
    core: &Core,
    limits: TokenLimits,
    authorization_server: &AuthorizationServerConfig,
    broker: BrokerConfig,
) -> Result<Parts, start::Error> {
    let server = core.authorization_server.clone();
    let issued_by = match authorization_server {
        AuthorizationServerConfig::Cognito(cognito) => IssuedBy::Broker(Broker::start(
            BrokerSettings::of(&broker, cognito.requests_per_second.tokens),
            server,
            core.registry.clone(),
            core.policy.clone(),
            &core.metrics,
        )?),
        AuthorizationServerConfig::Embedded(_) => IssuedBy::Server(server),
    };
    let settings = Settings {
        base_url: core.public_url.clone(),
        jwks_uri: core.jwks_uri.clone(),
        rate: rate(limits.tokens_per_second),
    };
    let tokens = Tokens::new(
        settings,
        core.registry.clone(),
        issued_by,
        core.verifiers.clone(),
        core.uses.clone(),
        core.metrics.clone(),
    )
    .map_err(|problem| start::Error::setting("authorization_server.issuer", problem))?;
    Ok(Parts { http: router(tokens), needs: vec![core.needs_policy()], ..Parts::default() })
}

/// The routes of the service. The peer's address is taken from the request's extensions, if it is
/// there: [`turnpike_rpc::oauth::Peer`] or axum's `ConnectInfo<SocketAddr>`.
pub fn router(tokens: Tokens) -> Router {
    let path = tokens.0.issuer.path().trim_end_matches('/').to_owned();
    let (token, revoke) = (tokens.clone(), tokens.clone());
    let token = async move |request: Request<Body>| {
        token.0.token.serve(request, |asked| issue::handle(&token.0, asked)).await
    };
    let revoke = async move |request: Request<Body>| {
        revoke.0.revoke.serve(request, |asked| revoke::handle(&revoke.0, asked)).await
    };
    let (oidc, oauth, keys) = (tokens.clone(), tokens.clone(), tokens);
    Router::new()
        // An issuer's path may hold what older routers gave a meaning to.
        .without_v07_checks()
        .route("/oauth2/token", any(token))
        .route("/oauth2/revoke", any(revoke))
        .route(
            &format!("{path}/.well-known/openid-configuration"),
            get(async move || metadata::openid_configuration(&oidc.0).await),
        )
        .route(
            &format!("/.well-known/oauth-authorization-server{path}"),
            get(async move || metadata::authorization_server(&oauth.0).await),
        )
        .route("/.well-known/jwks.json", get(async move || metadata::key_set(&keys.0).await))
}
