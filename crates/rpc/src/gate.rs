//! One wrapper around every handler: authenticates, admits, times, maps the error, records a refusal.

use std::sync::Arc;
use std::time::Instant;

use tonic::{Code, Request, Response, Status};
use turnpike_domain::Error;
use turnpike_domain::error::ErrorCode;
use turnpike_proto::v1 as pb;
use turnpike_registry::Registry;
use uuid::Uuid;

use crate::authenticate::Authenticator;
use crate::limits::Limits;
use crate::methods::{Audit, Limit, Row};
use crate::metrics::Metrics;
use crate::oauth::Peer;
use crate::op::Op;
use crate::page_token::PageTokens;
use crate::refusal_log::{Refusals, Refused};
use crate::status;

/// The metadata key by which a request is known in every log.
pub const REQUEST_ID: &str = "x-request-id";

/// What every service of a process serves its calls through. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    authenticator: Authenticator,
    registry: Registry,
    page_tokens: PageTokens,
    limits: Limits,
    metrics: Metrics,
    refusals: Refusals,
}

/// A request that changes something, or only asks what it would change.
pub trait ChangeRequest {
    /// Whether it only asks.
    fn validate_only(&self) -> bool;
}

impl Gate {
    /// A gate with everything it needs.
    pub fn new(
        authenticator: Authenticator,
        registry: Registry,
        page_tokens: PageTokens,
        limits: Limits,
        metrics: Metrics,
    ) -> Self {
        let refusals = Refusals::new(registry.clone(), metrics.clone(), limits.refusals());
        Self(Arc::new(Inner { authenticator, registry, page_tokens, limits, metrics, refusals }))
    }

    /// The registry.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// What seals page tokens.
    pub fn page_tokens(&self) -> &PageTokens {
        &self.0.page_tokens
    }

    /// How often callers may call.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// What is to be done once a minute: idle callers are forgotten, and refusals that were only counted are recorded.
    pub async fn tidy(&self) {
        self.0.limits.forget_idle();
        self.0.refusals.flush(self.0.registry.now()).await;
    }

    /// Serves a call that changes nothing.
    ///
    /// # Errors
    ///
    /// The status of whatever `handle` or the gate itself refused with.
    pub async fn read<M, R, F>(
        &self,
        row: &'static Row,
        request: Request<M>,
        handle: impl FnOnce(Op, M) -> F + Send,
    ) -> Result<Response<R>, Status>
    where
        M: Send,
        F: Future<Output = Result<R, Error>> + Send,
    {
        debug_assert_eq!(row.audit, Audit::None);
        self.serve(row, request, false, handle).await
    }

    /// Serves a call that changes something. A refusal to a known caller becomes an event, unless they only
    /// asked.
    ///
    /// # Errors
    ///
    /// As for [`Gate::read`].
    pub async fn change<M, R, F>(
        &self,
        row: &'static Row,
        request: Request<M>,
        handle: impl FnOnce(Op, M) -> F + Send,
    ) -> Result<Response<R>, Status>
    where
        M: ChangeRequest + Send,
        F: Future<Output = Result<R, Error>> + Send,
    {
        debug_assert_eq!(row.audit, Audit::Change);
        let record = !request.get_ref().validate_only();
        self.serve(row, request, record, handle).await
    }

