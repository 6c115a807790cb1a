//! A layer for tonic servers (feature `tonic`).
//!
//! Put [`verify`] around a server or a service; a handler finds the caller with [`verified`], and
//! asks for its scopes with [`check`]:
//!
//! ```no_run
//! use tonic::{Request, Response, Status};
//! use turnpike_sdk::Require;
//!
//! # struct PlaceOrder; struct Placed; struct Orders { place: Require }
//! impl Orders {
//!     async fn place_order(&self, request: Request<PlaceOrder>) -> Result<Response<Placed>, Status> {
//!         let caller = turnpike_sdk::tonic::check(&request, &self.place)?;
//!         println!("{} places an order", caller.client_id());
//!         Ok(Response::new(Placed))
//!     }
//! }
//! ```
//!
//! A token that is missing or not accepted is UNAUTHENTICATED, a missing scope PERMISSION_DENIED, and
//! UNAVAILABLE means that the verifier cannot decide. The metadata `www-authenticate` says what an
//! HTTP API would say.

use http::{HeaderMap, HeaderValue, Response};
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::NamedService;
use tonic::{Code, Request, Status};

use crate::bearer::{self, Realm};
use crate::layer::{Protocol, private};
pub use crate::layer::{RequireLayer, RequireScopes, Verify, VerifyLayer};
use crate::refusal::{Answer, Refusal};
use crate::require::Require;
use crate::verdict::Verified;
use crate::verifier::Verifier;

/// gRPC, as tonic speaks it.
#[derive(Clone, Copy, Debug)]
pub enum Grpc {}

/// Verifies the token of every call that passes, and asks it for `require`. Use the scopes of the
/// whole API as [`Require::any_of`] here, and those of a method in [`check`] or [`require_scopes`]:
/// [`Require::any_token`] would let in the clients of every other API of this issuer.
#[must_use]
pub fn verify(verifier: Verifier, require: Require) -> VerifyLayer<Grpc> {
    VerifyLayer::new(verifier, require)
}

/// Asks for scopes on a service whose calls come through [`verify`].
#[must_use]
pub fn require_scopes(require: Require) -> RequireLayer<Grpc> {
    RequireLayer::new(require)
}

/// The caller, found by the layer.
///
/// # Errors
///
/// INTERNAL when the call did not come through [`verify`]: a mistake of the program.
pub fn verified<T>(request: &Request<T>) -> Result<&Verified, Status> {
    request.extensions().get().ok_or_else(misplaced)
}

/// The caller, if its token is enough for `require`.
///
/// # Errors
///
/// PERMISSION_DENIED when it is not; INTERNAL when the call did not come through [`verify`].
pub fn check<'r, T>(request: &'r Request<T>, require: &Require) -> Result<&'r Verified, Status> {
    let verified = verified(request)?;
    match verified.satisfies(require) {
        Ok(()) => Ok(verified),
        Err(refusal) => {
            let realm = request.extensions().get().cloned().unwrap_or_default();
            Err(status(&realm, refusal, require))
        }
    }
}

impl private::Sealed for Grpc {}

impl Protocol for Grpc {
    type Body = Body;

    fn refuse(realm: &Realm, refusal: Refusal, require: &Require) -> Response<Body> {
        status(realm, refusal, require).into_http()
    }

    fn misplaced() -> Response<Body> {
        misplaced().into_http()
    }
}

impl<S: NamedService> NamedService for Verify<S, Grpc> {
    const NAME: &'static str = S::NAME;
}

impl<S: NamedService> NamedService for RequireScopes<S, Grpc> {
    const NAME: &'static str = S::NAME;
}

fn status(realm: &Realm, refusal: Refusal, require: &Require) -> Status {
    let code = match refusal.answer() {
        Answer::Authenticate | Answer::InvalidRequest | Answer::InvalidToken => {
            Code::Unauthenticated
        }
        Answer::InsufficientScope => Code::PermissionDenied,
        Answer::Unavailable => Code::Unavailable,
    };
    let mut headers = HeaderMap::new();
    let challenge = bearer::challenge(realm, refusal, require);
    if let Some(value) = challenge.and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(http::header::WWW_AUTHENTICATE, value);
    }
    Status::with_metadata(code, refusal.to_string(), MetadataMap::from_headers(headers))
}

fn misplaced() -> Status {
    Status::new(Code::Internal, "no layer in front of this service verifies tokens")
}
