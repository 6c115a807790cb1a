//! Which names the gateway answers to.
//!
//! On a laptop, a page of any site can let its own name point to 127.0.0.1 (DNS rebinding) and is then,
//! to the browser, of the same origin as the gateway behind that name. So a gateway of this machine
//! answers to the names of this machine only.

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

use crate::origin::{Origin, is_loopback, port_of};

/// Whether a request may be answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// By the public origin, or by a name that is as good.
    Public,
    /// By another name of this machine: fine for programs; browsers are sent to the public origin,
    /// because cookies are bound to names.
    Other,
    /// By a name of somebody else.
    Foreign,
    /// By no name, or by two.
    Malformed,
}

/// The rule of one gateway.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    public: Origin,
    allowed: Vec<Origin>,
}

impl Hosts {
    pub(crate) fn new(public: &Origin, allowed: &[Origin]) -> Self {
        Self { public: public.clone(), allowed: allowed.to_vec() }
    }

    /// How the request names us. Behind a load balancer (a public origin that is no loopback) every name
    /// is fine: health checks and other services use many.
    pub(crate) fn check(&self, request: &Parts) -> Named {
        let Some(authority) = authority(request) else { return Named::Malformed };
        let Some(port) = port_of(&authority) else { return Named::Malformed };
        let host = authority.host();
        if self.public.is_at(host, port) || self.allowed.iter().any(|o| o.is_at(host, port)) {
            return Named::Public;
        }
        if !self.public.is_loopback() {
            return Named::Other;
        }
        let same_port = self.public.port() == self.public.port_or_default(port);
        if is_loopback(host) && same_port { Named::Other } else { Named::Foreign }
    }
}

/// The name the request is for: `:authority` or the absolute form, and `Host`; where both are given they
/// agree (RFC 9113 section 8.3.1).
fn authority(request: &Parts) -> Option<Authority> {
    let mut hosts = request.headers.get_all(HOST).iter();
    let header = match (hosts.next(), hosts.next()) {
        (None, _) => None,
        (Some(host), None) => Some(Authority::try_from(host.as_bytes()).ok()?),
        (Some(_), Some(_)) => return None,
    };
    let authority = match (request.uri.authority().cloned(), header) {
        (Some(uri), Some(header)) if uri != header => return None,
        (Some(either), _) | (None, Some(either)) => either,
        (None, None) => return None,
    };
    Some(authority)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn named(public: &str, uri: &str, hosts: &[&str]) -> Named {
        let mut request = Request::builder().uri(uri);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let dev = Origin::parse("http://127.0.0.1:5173").unwrap();
        Hosts::new(&Origin::parse(public).unwrap(), &[dev]).check(&parts)
    }

    #[test]
    fn a_gateway_of_this_machine_knows_its_names() {
        let local = |hosts: &[&str]| named("http://127.0.0.1:8080", "/", hosts);
        assert_eq!(local(&["127.0.0.1:8080"]), Named::Public);
        assert_eq!(local(&["127.0.0.1:5173"]), Named::Public);
        for other in ["localhost:8080", "LOCALHOST:8080", "[::1]:8080"] {
            assert_eq!(local(&[other]), Named::Other, "{other}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8080",
            "127.0.0.1",
            "localhost:8081",
            "localhost.:8080",
            "127.0.0.1.evil.example:8080",
            "127.0.0.2:8080",
            "2130706433:8080",
            "x.localhost:8080",
        ] {
            assert_eq!(local(&[foreign]), Named::Foreign, "{foreign}");
        }
        for malformed in ["", "a b", "evil.example@127.0.0.1:8080", "127.0.0.1:99999", "127.0.0.1:"]
        {
            assert_eq!(local(&[malformed]), Named::Malformed, "{malformed}");
        }
        assert_eq!(local(&[]), Named::Malformed);
        assert_eq!(local(&["127.0.0.1:8080", "127.0.0.1:8080"]), Named::Malformed);
    }

    #[test]
    fn authority_and_host_agree() {
        let both = |uri, host| named("http://127.0.0.1:8080", uri, &[host]);
        assert_eq!(both("http://127.0.0.1:8080/", "127.0.0.1:8080"), Named::Public);
        assert_eq!(both("http://127.0.0.1:8080/", "evil.example"), Named::Malformed);
        assert_eq!(both("http://evil.example/", "127.0.0.1:8080"), Named::Malformed);
        assert_eq!(named("http://127.0.0.1:8080", "http://evil.example/", &[]), Named::Foreign);
    }

    #[test]
    fn behind_a_load_balancer_names_are_free() {
        let public = |host| named("https://turnpike.example", "/", &[host]);
        assert_eq!(public("turnpike.example"), Named::Public);
        assert_eq!(public("turnpike.example:443"), Named::Public);
        assert_eq!(public("10.0.0.7:8080"), Named::Other);
    }
}