    async fn serve<M, R, F>(
        &self,
        row: &'static Row,
        request: Request<M>,
        record: bool,
        handle: impl FnOnce(Op, M) -> F + Send,
    ) -> Result<Response<R>, Status>
    where
        M: Send,
        F: Future<Output = Result<R, Error>> + Send,
    {
        let began = Instant::now();
        let (request_id, now) = (request_id(&request), self.0.registry.now());
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
        let actor = self.0.authenticator.authenticate(row, request.metadata(), peer, now).await;
        let mut held = None;
        let (op, result) = match actor {
            Err(error) => (None, Err(error)),
            Ok(actor) => {
                let op = Op::new(actor, row, request_id.clone(), now);
                let result = match self.0.limits.admit(row.limit, op.actor()) {
                    Err(error) => Err(error),
                    Ok(admitted) => {
                        held = admitted.map(Arc::new);
                        let served = op.clone().holding(held.clone());
                        let result = handle(served, request.into_inner()).await;
                        if let (true, Err(error)) = (record, &result) {
                            self.record_refusal(&op, error).await;
                        }
                        turnpike_registry::fault::reached("answering");
                        result
                    }
                };
                (Some(op), result)
            }
        };

        let code = result.as_ref().err().map_or(Code::Ok, status::code);
        let took = began.elapsed();
        self.0.metrics.called(row.method(), status::name(code), took);
        let caller = || caller(op.as_ref());
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        match &result {
            // What resource servers ask for each request of theirs is counted, and not told line by line.
            Ok(_) if row.limit == Limit::Unlimited => tracing::debug!(
                rpc.method = row.method(),
                request.id = request_id,
                caller = caller(),
                duration_us = micros,
                "rpc"
            ),
            Ok(_) => tracing::info!(
                rpc.method = row.method(),
                rpc.status_code = status::name(code),
                request.id = request_id,
                caller = caller(),
                duration_us = micros,
                "rpc"
            ),
            Err(error @ (Error::Internal(_) | Error::Unavailable(_))) => tracing::error!(
                rpc.method = row.method(),
                rpc.status_code = status::name(code),
                request.id = request_id,
                caller = caller(),
                duration_us = micros,
                error = status::causes(error),
                "rpc"
            ),
            Err(error) => tracing::info!(
                rpc.method = row.method(),
                rpc.status_code = status::name(code),
                request.id = request_id,
                caller = caller(),
                duration_us = micros,
                refusal = error.code().as_str(),
                "rpc"
            ),
        }
        let message = result.map_err(|error| status::of(&error, &request_id))?;
        let mut response = Response::new(message);
        // The call is in flight until its answer is sent: the server takes this out.
        if let Some(held) = held {
            response.extensions_mut().insert(held);
        }
        Ok(response)
    }

    /// Says in the log that a change was refused, also if the caller has hung up by then.
    async fn record_refusal(&self, op: &Op, error: &Error) {
        let code = error.code();
        if matches!(code, ErrorCode::Internal | ErrorCode::RateLimited | ErrorCode::Unavailable) {
            return;
        }
        let refused = Refused { caller: op.actor().principal(), origin: op.origin().clone(), code };
        let (gate, now) = (self.clone(), op.now());
        let recorded = tokio::spawn(async move { gate.0.refusals.record(refused, now).await });
        let _ = recorded.await;
    }
}

/// Who called, for the log.
fn caller(op: Option<&Op>) -> String {
    op.map_or_else(|| "nobody".to_owned(), |op| op.actor().to_string())
}

/// The gateway's id of the request, or a new one: nothing that a stranger chose gets into the log.
fn request_id<M>(request: &Request<M>) -> String {
    let given = request.metadata().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    given
        .and_then(|text| Uuid::try_parse(text).ok())
        .unwrap_or_else(Uuid::now_v7)
        .hyphenated()
        .to_string()
}

/// Implements [`ChangeRequest`] for messages with a field `validate_only`.
macro_rules! change_requests {
    ($($message:ident),* $(,)?) => {$(
        impl ChangeRequest for pb::$message {
            fn validate_only(&self) -> bool {
                self.validate_only
            }
        }
    )*};
}

change_requests! {
    AddClientSecretRequest, AddResourceServerSecretRequest, AdoptRequest, ApproveGrantRequest,
    CreateClientRequest,
    CreateResourceServerRequest, CreateTeamRequest, DeleteClientRequest,
    DeleteResourceServerRequest, DeleteTeamRequest, DenyGrantRequest, DisableClientRequest,
    EnableClientRequest, EndSessionRequest, RemoveClientSecretRequest, RemoveResourceServerSecretRequest,
    RequestGrantRequest, RevertRequest, RevokeClientTokensRequest, RevokeGrantRequest, RevokeTokenRequest,
    UpdateClientRequest, UpdateResourceServerRequest, UpdateTeamRequest,
}
