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
//! once.

mod authenticate;
mod config;
mod issue;
mod metadata;
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
use turnpike_runtime::config::TokenLimits;
use turnpike_runtime::core::rate;
use turnpike_runtime::{Core, Parts, start};

pub use crate::config::Config;

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

/// The service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tokens(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    issuer: HttpUrl,
    registry: Registry,
    server: Arc<dyn AuthorizationServer>,
    verifiers: TokenVerifiers,
    uses: SecretUses,
    failures: Failures,
    rate: Buckets,
    token: Endpoint,
    revoke: Endpoint,
}

impl Tokens {
    /// A service that lets `server` issue. `verifiers` are for tokens of the same issuer.
    ///
    /// # Errors
    ///
    /// The rule that the issuer breaks: RFC 8414 section 2 wants a URL without query and fragment.
    pub fn new(
        settings: Settings,
        registry: Registry,
        server: Arc<dyn AuthorizationServer>,
        verifiers: TokenVerifiers,
        uses: SecretUses,
        metrics: Metrics,
    ) -> Result<Self, Problem> {
        let issuer = HttpUrl::parse(server.issuer())?;
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
            server,
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
pub fn parts(core: &Core, limits: TokenLimits) -> Result<Parts, start::Error> {
    let settings = Settings {
        base_url: core.public_url.clone(),
        jwks_uri: core.jwks_uri.clone(),
        rate: rate(limits.tokens_per_second),
    };
    let tokens = Tokens::new(
        settings,
        core.registry.clone(),
        core.authorization_server.clone(),
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
