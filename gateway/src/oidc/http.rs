//! Requests to the directory: to the addresses of its metadata only, in a bounded time, for a bounded answer, and no
//! further than where they were sent.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::RETRY_AFTER;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

use turnpike_domain::Error as DomainError;

/// How long an answer may take, its last byte included.
const TIME: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// Metadata, keys and tokens are some kilobytes; a person in hundreds of groups has an ID token of 10.
const BYTES_MAX: usize = 1024 * 1024;

/// Asks the directory. Clones share connections.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It has trouble of its own, or more to do than it can.
    #[error("HTTP status {status}")]
    Failing {
        /// What it answers.
        status: StatusCode,
        /// When it wants to be asked again (RFC 9110 section 10.2.3), if it says so in seconds.
        retry_after: Option<Duration>,
    },
    /// It would go over a network in plain text.
    #[error("`{0}` is neither https nor on this machine")]
    Insecure(String),
    /// It took too long.
    #[error("no answer in time")]
    Late,
    /// The answer is too large, or broke off.
    #[error("the answer could not be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Nobody answered.
    #[error("no connection")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
}

impl Http {
    /// # Errors
    ///
    /// The machine has no certificates of authorities.
    pub(crate) fn new() -> Result<Self, DomainError> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT_TIME));
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let https = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(DomainError::internal)?
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(https);
        Ok(Self { client })
    }

    /// Sends a request. A redirect is an answer like any other.
    pub(crate) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        check(request.uri())?;
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, Full::new(Bytes::from(body)));
        tokio::time::timeout(TIME, self.exchange(request)).await.unwrap_or(Err(Error::Late))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<HttpResponse, Error> {
        let response = self.client.request(request).await.map_err(Error::Unreachable)?;
        let (head, body) = response.into_parts();
        if head.status.is_server_error() || head.status == StatusCode::TOO_MANY_REQUESTS {
            let seconds = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let retry_after = seconds.and_then(|text| text.parse().ok()).map(Duration::from_secs);
            return Err(Error::Failing { status: head.status, retry_after });
        }
        let body = Limited::new(body, BYTES_MAX).collect().await.map_err(Error::Unreadable)?;
        Ok(Response::from_parts(head, body.to_bytes().to_vec()))
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Error;
    type Future = BoxFuture<'c, Result<HttpResponse, Error>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

/// Whether secrets may go there: only through TLS, or not over a network at all.
fn check(uri: &Uri) -> Result<(), Error> {
    let local = || uri.host().is_some_and(crate::origin::is_loopback);
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if local() => Ok(()),
        _ => {
            let (scheme, host) = (uri.scheme_str().unwrap_or(""), uri.host().unwrap_or(""));
            Err(Error::Insecure(format!("{scheme}://{host}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_go_over_a_network_in_plain_text() {
        for (uri, fine) in [
            ("https://login.example/token", true),
            ("http://127.0.0.1:9/token", true),
            ("http://localhost:9/token", true),
            ("http://[::1]:9/token", true),
            ("http://login.example/token", false),
            ("http://10.0.0.1/token", false),
            ("http://127.0.0.1.evil.example/token", false),
            ("ftp://127.0.0.1/token", false),
            ("/token", false),
        ] {
            assert_eq!(check(&uri.parse().unwrap()).is_ok(), fine, "{uri}");
        }
    }
}
