//! Origins: where a page may come from.

use std::fmt;

use http::Uri;
use http::uri::Authority;

/// Scheme, host and port of a site (RFC 6454 section 4), as a browser writes them in `Origin`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    secure: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// From `http://host[:port]` or `https://host[:port]`; a single `/` may follow.
    ///
    /// # Errors
    ///
    /// The text is something else.
    pub fn parse(text: &str) -> Result<Self, NotAnOrigin> {
        let wrong = || NotAnOrigin(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        let bare = uri.path() == "/" && uri.query().is_none() && !text.contains(['#', '@', '?']);
        if !bare || authority.host().is_empty() {
            return Err(wrong());
        }
        let port = port_of(authority).ok_or_else(wrong)?.unwrap_or_else(|| default_port(secure));
        Ok(Self { secure, host: authority.host().to_ascii_lowercase(), port })
    }

    /// Whether a browser reaches it through TLS.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host, in lower case; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, also where the scheme implies it.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether nobody but this machine can mean it.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// Whether `authority`, the value of `Host` or `:authority`, names this origin's host and port.
    pub(crate) fn is_at(&self, host: &str, port: Option<u16>) -> bool {
        self.host.eq_ignore_ascii_case(host) && self.port == self.port_or_default(port)
    }

    /// `port`, or what is meant where none is written.
    pub(crate) fn port_or_default(&self, port: Option<u16>) -> u16 {
        port.unwrap_or_else(|| default_port(self.secure))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == default_port(self.secure) { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// The text is not an origin.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` must be `http://host` or `https://host`, with a port if need be, and nothing else")]
pub struct NotAnOrigin(String);

/// The names of this machine that no other machine answers to.
pub(crate) fn is_loopback(host: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| name.eq_ignore_ascii_case(host))
}

/// The port that is written, if one is; `None` if what is written is no port. (`Authority::port` leaves a
/// wrong one out without a word.)
#[expect(clippy::option_option, reason = "no port and no sense are different answers")]
pub(crate) fn port_of(authority: &Authority) -> Option<Option<u16>> {
    let written = authority.as_str().strip_prefix(authority.host())?;
    if written.is_empty() {
        return Some(None);
    }
    let digits = written.strip_prefix(':').filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok().map(Some)
}

const fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_do() {
        for (given, written) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://LOCALHOST:8080/", "http://localhost:8080"),
            ("https://turnpike.example:443", "https://turnpike.example"),
            ("https://turnpike.example", "https://turnpike.example"),
            ("http://turnpike.example:80", "http://turnpike.example"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(Origin::parse(given).unwrap().to_string(), written);
        }
    }

    #[test]
    fn other_texts_are_none() {
        for text in [
            "",
            "null",
            "*",
            "127.0.0.1:8080",
            "ftp://a",
            "http://",
            "http://a/b",
            "http://a?b",
            "http://a#b",
            "http://u@a",
            "http://a:99999",
            "http://a b",
        ] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }
}
