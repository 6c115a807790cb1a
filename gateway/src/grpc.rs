//! A call, from its headers to the service and back.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body as HttpBody;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, ALLOW, AUTHORIZATION, CONTENT_TYPE, SET_COOKIE, TE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::{Layer, Service, ServiceExt};
use tracing::{error, warn};

use turnpike_domain::actor::Staff;
use turnpike_domain::ports::Clock;
use turnpike_domain::session::SessionId;
use turnpike_rpc::assertion::{AssertionSigner, METADATA_KEY};

use crate::checked::{CheckedRequest, FoundFault};
use crate::config::CallSettings;
use crate::content_type::Protocol;
use crate::context::RequestContext;
use crate::csrf::SameOrigin;
use crate::deadline::{Deadline, is_timeout, is_timeout_status};
use crate::forward::Upstreams;
use crate::guard::{GuardedBody, note_panic};
use crate::headers;
use crate::person;
use crate::rules::Rules;
use crate::session::{Cookie, Live, NoSession, Sessions};
use turnpike_rpc::refusal::{self, NOT_A_MESSAGE, Refusal, is_decoding_failure};
use turnpike_runtime::server::{Drain, For, Line, MakeEnd};

/// Takes calls in gRPC and gRPC-web and gives them to the services. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Calls(Arc<Parts>);

/// What calls need.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) upstreams: Upstreams,
    pub(crate) sessions: Sessions,
    pub(crate) same_origin: SameOrigin,
    pub(crate) signer: AssertionSigner,
    pub(crate) settings: CallSettings,
    pub(crate) drain: Drain,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Who calls, as far as the gateway knows.
#[derive(Default)]
struct Caller {
    /// The session that came along.
    session: Option<Live>,
}

impl Calls {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Answers a request that wants to be a call.
    pub(crate) async fn answer(self, mut request: Request<HttpBody>) -> Response<HttpBody> {
        if request.method() != Method::POST {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "calls are sent with POST");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        let protocol = match Protocol::of(request.headers(), request.version()) {
            Ok(protocol) => protocol,
            Err(words) => return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, words),
        };
        // In the one spelling that the translation from gRPC-web knows.
        request.headers_mut().insert(CONTENT_TYPE, protocol.content_type());
        request.headers_mut().insert(ACCEPT, protocol.content_type());
        let Ok(response) = GrpcWebLayer::new().layer(self).oneshot(request).await;
        response.map(HttpBody::new)
    }

    /// Authenticates, forwards and answers; what goes wrong comes out as a status.
    async fn call(self, request: Request<Body>) -> Response<Body> {
        let parts = self.0.as_ref();
        let Some(context) = RequestContext::of(request.extensions()) else {
            error!("a request came around the edge");
            return Refusal::Panic.status("").into_http();
        };
        let refuse = |refusal: Refusal| refusal.status(context.request_id()).into_http();
        let mut cookie = None;
        let mut response = match parts.caller(request.headers(), &context).await {
            Ok(caller) => {
                let forwarded = AssertUnwindSafe(parts.forward(request, caller, &context));
                match forwarded.catch_unwind().await {
                    Ok(Ok(response)) => response,
                    Ok(Err(refusal)) => refuse(refusal),
                    Err(panic) => {
                        note_panic(&context, panic.as_ref());
                        refuse(Refusal::Panic)
                    }
                }
            }
            Err(refusal) => {
                if refusal == Refusal::SessionEnded {
                    cookie = Some(parts.sessions.clearing());
                }
                refuse(refusal)
            }
        };
        context.note_status(response.headers());
        if let Some(cookie) = cookie {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }
}

impl Service<Request<Body>> for Calls {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(Calls::call(self.clone(), request).map(Ok))
    }
}

impl Parts {
    /// Who calls: a person with a session that our own page uses, or somebody that the service will ask
    /// itself. Both at once is nobody: which of the two would the log name?
    async fn caller(
        &self,
        headers: &HeaderMap,
        context: &RequestContext,
    ) -> Result<Caller, Refusal> {
        let cookie = match self.sessions.cookie_in(headers) {
            Cookie::Absent => return Ok(Caller::default()),
            Cookie::One(cookie) => Some(cookie),
            Cookie::Several => None,
        };
        if headers.contains_key(AUTHORIZATION) {
            return Err(Refusal::TwoIdentities);
        }
        self.same_origin.check_script(headers).map_err(|_| Refusal::CrossSite)?;
        let cookie = cookie.ok_or(Refusal::SessionEnded)?;
        match self.sessions.open(cookie).await {
            Ok(session) if person::is_for(headers, &session.staff.id) => {
                Ok(Caller { session: Some(session) })
            }
            Ok(_) => Err(Refusal::OtherPerson),
            Err(NoSession::Ended) => Err(Refusal::SessionEnded),
            Err(NoSession::Unknown(error)) => {
                let error = turnpike_rpc::status::causes(&error);
                warn!(request.id = context.request_id(), error, "session.not_read");
                Err(Refusal::UpstreamDown)
            }
        }
    }

