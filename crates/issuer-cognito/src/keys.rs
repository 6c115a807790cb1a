//! The pool's keys: fetched, checked, and kept for as long as there are no newer ones.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Request, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;
use turnpike_domain::Error;

use crate::fetch::Fetcher;
use crate::settings::{OpenError, Settings};

const MAX_BYTES: usize = 256 * 1024;
/// How old a set may be before it is asked for again.
const FRESH: Duration = Duration::from_secs(300);
/// At most one fetch in this time after one that failed, and for keys that are not known.
const APART: Duration = Duration::from_secs(10);
/// Keys of a pool: two, and for a while those before them.
const MOST_KEYS: usize = 100;
/// An emulator's key, the same in all of its installations: everybody has its private half.
const PUBLIC_SECRET: &str = "dummy";
/// RSA keys of less than 2,048 bits.
const LEAST_MODULUS: usize = 256;

/// The keys that are known.
pub(crate) struct KeySet {
    fetcher: Fetcher,
    state: Mutex<State>,
    published: watch::Sender<Arc<str>>,
    /// One fetch at a time.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    /// When a fetch last began, whatever came of it.
    tried: Option<Instant>,
    /// When one last began for the sake of a key that was not known. A token's author chooses its key id,
    /// and must not choose how often we fetch.
    wanted: Option<Instant>,
}

#[derive(Clone)]
struct Known {
    jwks: Arc<str>,
    key_ids: Arc<[String]>,
    fetched: Instant,
}

/// As it is published, unknown members left out.
#[derive(Deserialize)]
struct Published {
    keys: Vec<serde_json::Value>,
}

/// What is kept of a key: public members only.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Jwk {
    alg: String,
    e: String,
    kid: String,
    kty: String,
    n: String,
    #[serde(rename = "use")]
    purpose: String,
}

impl Jwk {
    fn signs(&self) -> bool {
        let Self { alg, e: _, kid, kty, n, purpose } = self;
        let large = URL_SAFE_NO_PAD.decode(n).is_ok_and(|n| n.len() >= LEAST_MODULUS);
        let named = !kid.is_empty() && kid != PUBLIC_SECRET;
        kty == "RSA" && alg == "RS256" && purpose == "sig" && large && named
    }
}

impl KeySet {
    pub(crate) fn new(settings: &Settings) -> Result<Self, OpenError> {
        let fetcher = Fetcher::new(
            "jwks_uri",
            &settings.jwks_uri,
            settings.insecure_http,
            settings.timeouts.keys,
            MAX_BYTES,
        )?;
        let (published, _) = watch::channel(r#"{"keys":[]}"#.into());
        Ok(Self {
            fetcher,
            state: Mutex::default(),
            published,
            fetching: tokio::sync::Mutex::new(()),
        })
    }

    /// The keys, fetched a short while ago; or the last ones there were, if there is no answer.
    pub(crate) async fn fresh(&self) -> Result<Arc<str>, Error> {
        let known = self.known();
        if let Some(known) = known.as_ref().filter(|known| known.fetched.elapsed() < FRESH) {
            return Ok(known.jwks.clone());
        }
        // Whoever has keys does not stand in line for newer ones.
        let fetching = match (self.fetching.try_lock(), &known) {
            (Ok(fetching), _) => fetching,
            (Err(_), Some(known)) => return Ok(known.jwks.clone()),
            (Err(_), None) => self.fetching.lock().await,
        };
        let now = self.known();
        if let Some(known) = now.as_ref().filter(|known| known.fetched.elapsed() < FRESH) {
            return Ok(known.jwks.clone());
        }
        let failed = if known.is_some() && lately(self.state().tried) {
            None
        } else {
            self.fetch().await.err()
        };
        drop(fetching);
        match (self.known(), failed) {
            (Some(known), _) => Ok(known.jwks),
            (None, Some(error)) => Err(error),
            (None, None) => Err(Error::Unavailable("no keys were fetched".into())),
        }
    }

    /// Fetches now; says whether the keys are other ones.
    pub(crate) async fn refresh(&self) -> Result<bool, Error> {
        let _fetching = self.fetching.lock().await;
        self.fetch().await
    }

    /// Fetches if that may bring the key of this id; says whether it is there.
    pub(crate) async fn want(&self, key_id: &str) -> bool {
        if self.has(key_id) {
            return true;
        }
        let _fetching = self.fetching.lock().await;
        if !self.has(key_id) && !lately(self.state().wanted) {
            self.state().wanted = Some(Instant::now());
            // What failed is in the log, and the keys that were known stay.
            let _ = self.fetch().await;
        }
        self.has(key_id)
    }

    pub(crate) fn changed(&self) -> watch::Receiver<Arc<str>> {
        self.published.subscribe()
    }

    async fn fetch(&self) -> Result<bool, Error> {
        self.state().tried = Some(Instant::now());
        let fetched = self.ask().await;
        let (jwks, key_ids) = fetched.inspect_err(|error| {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error = error.source().unwrap_or(error), "cognito.keys_not_fetched");
        })?;
        let known = Known { jwks: jwks.clone(), key_ids, fetched: Instant::now() };
        let before = self.state().known.replace(known);
        self.published.send_if_modified(|published| {
            let differs = *published != jwks;
            if differs {
                *published = jwks.clone();
            }
            differs
        });
        Ok(before.is_none_or(|before| before.jwks != jwks))
    }

