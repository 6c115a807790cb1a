//! What the authorization server says of itself: two documents and its keys.
//!
//! The documents name only what works: one grant type, two ways to authenticate, three endpoints.
//! Scopes are not listed: they are for whoever is signed in.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use turnpike_domain::Error;
use turnpike_rpc::status;

use crate::Inner;

/// How long a document or the key set may be kept. A key is published at least an hour before it
/// signs.
const CACHE: &str = "public, max-age=900";

/// What both documents say.
#[derive(Serialize)]
struct Common<'a> {
    /// Character for character what the document's URL is made from (RFC 8414 section 3.3): the `iss` of the
    /// tokens too, unless they come from an authorization server elsewhere.
    issuer: &'a str,
    /// Then theirs is here, for whoever verifies them. No RFC has a name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token_issuer: Option<&'a str>,
    token_endpoint: String,
    jwks_uri: &'a str,
    /// Required by RFC 8414 section 2, which also forbids an empty list. There is no authorization
    /// endpoint, so the value is the registered one that returns nothing (OAuth 2.0 Multiple
    /// Response Type Encoding Practices, section 4).
    response_types_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 2],
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: [&'static str; 2],
    introspection_endpoint: String,
    introspection_endpoint_auth_methods_supported: [&'static str; 2],
}

/// What readers of OpenID Connect Discovery need beside it. No ID token is issued: the algorithms
/// are those of the access tokens, which is what their readers use the list for.
#[derive(Serialize)]
struct OpenId<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: Vec<&'static str>,
}

/// OpenID Connect Discovery 1.0 section 4.
pub(crate) async fn openid_configuration(inner: &Inner) -> Response<Body> {
    let keys = match inner.issued_by.server().keys().await {
        Ok(keys) => keys,
        Err(error) => return failed(&error),
    };
    document(&OpenId {
        common: common(inner),
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: keys.algorithms,
    })
}

/// RFC 8414 section 3.
pub(crate) async fn authorization_server(inner: &Inner) -> Response<Body> {
    document(&common(inner))
}

/// RFC 7517 section 5.
pub(crate) async fn key_set(inner: &Inner) -> Response<Body> {
    match inner.issued_by.server().keys().await {
        Ok(keys) => public(keys.jwks.to_string().into()),
        Err(error) => failed(&error),
    }
}

fn common(inner: &Inner) -> Common<'_> {
    const METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];
    let base = &inner.settings.base_url;
    let of_tokens = inner.issued_by.server().issuer();
    Common {
        issuer: inner.issuer.as_str(),
        access_token_issuer: Some(of_tokens).filter(|other| *other != inner.issuer.as_str()),
        token_endpoint: base.join("/oauth2/token"),
        jwks_uri: inner.settings.jwks_uri.as_str(),
        response_types_supported: ["none"],
        grant_types_supported: ["client_credentials"],
        token_endpoint_auth_methods_supported: METHODS,
        revocation_endpoint: base.join("/oauth2/revoke"),
        revocation_endpoint_auth_methods_supported: METHODS,
        introspection_endpoint: base.join("/oauth2/introspect"),
        introspection_endpoint_auth_methods_supported: METHODS,
    }
}

fn document(document: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(document) {
        Ok(body) => public(body.into()),
        Err(error) => failed(&Error::internal(error)),
    }
}

fn public(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(CACHE));
    response
}

fn failed(error: &Error) -> Response<Body> {
    tracing::error!(error = status::causes(error), "metadata.failed");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    if error.is_retryable() {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
