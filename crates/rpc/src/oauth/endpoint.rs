//! One OAuth endpoint: reads a form request, runs the use case, answers, counts and logs.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, PRAGMA,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use turnpike_domain::Actor;
use turnpike_registry::Origin;
use uuid::Uuid;

use crate::gate::REQUEST_ID;
use crate::metrics::Metrics;
use crate::oauth::form::Form;
use crate::oauth::refusal::Refusal;
use crate::status;

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// The address a request came from, as an extension: for whoever accepts connections itself. Never
/// taken from a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// An endpoint of one path.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its path, as metrics and the log name it.
    pub path: &'static str,
    /// The largest body it takes, in bytes.
    pub body_max: usize,
    /// Parameters whose values may hold any character: tokens, whose form is not the endpoint's to
    /// judge.
    pub opaque: &'static [&'static str],
    /// Where requests are counted.
    pub metrics: Metrics,
}

/// A request that is well-formed; the use case decides on it.
#[derive(Debug)]
pub struct Asked {
    /// The parameters of the body.
    pub form: Form,
    /// The values of `Authorization`.
    pub authorization: Vec<HeaderValue>,
    /// Where it came from, if known.
    pub peer: Option<IpAddr>,
    /// Where a change comes from that it makes.
    pub origin: Origin,
}

/// A request that was answered.
#[derive(Debug)]
pub struct Answer {
    /// JSON.
    pub body: Bytes,
    /// Who was answered, for the log.
    pub caller: Actor,
    /// What it came to, for metrics: a word of a fixed list.
    pub outcome: &'static str,
}

impl Endpoint {
    /// Serves one request: 200 with what `handle` answers, or its refusal.
    pub async fn serve<F>(
        &self,
        request: Request<Body>,
        handle: impl FnOnce(Asked) -> F + Send,
    ) -> Response<Body>
    where
        F: Future<Output = Result<Answer, Refusal>> + Send,
    {
        let began = Instant::now();
        if request.method() == Method::OPTIONS {
            let mut response = json(StatusCode::NO_CONTENT, Bytes::new());
            response.headers_mut().remove(CONTENT_TYPE);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        let request_id = request_id(request.headers());
        let result = match self.read(request, &request_id).await {
            Ok(asked) => handle(asked).await,
            Err(refusal) => Err(refusal),
        };

        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let outcome = result.as_ref().map_or_else(Refusal::error, |answer| answer.outcome);
        self.metrics.requested(self.path, outcome);
        match result {
            Ok(Answer { body, caller, outcome }) => {
                tracing::debug!(
                    oauth.endpoint = self.path,
                    oauth.outcome = outcome,
                    request.id = request_id,
                    caller = %caller,
                    duration_us = micros,
                    "oauth"
                );
                json(StatusCode::OK, body)
            }
            Err(refusal) => {
                self.log(&refusal, &request_id, micros);
                refusal.to_response()
            }
        }
    }

    fn log(&self, refusal: &Refusal, request_id: &str, micros: u64) {
        match refusal {
            Refusal::Failed(error) => tracing::error!(
                oauth.endpoint = self.path,
                oauth.outcome = refusal.error(),
                request.id = request_id,
                duration_us = micros,
                error = status::causes(error),
                "oauth"
            ),
            _ => tracing::info!(
                oauth.endpoint = self.path,
                oauth.outcome = refusal.error(),
                request.id = request_id,
                duration_us = micros,
                "oauth"
            ),
        }
    }

    async fn read(&self, request: Request<Body>, request_id: &str) -> Result<Asked, Refusal> {
        let (head, body) = request.into_parts();
        if head.method != Method::POST {
            return Err(Refusal::Method);
        }
        // RFC 6749 section 2.3.1: never in the URL, where logs and proxies see it.
        if head.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(Refusal::Request("parameters belong into the body"));
        }
        check_content_type(&head.headers)?;
        let length = head.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: usize| length > self.body_max) {
            return Err(Refusal::TooLarge);
        }
        let peer = head.extensions.get::<Peer>().map(|peer| peer.0).or_else(|| {
            let info = head.extensions.get::<ConnectInfo<SocketAddr>>();
            info.map(|info| info.0.ip())
        });
        let body = tokio::time::timeout(BODY_TIME, Limited::new(body, self.body_max).collect())
            .await
            .map_err(|_| Refusal::TooSlow)?
            .map_err(|error| match error.downcast_ref::<LengthLimitError>() {
                Some(_) => Refusal::TooLarge,
                None => Refusal::Request("the body did not arrive whole"),
            })?
            .to_bytes();
        let origin = Origin { request_id: request_id.to_owned(), method: self.path.to_owned() };
        let authorization = head.headers.get_all(AUTHORIZATION).into_iter().cloned().collect();
        Ok(Asked { form: Form::parse(&body, self.opaque)?, authorization, peer, origin })
    }
}

/// A JSON answer that nobody keeps (RFC 6749 section 5.1, RFC 7662 section 4).
pub(crate) fn json(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// The form's media type, whatever its parameters: the RFC fixes UTF-8, so a `charset` has nothing
/// to say.
fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut types = headers.get_all(CONTENT_TYPE).into_iter();
    let given = types.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if types.next().is_some() || !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    {
        return Err(Refusal::Request("the content type must be application/x-www-form-urlencoded"));
    }
    let mut encodings = headers.get_all(CONTENT_ENCODING).into_iter();
    if encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Refusal::Request("the body must not be compressed"));
    }
    Ok(())
}

/// The gateway's id of the request, or a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let id = given.and_then(|text| Uuid::try_parse(text).ok()).unwrap_or_else(Uuid::now_v7);
    id.hyphenated().to_string()
}
