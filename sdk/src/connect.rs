//! How somebody else's server is reached: with TLS unless it is on this machine, and not by everybody at once.

use std::net::IpAddr;
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;

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

/// Somewhere in `duration` ± a tenth, so that many processes do not ask at once.
#[cfg(any(feature = "client", feature = "feed", feature = "jwks"))]
pub(crate) fn jittered(duration: Duration) -> Duration {
    let mut byte = [128];
    // Without randomness there is no jitter, which is no harm.
    let _ = aws_lc_rs::rand::fill(&mut byte);
    let factor = 0.9 + f64::from(byte[0]) / 255.0 * 0.2;
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(duration)
}

/// Somewhere between nothing and `duration`, for many processes that lost the same server at the same moment.
#[cfg(feature = "feed")]
pub(crate) fn random_part(duration: Duration) -> Duration {
    let mut bytes = [128; 2];
    // Without randomness there is no jitter, which is no harm.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    duration * u32::from(u16::from_le_bytes(bytes)) / u32::from(u16::MAX)
}

/// How long to wait after the `failures`-th failure in a row: 1, 2, 4, 8, 16, then 30 seconds.
#[cfg(any(feature = "client", feature = "feed", feature = "jwks"))]
pub(crate) fn backoff(failures: u32) -> Duration {
    let seconds = 1_u64.checked_shl(failures.saturating_sub(1).min(5)).unwrap_or(30);
    jittered(Duration::from_secs(seconds.min(30)))
}

/// What connects to an address, and the address.
pub(crate) fn connector_to(
    address: &str,
    allow_plain: bool,
) -> Result<(Uri, HttpsConnector<HttpConnector>), AddressError> {
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
    Ok((address, connector(plain)?))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(address: &str) -> Option<AddressError> {
        connector_to(address, false).err()
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
            assert!(connector_to(address, true).is_ok(), "{address}");
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
    #[cfg(any(feature = "client", feature = "feed", feature = "jwks"))]
    fn pauses_grow_and_are_bounded() {
        for (failures, seconds) in
            [(0, 1), (1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (u32::MAX, 30)]
        {
            let pause = backoff(failures).as_secs_f64() / f64::from(seconds);
            assert!((0.9..=1.1).contains(&pause), "{failures}: {pause}");
        }
        assert!(jittered(Duration::MAX) > Duration::MAX / 2);
    }
}
