//! One HTTP request with every bound that a request to somebody else's server needs: time, size, no
//! redirect, and TLS unless the server is on this machine.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{RETRY_AFTER, USER_AGENT};
use http::uri::Scheme;
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("turnpike-sdk/", env!("CARGO_PKG_VERSION")));
/// Of an honest server this is minutes; more is taken for this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The settings of an address are not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Not an absolute `http` or `https` URL, or one with a user name in it.
    #[error("not an http or https URL without credentials")]
    NotAnAddress,
    /// The system has no certificates to trust, so no server could be recognised.
    #[error("the system has no trusted certificates")]
    NoTrustedCertificates,
    /// Plain `http` to another machine: whoever is in between could answer in its place.
    #[error("plain http to another machine")]
    PlainHttp,
}

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
        let address: Uri = address.parse().map_err(|_| AddressError::NotAnAddress)?;
        let authority = address.authority().ok_or(AddressError::NotAnAddress)?;
        if authority.as_str().contains('@') {
            return Err(AddressError::NotAnAddress);
        }
        let plain = if address.scheme() == Some(&Scheme::HTTPS) {
            false
        } else if address.scheme() == Some(&Scheme::HTTP) {
            true
        } else {
            return Err(AddressError::NotAnAddress);
        };
        if plain && !allow_plain && !is_loopback(authority.host()) {
            return Err(AddressError::PlainHttp);
        }
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_timer(TokioTimer::new())
            .build(connector(plain)?);
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

/// Somewhere in `duration` ± a tenth, so that many processes do not ask at once.
#[cfg(any(feature = "client", feature = "jwks"))]
pub(crate) fn jittered(duration: Duration) -> Duration {
    let mut byte = [128];
    // Without randomness there is no jitter, which is no harm.
    let _ = aws_lc_rs::rand::fill(&mut byte);
    let factor = 0.9 + f64::from(byte[0]) / 255.0 * 0.2;
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(duration)
}

/// How long to wait after the `failures`-th failure in a row: 1, 2, 4, 8, 16, then 30 seconds.
#[cfg(any(feature = "client", feature = "jwks"))]
pub(crate) fn backoff(failures: u32) -> Duration {
    let seconds = 1_u64.checked_shl(failures.saturating_sub(1).min(5)).unwrap_or(30);
    jittered(Duration::from_secs(seconds.min(30)))
}

fn connector(plain: bool) -> Result<HttpsConnector<HttpConnector>, AddressError> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let builder = HttpsConnectorBuilder::new();
    if plain {
        // Needs no certificates, which a small container may not have.
        let config = rustls::ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .map_err(|_| AddressError::NoTrustedCertificates)?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        return Ok(builder.with_tls_config(config).https_or_http().enable_http1().build());
    }
    let builder = builder
        .with_provider_and_native_roots(provider)
        .map_err(|_| AddressError::NoTrustedCertificates)?;
    Ok(builder.https_only().enable_http1().enable_http2().build())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    // RFC 6761 section 6.3 keeps the name for this machine.
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
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

    fn refused(address: &str) -> Option<AddressError> {
        Fetcher::new(address, false).err()
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for address in [
            "http://127.0.0.1:8080/jwks",
            "http://127.8.9.1/",
            "http://[::1]:1/x",
            "http://localhost",
            "http://LOCALHOST:80/x",
        ] {
            assert_eq!(refused(address), None, "{address}");
        }
        for address in [
            "http://example.org/",
            "http://10.0.0.1/",
            "http://[2001:db8::1]/",
            "http://0.0.0.0/",
            "http://127.0.0.1.example.org/",
            "http://localhost.example.org/",
            "http://2130706433/",
        ] {
            assert_eq!(refused(address), Some(AddressError::PlainHttp), "{address}");
            assert!(Fetcher::new(address, true).is_ok(), "{address}");
        }
    }

    #[test]
    fn only_urls_without_credentials() {
        for address in [
            "",
            "/jwks",
            "127.0.0.1:80",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "http://",
            "http://user@127.0.0.1/",
            "http://user:secret@127.0.0.1/",
            "http://127.0.0.1@example.org/",
        ] {
            assert_eq!(refused(address), Some(AddressError::NotAnAddress), "{address}");
        }
    }

    #[test]
    #[cfg(any(feature = "client", feature = "jwks"))]
    fn pauses_grow_and_are_bounded() {
        for (failures, seconds) in
            [(0, 1), (1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (u32::MAX, 30)]
        {
            let pause = backoff(failures).as_secs_f64() / f64::from(seconds);
            assert!((0.9..=1.1).contains(&pause), "{failures}: {pause}");
        }
        assert!(jittered(Duration::MAX) > Duration::MAX / 2);
    }

    #[test]
    fn retry_after_is_whole_seconds_and_bounded() {
        assert_eq!(seconds(&HeaderValue::from_static("120")), Some(Duration::from_secs(120)));
        assert_eq!(seconds(&HeaderValue::from_static("99999999")), Some(LONGEST_RETRY_AFTER));
        assert_eq!(seconds(&HeaderValue::from_static("-1")), None);
        assert_eq!(seconds(&HeaderValue::from_static("Wed, 21 Oct 2026 07:28:00 GMT")), None);
    }
}
