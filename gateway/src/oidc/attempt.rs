//! One attempt to sign in: what has to come back, kept by the browser in a sealed cookie of its own until it does.
//!
//! Nothing of an attempt is in the store before it comes back: whoever asks for the login page writes nothing there. That
//! it came back is noted there, so that it does so once, whatever gateway it comes back to.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use turnpike_domain::ports::Entropy;
use turnpike_domain::{Error, Timestamp};

use crate::origin::Origin;
use crate::seal::{SealKeys, Sealer};
use crate::session::pairs;

/// How long a person may take at the directory.
pub(super) const LIFETIME_SECONDS: i64 = 600;
/// How many attempts a browser may have open: one a tab. Beyond it the others are forgotten.
const OPEN_MAX: usize = 8;

/// An attempt. It shows nothing of itself.
#[derive(Serialize, Deserialize)]
pub(super) struct Attempt {
    /// What the answer has to repeat (RFC 6749 section 10.12).
    pub(super) state: String,
    /// What the ID token has to repeat.
    pub(super) nonce: String,
    /// What redeems the code (RFC 7636).
    pub(super) verifier: String,
    /// Where the person wanted to go.
    pub(super) return_to: String,
    /// When it ends, in milliseconds.
    expires: i64,
}

/// Seals attempts into cookies, and finds them again.
pub(super) struct Attempts {
    prefix: String,
    keys: SealKeys,
}

impl Attempts {
    pub(super) fn new(origin: &Origin, keys: SealKeys) -> Self {
        // See the session's cookie for the prefix and the port.
        Self { prefix: format!("__Host-Http-turnpike-login-{}-", origin.port()), keys }
    }

    /// A new attempt, and the cookies that keep it.
    pub(super) fn begin(
        &self,
        return_to: String,
        headers: &HeaderMap,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<(Attempt, Vec<HeaderValue>), Error> {
        let attempt = Attempt {
            state: random(entropy),
            nonce: random(entropy),
            verifier: random(entropy),
            return_to,
            expires: now.plus_seconds(LIFETIME_SECONDS).millis(),
        };
        let mut cookies = Vec::new();
        let open: Vec<&str> = self.names(headers).collect();
        if open.len() >= OPEN_MAX {
            cookies.extend(open.into_iter().map(|name| header(name, "", 0)));
        }
        let name = self.name(&attempt.state);
        let plain = Zeroizing::new(serde_json::to_vec(&attempt).map_err(Error::internal)?);
        let sealed = Sealer::new(self.keys.clone(), name.clone()).seal(&plain, entropy)?;
        cookies.push(header(&name, &sealed, LIFETIME_SECONDS));
        Ok((attempt, cookies))
    }

    /// The attempt with this state that the browser of a request has, if its time is not over.
    pub(super) fn find(&self, state: &str, headers: &HeaderMap, now: Timestamp) -> Option<Attempt> {
        let name = self.name(state);
        let mut values = pairs(headers).filter(|(found, _)| *found == name.as_bytes());
        let (_, value) = values.next()?;
        // Two of one name: somebody else has set one of them.
        if values.next().is_some() {
            return None;
        }
        let plain = Zeroizing::new(Sealer::new(self.keys.clone(), name).open(value)?);
        let attempt: Attempt = serde_json::from_slice(&plain).ok()?;
        let same = verify_slices_are_equal(attempt.state.as_bytes(), state.as_bytes()).is_ok();
        (same && now.millis() < attempt.expires).then_some(attempt)
    }

    /// Makes a browser forget the attempt with this state.
    pub(super) fn forgetting(&self, state: &str) -> HeaderValue {
        header(&self.name(state), "", 0)
    }

    /// The names of our attempts among the cookies of a request.
    fn names<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let names = pairs(headers).filter_map(|(name, _)| std::str::from_utf8(name).ok());
        names.filter(|name| {
            name.strip_prefix(&self.prefix).is_some_and(|rest| {
                rest.len() == 22
                    && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
            })
        })
    }

    /// The cookie of a state: by its hash, since what a stranger sends as a state is of any length and any characters.
    fn name(&self, state: &str) -> String {
        let hash = digest::digest(&digest::SHA256, state.as_bytes());
        format!("{}{}", self.prefix, URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]))
    }
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attempts").field(&self.prefix).finish()
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("return_to", &self.return_to).finish_non_exhaustive()
    }
}

