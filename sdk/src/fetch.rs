//! One HTTP request with every bound that a request to somebody else's server needs: time, size, no
//! redirect.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{RETRY_AFTER, USER_AGENT};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::connect::{AddressError, connector_to};

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("turnpike-sdk/", env!("CARGO_PKG_VERSION")));
/// Of an honest server this is minutes; more is taken for this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(crate) enum Error {
    Timeout,
    TooLarge,
    Transport(Arc<dyn std::error::Error + Send + Sync>),
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    /// From `Retry-After` in its form of seconds.
    #[cfg_attr(not(feature = "client"), expect(dead_code, reason = "the token source's"))]
    pub(crate) retry_after: Option<Duration>,
}

/// Talks to one address.
pub(crate) struct Fetcher {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: Uri,
}

impl Fetcher {
    /// `allow_plain` lets tokens and keys travel unprotected to other machines.
    pub(crate) fn new(address: &str, allow_plain: bool) -> Result<Self, AddressError> {
        let (address, connector) = connector_to(address, allow_plain)?;
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { client, address })
    }

    /// Sends `request` to the address and reads the answer, at most `max_bytes` of it, all within
    /// `timeout`.
    pub(crate) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        timeout: Duration,
        max_bytes: usize,
    ) -> Result<Answer, Error> {
        *request.uri_mut() = self.address.clone();
        request.headers_mut().insert(USER_AGENT, AGENT);
        let exchange = async {
            let response = self.client.request(request).await.map_err(transport)?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, max_bytes).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    Error::TooLarge
                } else {
                    Error::Transport(error.into())
                }
            })?;
            let retry_after = parts.headers.get(RETRY_AFTER).and_then(seconds);
            Ok(Answer { status: parts.status, body: body.to_bytes(), retry_after })
        };
        tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(Error::Timeout))
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the query, which may hold anything.
        write!(f, "{}{}", self.address.host().unwrap_or_default(), self.address.path())
    }
}

fn seconds(value: &HeaderValue) -> Option<Duration> {
    let seconds = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

fn transport(error: hyper_util::client::legacy::Error) -> Error {
    Error::Transport(Arc::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_whole_seconds_and_bounded() {
        assert_eq!(seconds(&HeaderValue::from_static("120")), Some(Duration::from_secs(120)));
        assert_eq!(seconds(&HeaderValue::from_static("99999999")), Some(LONGEST_RETRY_AFTER));
        assert_eq!(seconds(&HeaderValue::from_static("-1")), None);
        assert_eq!(seconds(&HeaderValue::from_static("Wed, 21 Oct 2026 07:28:00 GMT")), None);
    }
}