    async fn ask(&self) -> Result<(Arc<str>, Arc<[String]>), Error> {
        let request = Request::new(Default::default());
        let answer = self.fetcher.send(request).await;
        let answer = answer.map_err(|error| Error::Unavailable(error.into()))?;
        if answer.status != StatusCode::OK {
            let words = format!("the key set: HTTP {}", answer.status.as_u16());
            return Err(Error::Unavailable(words.into()));
        }
        read(&answer.body).map_err(|words| Error::Unavailable(words.into()))
    }

    fn has(&self, key_id: &str) -> bool {
        self.known().is_some_and(|known| known.key_ids.iter().any(|known| known == key_id))
    }

    fn known(&self) -> Option<Known> {
        self.state().known.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether that was too short a while ago.
fn lately(then: Option<Instant>) -> bool {
    then.is_some_and(|then| then.elapsed() < APART)
}

/// The keys of a set that tokens may be signed with. Others are left out (RFC 7517 section 5), and so are
/// two keys of one id, since a token could mean either. A set without any is none.
fn read(body: &[u8]) -> Result<(Arc<str>, Arc<[String]>), &'static str> {
    let Published { keys } = serde_json::from_slice(body).map_err(|_| "the key set is none")?;
    if keys.len() > MOST_KEYS {
        return Err("the key set has too many keys");
    }
    let keys = keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    let mut taken: Vec<Jwk> = keys.filter(Jwk::signs).collect();
    // In one order, so that a set that is published in another does not seem to be another.
    taken.sort();
    taken.dedup();
    let ids: Vec<String> = taken.iter().map(|key| key.kid.clone()).collect();
    taken.retain(|key| ids.iter().filter(|id| **id == key.kid).count() == 1);
    if taken.is_empty() {
        return Err("the key set has no key that signs");
    }
    let jwks = serde_json::json!({ "keys": taken }).to_string();
    Ok((jwks.into(), taken.into_iter().map(|key| key.kid).collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn key(kid: &str) -> Value {
        let n = URL_SAFE_NO_PAD.encode([0xAB; 256]);
        json!({ "alg": "RS256", "e": "AQAB", "kid": kid, "kty": "RSA", "n": n, "use": "sig" })
    }

    fn with(mut key: Value, member: &str, value: Value) -> Value {
        key[member] = value;
        key
    }

    fn set(keys: Vec<Value>) -> Result<Vec<String>, &'static str> {
        read(json!({ "keys": keys }).to_string().as_bytes()).map(|(_, ids)| ids.to_vec())
    }

    #[test]
    fn only_keys_that_sign_are_taken() {
        let others = vec![
            with(key("enc"), "use", json!("enc")),
            with(key("ec"), "kty", json!("EC")),
            with(key("hs"), "alg", json!("HS256")),
            with(key("small"), "n", json!(URL_SAFE_NO_PAD.encode([0xAB; 128]))),
            with(key(""), "x", json!(1)),
            json!({ "kty": "OKP", "kid": "o" }),
            json!("nonsense"),
        ];
        assert_eq!(set(others.clone()), Err("the key set has no key that signs"));
        let mixed = others.into_iter().chain([key("b"), key("a")]).collect();
        assert_eq!(set(mixed), Ok(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn what_cannot_be_trusted_is_left_out() {
        let other = with(key("a"), "n", json!(URL_SAFE_NO_PAD.encode([0xCD; 256])));
        assert!(set(vec![key("a"), other.clone()]).is_err(), "a token could mean either");
        assert_eq!(set(vec![key("a"), other, key("b")]), Ok(vec!["b".to_owned()]));
        assert_eq!(set(vec![key("a"), key("a")]), Ok(vec!["a".to_owned()]), "one key twice is one");
        assert!(set(vec![key("dummy")]).is_err());
        assert_eq!(set(vec![key("a"), key("dummy")]), Ok(vec!["a".to_owned()]));
        assert!(set((0..101).map(|n| key(&n.to_string())).collect()).is_err());
        assert!(read(b"<html>").is_err());
    }

    #[test]
    fn private_members_are_not_passed_on() {
        let (jwks, _) =
            read(json!({ "keys": [with(key("a"), "d", json!("private"))] }).to_string().as_bytes())
                .unwrap();
        assert!(!jwks.contains("private"));
    }
}