/// 256 bits as 43 characters that need no escape: also what RFC 7636 section 4.1 takes as a verifier.
fn random(entropy: &dyn Entropy) -> String {
    let mut bytes = Zeroizing::new([0u8; 32]);
    entropy.fill(bytes.as_mut());
    URL_SAFE_NO_PAD.encode(bytes.as_ref())
}

/// Lax, not Strict: the answer is a navigation that another site begins.
fn header(name: &str, value: &str, seconds: i64) -> HeaderValue {
    let text = format!("{name}={value}; Max-Age={seconds}; Path=/; Secure; HttpOnly; SameSite=Lax");
    let mut value = HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::FakeEntropy;
    use crate::seal::SealKey;

    fn attempts(key: u8) -> Attempts {
        let keys = SealKeys::new(&[SealKey::new([key; 32])]).unwrap();
        Attempts::new(&Origin::parse("http://127.0.0.1:8080").unwrap(), keys)
    }

    fn sent(cookies: &[HeaderValue]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            headers.append("cookie", HeaderValue::try_from(pair).unwrap());
        }
        headers
    }

    #[test]
    fn an_attempt_comes_back_by_its_state_and_its_cookie() {
        let (attempts, entropy) = (attempts(1), FakeEntropy::default());
        let now = Timestamp::from_seconds(1_800_000_000);
        let begin = || attempts.begin("/a".to_owned(), &HeaderMap::new(), now, &entropy).unwrap();
        let ((one, cookies), (two, others)) = (begin(), begin());
        assert!(one.state != two.state && one.nonce != one.state && one.verifier != one.nonce);
        assert_eq!(one.verifier.len(), 43);
        let text = cookies[0].to_str().unwrap();
        assert!(text.starts_with("__Host-Http-turnpike-login-8080-"), "{text}");
        assert!(text.ends_with("; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax"), "{text}");
        for secret in [&one.state, &one.nonce, &one.verifier] {
            assert!(
                !text.contains(secret.as_str()) && !format!("{one:?}").contains(secret.as_str())
            );
        }
        let both = sent(&[cookies[0].clone(), others[0].clone()]);
        assert_eq!(attempts.find(&one.state, &both, now).unwrap().nonce, one.nonce);
        assert_eq!(attempts.find(&two.state, &both, now).unwrap().nonce, two.nonce);
        // Without the cookie, with another's, with both of one name, of another gateway, too late.
        assert!(attempts.find(&one.state, &HeaderMap::new(), now).is_none());
        assert!(attempts.find(&one.state, &sent(&others), now).is_none());
        let twice = sent(&[cookies[0].clone(), cookies[0].clone()]);
        assert!(attempts.find(&one.state, &twice, now).is_none());
        assert!(self::attempts(2).find(&one.state, &both, now).is_none());
        let almost = now.plus_seconds(LIFETIME_SECONDS).plus_millis(-1);
        assert!(attempts.find(&one.state, &both, almost).is_some());
        let late = now.plus_seconds(LIFETIME_SECONDS);
        assert!(attempts.find(&one.state, &both, late).is_none());
        // The content of one under the name of the other.
        let (name, _) = others[0].to_str().unwrap().split_once('=').unwrap();
        let (_, value) = cookies[0].to_str().unwrap().split_once('=').unwrap();
        let moved = HeaderValue::try_from(format!("{name}={value}")).unwrap();
        assert!(attempts.find(&two.state, &sent(&[moved]), now).is_none());
    }

    #[test]
    fn a_browser_keeps_a_few() {
        let (attempts, entropy) = (attempts(1), FakeEntropy::default());
        let now = Timestamp::from_seconds(1_800_000_000);
        let mut held: Vec<HeaderValue> = Vec::new();
        for n in 0..OPEN_MAX {
            let set = attempts.begin("/".to_owned(), &sent(&held), now, &entropy).unwrap().1;
            assert_eq!(set.len(), 1, "{n}");
            held.extend(set);
        }
        let (attempt, set) = attempts.begin("/".to_owned(), &sent(&held), now, &entropy).unwrap();
        assert_eq!(set.len(), OPEN_MAX + 1);
        let cleared = set.iter().filter(|c| c.to_str().unwrap().contains("=; Max-Age=0"));
        assert_eq!(cleared.count(), OPEN_MAX);
        assert!(attempts.find(&attempt.state, &sent(&set[OPEN_MAX..]), now).is_some());
        let forgotten = attempts.forgetting(&attempt.state);
        let name = set[OPEN_MAX].to_str().unwrap().split('=').next().unwrap();
        assert!(forgotten.to_str().unwrap().starts_with(&format!("{name}=; Max-Age=0")));
    }
}
