//! The layers around a service: one verifies the token, one asks for more scopes behind it.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::bearer::{self, Realm};
use crate::refusal::Refusal;
use crate::require::Require;
use crate::verdict::Verified;
use crate::verifier::Verifier;

/// How a protocol says no. There are two, [`Http`](crate::axum::Http) and
/// [`Grpc`](crate::tonic::Grpc), each behind its feature.
pub trait Protocol: private::Sealed + 'static {
    /// The body of its answers.
    type Body;

    #[doc(hidden)]
    fn refuse(realm: &Realm, refusal: Refusal, require: &Require) -> Response<Self::Body>;

    /// The answer to a request that came past the layer that verifies: a mistake of the program.
    #[doc(hidden)]
    fn misplaced() -> Response<Self::Body>;
}

pub(crate) mod private {
    /// Keeps [`Protocol`](super::Protocol) to this crate.
    pub trait Sealed {}
}

/// Lets requests with an accepted token through, with [`Verified`] and its [`Realm`] among their
/// extensions, and answers the others. The [`Refusal`] is among the extensions of that answer, for
/// logs and metrics of a layer outside of it.
pub struct VerifyLayer<P> {
    settings: Arc<Settings>,
    protocol: PhantomData<fn() -> P>,
}

#[derive(Clone)]
struct Settings {
    realm: Realm,
    require: Require,
    verifier: Verifier,
}

impl<P> VerifyLayer<P> {
    pub(crate) fn new(verifier: Verifier, require: Require) -> Self {
        let settings = Settings { realm: Realm::default(), require, verifier };
        Self { settings: Arc::new(settings), protocol: PhantomData }
    }

    /// The realm in challenges; `turnpike` unless told.
    #[must_use]
    pub fn realm(self, realm: Realm) -> Self {
        let settings = Settings { realm, ..(*self.settings).clone() };
        Self { settings: Arc::new(settings), ..self }
    }
}

impl<P> Clone for VerifyLayer<P> {
    fn clone(&self) -> Self {
        Self { settings: self.settings.clone(), protocol: PhantomData }
    }
}

impl<P> fmt::Debug for VerifyLayer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyLayer")
            .field("require", &self.settings.require)
            .finish_non_exhaustive()
    }
}

impl<S, P> Layer<S> for VerifyLayer<P> {
    type Service = Verify<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Verify { inner, layer: self.clone() }
    }
}

/// A service behind a [`VerifyLayer`].
#[derive(Debug)]
pub struct Verify<S, P> {
    inner: S,
    layer: VerifyLayer<P>,
}

impl<S: Clone, P> Clone for Verify<S, P> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S, P, B> Service<Request<B>> for Verify<S, P>
where
    S: Service<Request<B>, Response = Response<P::Body>> + Clone + Send + 'static,
    S::Future: Send,
    P: Protocol,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The one that said it is ready is the one to call.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let settings = self.layer.settings.clone();
        Box::pin(async move {
            let values = request.headers().get_all(AUTHORIZATION);
            let verdict = match bearer::credentials(values.iter().map(|value| value.as_bytes())) {
                Ok(token) => settings.verifier.decide(token, &settings.require).await,
                Err(refusal) => Err(refusal),
            };
            match verdict {
                Ok(verified) => {
                    request.extensions_mut().insert(verified);
                    request.extensions_mut().insert(settings.realm.clone());
                    inner.call(request).await
                }
                Err(refusal) => Ok(refuse::<P>(&settings.realm, refusal, &settings.require)),
            }
        })
    }
}

/// Lets requests through whose token, verified by a [`VerifyLayer`] outside of this one, is enough
/// for a route, and answers the others.
pub struct RequireLayer<P> {
    require: Arc<Require>,
    protocol: PhantomData<fn() -> P>,
}

impl<P> RequireLayer<P> {
    pub(crate) fn new(require: Require) -> Self {
        Self { require: Arc::new(require), protocol: PhantomData }
    }
}

impl<P> Clone for RequireLayer<P> {
    fn clone(&self) -> Self {
        Self { require: self.require.clone(), protocol: PhantomData }
    }
}

impl<P> fmt::Debug for RequireLayer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequireLayer").field(&self.require).finish()
    }
}

impl<S, P> Layer<S> for RequireLayer<P> {
    type Service = RequireScopes<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireScopes { inner, layer: self.clone() }
    }
}

/// A service behind a [`RequireLayer`].
#[derive(Debug)]
pub struct RequireScopes<S, P> {
    inner: S,
    layer: RequireLayer<P>,
}

impl<S: Clone, P> Clone for RequireScopes<S, P> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S, P, B> Service<Request<B>> for RequireScopes<S, P>
where
    S: Service<Request<B>, Response = Response<P::Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    P: Protocol,
    P::Body: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let require = &*self.layer.require;
        let extensions = request.extensions();
        let answer = match (extensions.get::<Verified>(), extensions.get::<Realm>()) {
            (Some(verified), Some(realm)) => match verified.satisfies(require) {
                Ok(()) => return Box::pin(self.inner.call(request)),
                Err(refusal) => refuse::<P>(realm, refusal, require),
            },
            _ => P::misplaced(),
        };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

fn refuse<P: Protocol>(realm: &Realm, refusal: Refusal, require: &Require) -> Response<P::Body> {
    let mut response = P::refuse(realm, refusal, require);
    response.extensions_mut().insert(refusal);
    response
}
