//! Plain HTTP for services in processes of their own: the endpoints of OAuth, and metadata.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{Method, StatusCode};
use turnpike_domain::Error;
use turnpike_rpc::oauth::Refusal;

use super::told::Told;
use crate::headers;

/// The routes: what of it `tokens` answers, and what `introspection`.
pub(super) fn routes(tokens: &Told, introspection: &Told) -> Router {
    let to = |upstream: &Told| any(pass).with_state(upstream.clone());
    Router::new()
        .route("/oauth2/token", to(tokens))
        .route("/oauth2/revoke", to(tokens))
        .route("/oauth2/introspect", to(introspection))
        .route("/.well-known/{*rest}", to(tokens))
}

async fn pass(State(upstream): State<Told>, mut request: Request) -> Response {
    if request.method() == Method::CONNECT {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    headers::clean_hops(request.headers_mut());
    match upstream.send(request.map(tonic::body::Body::new)).await {
        Ok(response) => {
            let mut response = response.map(Body::new);
            headers::clean_hops(response.headers_mut());
            headers::clean_response(response.headers_mut());
            response
        }
        Err(error) => {
            tracing::warn!(
                upstream = upstream.name(),
                error = error.as_ref() as &dyn std::error::Error,
                "a service did not answer"
            );
            Refusal::from(Error::Unavailable(error)).to_response()
        }
    }
}
