//! The issuer's public keys: a set that never changes, and the handle under which a verifier always
//! finds the newest one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::base64url;
use crate::json::{self, Limits, Members, Value};
use crate::key::{PublicKey, Unusable};

/// Structure of a JWK set. Size is for whoever fetched it to bound.
const LIMITS: Limits = Limits { depth: 8, members: 64 };
/// Keys of one set. Issuers have a handful.
const MAX_KEYS: usize = 128;
/// Bytes of a key id, here and in a token's header.
pub(crate) const MAX_KEY_ID: usize = 256;

/// The text is not a JWK set (RFC 7517 section 5) that can be used at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a JWK set")]
pub struct NotAKeySet;

/// The usable keys of a JWK set. Immutable: a new set of the issuer is a new value.
#[derive(Debug, Default, PartialEq)]
pub struct KeySet {
    /// Few, so a search beats a map.
    keys: Vec<Arc<PublicKey>>,
    skipped: Vec<SkippedKey>,
}

/// A key of a JWK set that no token is verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedKey {
    /// Its `kid`, when it has one of a sane length.
    pub key_id: Option<String>,
    /// Why.
    pub reason: Unusable,
}

impl KeySet {
    /// Reads a JWK set, as an issuer publishes it at its `jwks_uri`.
    ///
    /// Kept are RSA keys for `RS256` and P-256 keys for `ES256` that have a `kid`. A key without
    /// `alg` is for the one algorithm that its type has here, a key without `use` for signatures.
    /// Everything else is left out, see [`KeySet::skipped`]: a set with one strange key must not
    /// stop a rotation. Unknown members are ignored (RFC 7517 section 4). Two different keys with
    /// one `kid` are both left out, since a token could mean either; the same key twice is one.
    ///
    /// # Errors
    ///
    /// When the text is not JSON, has two members of one name in one object, has no array `keys`,
    /// or has more than 128 keys.
    pub fn from_jwks(text: &str) -> Result<Self, NotAKeySet> {
        let members = json::object(text, LIMITS).map_err(|_| NotAKeySet)?;
        let Some((_, Value::Array(list))) = members.into_iter().find(|(name, _)| name == "keys")
        else {
            return Err(NotAKeySet);
        };
        let list = json::array(list, LIMITS).map_err(|_| NotAKeySet)?;
        if list.len() > MAX_KEYS {
            return Err(NotAKeySet);
        }
        let mut set = Self::default();
        let mut ambiguous: Vec<Arc<str>> = Vec::new();
        for entry in list {
            let Value::Object(entry) = entry else { return Err(NotAKeySet) };
            let jwk = Jwk(json::object(entry, LIMITS).map_err(|_| NotAKeySet)?);
            match jwk.parse() {
                Ok(key) => match set.find(key.id()) {
                    Some(same) if **same == key => {}
                    Some(_) => ambiguous.push(key.id().clone()),
                    None => set.keys.push(Arc::new(key)),
                },
                Err(reason) => {
                    set.skipped.push(SkippedKey { key_id: jwk.id().map(Into::into), reason });
                }
            }
        }
        for id in ambiguous {
            set.keys.retain(|key| *key.id() != id);
            let reason = Unusable::AmbiguousKeyId;
            set.skipped.push(SkippedKey { key_id: Some((*id).into()), reason });
        }
        Ok(set)
    }

    /// The ids of the usable keys, in the order of the set.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| &**key.id())
    }

    /// Whether no key is usable.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Keys of the text that are not used, and why; worth a line in a log.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Arc<PublicKey>> {
        self.keys.iter().find(|key| **key.id() == *id)
    }
}

/// One entry of `keys`.
struct Jwk<'a>(Members<'a>);

impl Jwk<'_> {
    fn get(&self, name: &str) -> Option<&Value<'_>> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    /// `None` when absent; an error when it is something else than a string.
    fn text(&self, name: &str) -> Result<Option<&str>, Unusable> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Unusable::Malformed),
        }
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, Unusable> {
        let text = self.text(name)?.ok_or(Unusable::Malformed)?;
        base64url::decode(text).map_err(|_| Unusable::Malformed)
    }

    fn id(&self) -> Option<&str> {
        self.text("kid").ok().flatten().filter(|id| !id.is_empty() && id.len() <= MAX_KEY_ID)
    }

    fn parse(&self) -> Result<PublicKey, Unusable> {
        // RFC 7518 sections 6.2.2, 6.3.2 and 6.4: the members that only a holder may know.
        let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        if private.iter().any(|name| self.get(name).is_some()) || self.text("kty")? == Some("oct") {
            return Err(Unusable::Private);
        }
        let id = self.id().ok_or(Unusable::NoKeyId)?;
        if self.text("use")?.is_some_and(|purpose| purpose != "sig") || !self.may_verify()? {
            return Err(Unusable::Unsupported);
        }
        match (self.text("kty")?, self.text("alg")?) {
            (Some("RSA"), None | Some("RS256")) => {
                PublicKey::rsa(id, &self.bytes("n")?, &self.bytes("e")?)
            }
            (Some("EC"), None | Some("ES256")) if self.text("crv")? == Some("P-256") => {
                PublicKey::p256(id, &self.bytes("x")?, &self.bytes("y")?)
            }
            (Some(_), _) => Err(Unusable::Unsupported),
            (None, _) => Err(Unusable::Malformed),
        }
    }

    /// RFC 7517 section 4.3: `key_ops`, when present, lists what the key is for.
    fn may_verify(&self) -> Result<bool, Unusable> {
        match self.get("key_ops") {
            None => Ok(true),
            Some(Value::Array(list)) => {
                let list = json::array(list, LIMITS).map_err(|_| Unusable::Malformed)?;
                Ok(list.contains(&Value::String("verify".into())))
            }
            Some(_) => Err(Unusable::Malformed),
        }
    }
}

/// A handle to the current [`KeySet`] of an issuer. Clones share it: give one to a verifier, keep
/// one, and [replace](Keys::replace) the set when it changes.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Counts the changes of `set`; verdicts of an older generation are not trusted.
    generation: AtomicU64,
    set: RwLock<Arc<KeySet>>,
}

impl Keys {
    /// A handle whose first set is `set`.
    #[must_use]
    pub fn new(set: KeySet) -> Self {
        let keys = Self::default();
        keys.replace(set);
        keys
    }

    /// Makes `set` the current one, for every verifier that shares this handle, from its next call
    /// on. Says whether it differs from the set before; cached verdicts are dropped only then.
    pub fn replace(&self, set: KeySet) -> bool {
        let mut current = self.shared.set.write().unwrap_or_else(PoisonError::into_inner);
        if **current == set {
            return false;
        }
        *current = Arc::new(set);
        // After the set: whoever sees the new generation also sees the new set.
        self.shared.generation.fetch_add(1, Ordering::Release);
        true
    }

    /// The set as it is now.
    #[must_use]
    pub fn current(&self) -> Arc<KeySet> {
        self.shared.set.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }
}
