//! Who is at the other end of a connection, told by the gateway to a service behind it.
//!
//! A service sees the gateway at the other end of all of its connections, and slows down who guesses secrets by address.
//! So the gateway says which address a request came from, in a header that it removes from what comes from outside, and
//! that a service believes only with a code over it. The key of the code is one of the installation, which nobody has
//! who cannot read its store.

use std::fmt;
use std::net::IpAddr;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderName, HeaderValue};
use turnpike_domain::{Error, Timestamp};
use turnpike_registry::Registry;

/// The header.
pub const HEADER: HeaderName = HeaderName::from_static("x-turnpike-peer");

/// For how long a service believes it, and how far two clocks may differ, in seconds.
const LIFE_SECONDS: i64 = 60;

/// Says where a request came from, and believes what it said. Clones share the key; it shows nothing of it.
#[derive(Clone)]
pub struct PeerSeal(hmac::Key);

impl PeerSeal {
    /// With the key of the installation.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn of(registry: &Registry) -> Result<Self, Error> {
        Ok(Self::new(&registry.system_key("peer-address").await?))
    }

    /// With this key.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, key))
    }

    /// What to send for a request that came from `peer` now.
    pub fn write(&self, peer: IpAddr, now: Timestamp) -> Option<HeaderValue> {
        let said = said(peer, now.seconds());
        let code = URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, said.as_bytes()));
        let mut value = HeaderValue::try_from(format!("{said} {code}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Where a request came from, if the gateway said so a moment ago.
    pub fn read(&self, value: &HeaderValue, now: Timestamp) -> Option<IpAddr> {
        let (said, code) = value.to_str().ok()?.rsplit_once(' ')?;
        let code = URL_SAFE_NO_PAD.decode(code).ok()?;
        hmac::verify(&self.0, said.as_bytes(), &code).ok()?;
        let (peer, seconds) = said.split_once(' ')?;
        let seconds: i64 = seconds.parse().ok()?;
        (now.seconds().abs_diff(seconds) <= LIFE_SECONDS.unsigned_abs()).then_some(())?;
        peer.parse().ok()
    }
}

impl fmt::Debug for PeerSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerSeal(..)")
    }
}

fn said(peer: IpAddr, seconds: i64) -> String {
    format!("{peer} {seconds}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_gateway_says_is_believed_for_a_moment() {
        let (seal, now) = (PeerSeal::new(&[7; 32]), Timestamp::from_seconds(1_800_000_000));
        for peer in ["203.0.113.9", "2001:db8::9"] {
            let peer: IpAddr = peer.parse().unwrap();
            let value = seal.write(peer, now).unwrap();
            assert_eq!(seal.read(&value, now), Some(peer));
            assert_eq!(seal.read(&value, now.plus_seconds(60)), Some(peer));
            assert_eq!(seal.read(&value, now.plus_seconds(-60)), Some(peer));
            assert_eq!(seal.read(&value, now.plus_seconds(61)), None);
            assert_eq!(PeerSeal::new(&[8; 32]).read(&value, now), None);
        }
    }

    #[test]
    fn what_others_say_is_not_believed() {
        let (seal, now) = (PeerSeal::new(&[7; 32]), Timestamp::from_seconds(1_800_000_000));
        let value = seal.write(IpAddr::from([203, 0, 113, 9]), now).unwrap();
        let good = value.to_str().unwrap();
        let other = |text: String| seal.read(&HeaderValue::try_from(text).unwrap(), now);
        for text in [
            String::new(),
            "203.0.113.9".to_owned(),
            "203.0.113.9 1800000000".to_owned(),
            "203.0.113.9 1800000000 ".to_owned(),
            good.replacen("203", "204", 1),
            good.replacen("18", "17", 1),
            format!(" {good}"),
            format!("{good}A"),
            good.rsplit_once(' ').unwrap().1.to_owned(),
        ] {
            assert_eq!(other(text.clone()), None, "{text}");
        }
        assert!(other(good.to_owned()).is_some());
        assert_eq!(format!("{seal:?}"), "PeerSeal(..)");
    }
}