    async fn forward(
        &self,
        request: Request<Body>,
        caller: Caller,
        context: &RequestContext,
    ) -> Result<Response<Body>, Refusal> {
        let Caller { session } = caller;
        let path = request.uri().path().to_owned();
        let upstream = self.upstreams.of(&path).ok_or(Refusal::UnknownService)?;
        let rules = Rules::of(&path, &self.settings);
        // Before anything of the body is read: it would be held for nobody.
        if !rules.open && session.is_none() && !request.headers().contains_key(AUTHORIZATION) {
            return Err(Refusal::NobodyCalls);
        }
        let line = Line::of(request.extensions()).cloned();
        let whose = if session.is_some() { For::Known } else { For::Stranger };
        let room = line.as_ref().map(|line| line.room().enter(whose));
        let mut deadline = Deadline::of(request.headers(), &self.settings)?;
        if let Some(Live { session, .. }) = &session {
            let left = session.expire_time.millis() - self.clock.now().millis();
            let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
            deadline = deadline.within_session(left);
        }
        let staff = session.as_ref().map(|live| &live.staff);
        let request = self.prepare(request, &path, staff, deadline, context)?;
        let compressed = request.headers().get("grpc-encoding").is_some_and(|e| e != "identity");
        let (head, body) = request.into_parts();
        let (body, fault) = CheckedRequest::new(body, &rules, compressed, room);
        let request = Request::from_parts(head, Body::new(body));
        let session = session.map(|live| live.session.session_id);
        let answer = tokio::time::timeout_at(deadline.answer, upstream.oneshot(request)).await;
        match answer {
            Err(_) => Err(Refusal::Deadline),
            Ok(Err(error)) => Err(self.failed(error.as_ref(), &fault, context)),
            Ok(Ok(response)) => self.finish(response, deadline, session, fault, line, context),
        }
    }

    /// The request as a service may see it: nothing of the browser's, our assertion.
    fn prepare(
        &self,
        request: Request<Body>,
        path: &str,
        staff: Option<&Staff>,
        deadline: Deadline,
        context: &RequestContext,
    ) -> Result<Request<Body>, Refusal> {
        let (mut head, body) = request.into_parts();
        headers::clean_request(&mut head.headers);
        head.headers.remove(ACCEPT);
        head.headers.insert(CONTENT_TYPE, Protocol::Grpc.content_type());
        head.headers.insert(TE, HeaderValue::from_static("trailers"));
        deadline.write(&mut head.headers);
        context.write(&mut head.headers);
        if let Some(staff) = staff {
            let assertion = self.signer.sign(staff, path).ok();
            let value = assertion.and_then(|text| HeaderValue::try_from(text).ok());
            let mut value = value.ok_or_else(|| {
                error!(request.id = context.request_id(), "no identity assertion could be signed");
                Refusal::Panic
            })?;
            value.set_sensitive(true);
            head.headers.insert(METADATA_KEY, value);
        }
        head.uri = Uri::try_from(path).map_err(|_| Refusal::UnknownService)?;
        head.version = Version::HTTP_2;
        Ok(Request::from_parts(head, body))
    }

    /// Why there is no answer.
    fn failed(
        &self,
        error: &(dyn std::error::Error + Send + Sync + 'static),
        fault: &FoundFault,
        context: &RequestContext,
    ) -> Refusal {
        if let Some(refusal) = fault.refusal(true) {
            return refusal;
        }
        if is_timeout(error) {
            return Refusal::Deadline;
        }
        warn!(
            request.id = context.request_id(),
            error = error as &dyn std::error::Error,
            "a service did not answer"
        );
        Refusal::UpstreamDown
    }

    /// The answer as a caller may see it.
    fn finish(
        &self,
        response: Response<Body>,
        deadline: Deadline,
        session: Option<SessionId>,
        fault: FoundFault,
        line: Option<Line>,
        context: &RequestContext,
    ) -> Result<Response<Body>, Refusal> {
        let (mut head, body) = response.into_parts();
        if head.status != StatusCode::OK || !crate::content_type::looks_like_a_call(&head.headers) {
            warn!(
                request.id = context.request_id(),
                http.response.status_code = head.status.as_u16(),
                "a service answered with something else than gRPC"
            );
            return Err(Refusal::UpstreamDown);
        }
        if is_timeout_status(&head.headers) {
            return Err(Refusal::Deadline);
        }
        let status = head.headers.get("grpc-status");
        let trailers_only = status.is_some();
        if let Some(status) = status
            && let Some(refusal) = fault.refusal(status != "0")
        {
            return Err(refusal);
        }
        if is_decoding_failure(&head.headers) {
            return Err(Refusal::Malformed(NOT_A_MESSAGE));
        }
        headers::clean_response(&mut head.headers);
        if trailers_only {
            refusal::complete(&mut head.headers, context.request_id());
        }
        let make_end = self.make_end(deadline, session);
        if let Some(line) = line.filter(|_| !trailers_only) {
            line.ends_with(Arc::clone(&make_end));
        }
        let body = GuardedBody::new(body, trailers_only, make_end, fault, context.clone());
        Ok(Response::from_parts(head, Body::new(body)))
    }

    /// What an answer that lasts ends with.
    fn make_end(&self, deadline: Deadline, session: Option<SessionId>) -> MakeEnd {
        let (drain, sessions) = (self.drain.clone(), self.sessions.clone());
        Arc::new(move || {
            let (streams_end, sessions, session) =
                (drain.streams_end(), sessions.clone(), session.clone());
            Box::pin(async move {
                let session_over = async {
                    match session {
                        Some(id) => sessions.over(id).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = tokio::time::sleep_until(deadline.end) => deadline.at_end,
                    () = streams_end => Refusal::Draining,
                    () = session_over => Refusal::SessionEnded,
                }
            })
        })
    }
}

fn plain(status: StatusCode, words: &'static str) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::from(words));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
