//! The session's cookie.

use std::fmt;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use turnpike_domain::ports::Entropy;
use turnpike_domain::{Error, Timestamp};
use zeroize::Zeroizing;

use crate::origin::Origin;
use crate::seal::{SealKeys, Sealer};

/// 256 bits: nobody guesses one.
pub(crate) const SECRET_BYTES: usize = 32;
/// The secret, and when it ends in milliseconds.
const CONTENT_BYTES: usize = SECRET_BYTES + 8;

/// Makes and reads cookies of one gateway.
pub(super) struct Cookies {
    name: String,
    sealer: Sealer,
}

/// What a request brought under our cookie's name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cookie<'a> {
    /// Nothing.
    Absent,
    /// One value.
    One(&'a str),
    /// More than one: somebody else has set one of them, and nobody can tell which.
    Several,
}

impl Cookies {
    pub(super) fn new(origin: &Origin, keys: SealKeys) -> Self {
        // Browsers that know the prefix take such a cookie from us alone: not from a script, not from another host
        // (RFC 6265bis, "The __Host-Http- prefix"); those that do not know it see `__Host-`. Cookies know no
        // ports: without one in the name two gateways on a machine would overwrite each other's.
        let name = format!("__Host-Http-turnpike-{}", origin.port());
        Self { sealer: Sealer::new(keys, name.clone()), name }
    }

    /// The header that gives a browser this secret until it ends.
    pub(super) fn set(
        &self,
        secret: &[u8; SECRET_BYTES],
        expire_time: Timestamp,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<HeaderValue, Error> {
        let mut content = Zeroizing::new([0u8; CONTENT_BYTES]);
        content[..SECRET_BYTES].copy_from_slice(secret);
        content[SECRET_BYTES..].copy_from_slice(&expire_time.millis().to_be_bytes());
        let sealed = self.sealer.seal(content.as_ref(), entropy)?;
        let left = (expire_time.millis() - now.millis()) / 1000;
        Ok(self.header(&format!("{sealed}; Max-Age={left}")))
    }

    /// The header that makes a browser forget it.
    pub(super) fn clearing(&self) -> HeaderValue {
        self.header("; Max-Age=0")
    }

    /// The secret in a value, if we sealed it and it has not ended.
    pub(super) fn open(
        &self,
        value: &str,
        now: Timestamp,
    ) -> Option<Zeroizing<[u8; SECRET_BYTES]>> {
        let content = Zeroizing::new(self.sealer.open(value)?);
        let (secret, end) = content.split_at_checked(SECRET_BYTES)?;
        let end = Timestamp::from_millis(i64::from_be_bytes(end.try_into().ok()?));
        let secret = Zeroizing::new(<[u8; SECRET_BYTES]>::try_from(secret).ok()?);
        (now < end).then_some(secret)
    }

    /// The cookie of ours among `headers`.
    pub(super) fn find<'a>(&self, headers: &'a HeaderMap) -> Cookie<'a> {
        let mut found = Cookie::Absent;
        for (name, value) in pairs(headers) {
            if name == self.name.as_bytes() {
                if found != Cookie::Absent {
                    return Cookie::Several;
                }
                found = Cookie::One(value);
            }
        }
        found
    }

    /// Name, value and attributes are ASCII by construction.
    fn header(&self, value_and_age: &str) -> HeaderValue {
        let text = format!("{}={value_and_age}; Path=/; Secure; HttpOnly; SameSite=Lax", self.name);
        let value = HeaderValue::try_from(text);
        let mut value = value.unwrap_or_else(|_| HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cookies").field(&self.name).finish()
    }
}

/// The cookies of a request (RFC 6265 section 4.2.1). Other sites of this machine may have set some with any bytes:
/// theirs do not hide ours.
pub(crate) fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &str)> {
    let lists = headers.get_all(COOKIE).iter();
    lists.flat_map(|list| list.as_bytes().split(|byte| *byte == b';')).filter_map(|pair| {
        let pair = pair.trim_ascii();
        let (name, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
        Some((name, std::str::from_utf8(&value[1..]).unwrap_or_default()))
    })
}
