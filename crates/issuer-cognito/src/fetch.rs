//! One HTTP request outside of the API, with every bound it needs: time, size, no redirect, and TLS unless the server is
//! on this machine or plain HTTP is allowed.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use turnpike_domain::url::HttpUrl;

use crate::call::causes;
use crate::settings::OpenError;

/// No answer, in words that may be logged: none of what was sent or received is in them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("an answer of more than {0} bytes")]
    TooLarge(usize),
    #[error("{0}")]
    Transport(String),
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// Talks to one address.
pub(crate) struct Fetcher {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: Uri,
    timeout: Duration,
    max_bytes: usize,
}

impl Fetcher {
    /// `setting` is whose address it is.
    pub(crate) fn new(
        setting: &'static str,
        address: &HttpUrl,
        insecure_http: bool,
        timeout: Duration,
        max_bytes: usize,
    ) -> Result<Self, OpenError> {
        let uri: Uri = address
            .as_str()
            .parse()
            .map_err(|_| OpenError::setting(setting, "must be the address of a server"))?;
        let plain = uri.scheme_str() == Some("http");
        if plain && !insecure_http && !is_loopback(uri.host().unwrap_or_default()) {
            return Err(OpenError::setting(setting, "must be https, unless it is on this machine"));
        }
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_timer(TokioTimer::new())
            .build(connector(plain)?);
        Ok(Self { client, address: uri, timeout, max_bytes })
    }

    /// Sends `request` to the address and reads the answer.
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Answer, Error> {
        *request.uri_mut() = self.address.clone();
        let exchange = async {
            let response = self.client.request(request).await;
            let response = response.map_err(|error| Error::Transport(causes(&error)))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, self.max_bytes).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    Error::TooLarge(self.max_bytes)
                } else {
                    Error::Transport(causes(&*error))
                }
            })?;
            Ok(Answer { status: parts.status, body: body.to_bytes() })
        };
        let answer = tokio::time::timeout(self.timeout, exchange).await;
        answer.unwrap_or(Err(Error::Timeout(self.timeout)))
    }
}

fn connector(plain: bool) -> Result<HttpsConnector<HttpConnector>, OpenError> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let builder = HttpsConnectorBuilder::new();
    if plain {
        // Needs no certificates, which a small container may not have.
        let config = rustls::ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .map_err(|_| OpenError::NoTrustedCertificates)?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        return Ok(builder.with_tls_config(config).https_or_http().enable_http1().build());
    }
    let builder = builder
        .with_provider_and_native_roots(provider)
        .map_err(|_| OpenError::NoTrustedCertificates)?;
    Ok(builder.https_only().enable_http1().enable_http2().build())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    // RFC 6761 section 6.3 keeps the name for this machine.
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_travel_in_plain_on_this_machine_only() {
        let fetcher = |address: &str, insecure: bool| {
            let address = HttpUrl::parse(address).unwrap();
            Fetcher::new("token_endpoint", &address, insecure, Duration::from_secs(1), 100)
        };
        for here in ["http://127.0.0.1:9229/oauth2/token", "http://[::1]/", "http://localhost:1"] {
            assert!(fetcher(here, false).is_ok(), "{here}");
        }
        for there in ["http://cognito.example.org/", "http://127.0.0.1.example.org/"] {
            let refused = fetcher(there, false).err().unwrap().to_string();
            assert!(refused.starts_with("token_endpoint must be https"), "{refused}");
            assert!(fetcher(there, true).is_ok(), "{there}");
        }
    }
}
