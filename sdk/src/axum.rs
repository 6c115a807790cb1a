//! Layers and an extractor for axum (feature `axum`).
//!
//! ```no_run
//! use axum::Router;
//! use axum::routing::post;
//! use turnpike_sdk::axum::{require_scopes, verify};
//! use turnpike_sdk::{Require, Verified, Verifier};
//!
//! async fn place_order(caller: Verified) -> String {
//!     format!("placed for {}", caller.client_id())
//! }
//!
//! fn app(verifier: Verifier) -> Result<Router, turnpike_sdk::require::Error> {
//!     let (place, list) = ("lj-health-food/place-order", "lj-health-food/list-orders");
//!     // Nobody without a scope of this API, and for this route one in particular.
//!     let ours = Require::any_of([place, list])?;
//!     let place = require_scopes(Require::all_of([place])?);
//!     let orders = Router::new().route("/orders", post(place_order).layer(place));
//!     Ok(orders.layer(verify(verifier, ours)))
//! }
//! ```
//!
//! A request without credentials is answered with 401 and no error code, one with a token that is
//! not accepted with 401 `invalid_token`, one that lacks a scope with 403 `insufficient_scope`, one
//! with malformed credentials with 400 `invalid_request` (RFC 6750 section 3.1); 503 when the verifier
//! cannot decide. The body is empty, `WWW-Authenticate` says it all.

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::IntoResponse;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};

use crate::bearer::{self, Realm};
use crate::layer::{Protocol, private};
pub use crate::layer::{RequireLayer, RequireScopes, Verify, VerifyLayer};
use crate::refusal::Refusal;
use crate::require::Require;
use crate::verdict::Verified;
use crate::verifier::Verifier;

/// Plain HTTP, as axum speaks it.
#[derive(Clone, Copy, Debug)]
pub enum Http {}

/// Verifies the token of every request that passes, and asks it for `require`. Put it around the
/// routes to protect, outside of any [`require_scopes`], with the scopes of the whole API as
/// [`Require::any_of`]: a route that is forgotten then still serves nobody who has no scope here.
/// [`Require::any_token`] would let in the clients of every other API of this issuer.
#[must_use]
pub fn verify(verifier: Verifier, require: Require) -> VerifyLayer<Http> {
    VerifyLayer::new(verifier, require)
}

/// Asks for scopes on a route whose requests come through [`verify`].
#[must_use]
pub fn require_scopes(require: Require) -> RequireLayer<Http> {
    RequireLayer::new(require)
}

impl private::Sealed for Http {}

impl Protocol for Http {
    type Body = Body;

    fn refuse(realm: &Realm, refusal: Refusal, require: &Require) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        // Its numbers are all status codes; should one not be, the request is refused all the same.
        *response.status_mut() = StatusCode::from_u16(refusal.answer().status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let challenge = bearer::challenge(realm, refusal, require);
        if let Some(value) = challenge.and_then(|text| HeaderValue::try_from(text).ok()) {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        response
    }

    fn misplaced() -> Response<Body> {
        NotVerified.into_response()
    }
}

/// The request did not come through [`verify`]: a mistake in how the router is put together,
/// answered with 500 rather than with anybody's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no layer in front of this route verifies tokens")]
pub struct NotVerified;

impl IntoResponse for NotVerified {
    fn into_response(self) -> Response<Body> {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Verified {
    type Rejection = NotVerified;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or(NotVerified)
    }
}
