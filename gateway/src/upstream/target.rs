//! Where a service is.

use http::Uri;
use http::uri::{Authority, Scheme};
use rustls::pki_types::ServerName;

/// A URL of a service: scheme, host and port, no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub(super) tls: bool,
    pub(super) authority: Authority,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
}

/// The text is not a [`Target`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` must be `http://host:port` or `https://host:port`, and nothing else")]
pub struct NotATarget(String);

impl Target {
    /// From `http://host:port` or `https://host:port`; without a port it is the scheme's.
    ///
    /// # Errors
    ///
    /// The text is something else.
    pub fn parse(text: &str) -> Result<Self, NotATarget> {
        let wrong = || NotATarget(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?.clone();
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if !bare || host.is_empty() || text.contains(['@', '#']) {
            return Err(wrong());
        }
        if tls && ServerName::try_from(host.as_str()).is_err() {
            return Err(wrong());
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, authority, host, port })
    }

    /// Whether it is reached through TLS.
    pub const fn is_secure(&self) -> bool {
        self.tls
    }

    pub(super) const fn scheme(&self) -> Scheme {
        if self.tls { Scheme::HTTPS } else { Scheme::HTTP }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_scheme_host_and_port() {
        for (text, tls, host, port) in [
            ("http://127.0.0.1:8081", false, "127.0.0.1", 8081),
            ("http://[::1]:8081/", false, "::1", 8081),
            ("https://clients.turnpike.internal", true, "clients.turnpike.internal", 443),
            ("http://clients", false, "clients", 80),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!((target.tls, target.host.as_str(), target.port), (tls, host, port));
        }
        for text in [
            "",
            "clients:80",
            "ftp://clients",
            "http://",
            "http://clients/path",
            "http://clients?q",
            "http://u@clients",
            "https://cli_ents..x",
        ] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }
}
