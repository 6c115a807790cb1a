//! Verdicts that were reached before, so that a token's signature is checked once and not per call.
//!
//! Only tokens with a good signature and good claims get in, so nobody fills the cache who cannot
//! get tokens from the issuer. What may change meanwhile is checked again on each hit by the
//! verifier: times, the generation of the keys, the policy's epoch, the scopes needed.
//!
//! There is no cache of refused tokens. Whoever sends garbage sends different garbage each time,
//! so it would only add a lookup; and a token that is refused by the policy or has expired since
//! stays in this cache and is refused from it.
//!
//! Each shard has two halves. Entries go to the young one and, when found in the old one, move to
//! the young one; a full young half becomes the old one and the old one is dropped. That keeps what
//! is in use, bounds entries and bytes, and needs no list to maintain on each hit.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use crate::claims::Claims;
use crate::verdict::Decision;

/// How a verifier remembers verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerdictCache {
    entries: usize,
    bytes: usize,
    by: By,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Digest,
    Token,
}

impl VerdictCache {
    /// Remembers the token itself. The fastest, and the tokens stay in memory for a while.
    #[must_use]
    pub const fn by_token() -> Self {
        Self { entries: 10_000, bytes: 16 << 20, by: By::Token }
    }

    /// Remembers the SHA-256 of the token, where policy forbids to keep tokens. A hit costs one
    /// hash more, about half a microsecond.
    #[must_use]
    pub const fn by_digest() -> Self {
        Self { entries: 10_000, bytes: 16 << 20, by: By::Digest }
    }

    /// None: each call checks the signature.
    #[must_use]
    pub const fn off() -> Self {
        Self { entries: 0, bytes: 0, by: By::Token }
    }

    /// At most this many tokens; 10,000 unless told. Below 2 there is no cache.
    #[must_use]
    pub const fn entries(mut self, entries: usize) -> Self {
        self.entries = entries;
        self
    }

    /// At most about this many bytes; 16 MiB unless told.
    #[must_use]
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }
}

/// What is remembered of a token.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) claims: Arc<Claims>,
    pub(crate) decision: Decision,
    /// Of the keys, when the signature was checked.
    pub(crate) generation: u64,
}

pub(crate) struct Cache {
    by: By,
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
    /// Of one half of one shard.
    max_entries: usize,
    max_bytes: usize,
}

/// A token, prepared for lookup.
pub(crate) struct Probe<'t> {
    hash: u64,
    key: Key<'t>,
}

enum Key<'t> {
    Digest([u8; 32]),
    Token(&'t [u8]),
}

impl Key<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Key::Digest(bytes) => bytes,
            Key::Token(bytes) => bytes,
        }
    }
}

#[derive(Default)]
struct Shard {
    young: Half,
    young_bytes: usize,
    old: Half,
}

/// By the hash of the probe. Should two tokens ever share one, the newer takes the place.
type Half = HashMap<u64, Entry, BuildHasherDefault<Unhashed>>;

struct Entry {
    key: Box<[u8]>,
    known: Known,
}

impl Entry {
    fn bytes(&self) -> usize {
        // The map's own slot, a control byte and the spare room of its growth included.
        2 * (size_of::<Self>() + 9) + self.key.len() + self.known.claims.heap_bytes()
    }
}

impl Cache {
    /// `None` when the settings leave no room.
    pub(crate) fn new(settings: VerdictCache) -> Option<Self> {
        let VerdictCache { entries, bytes, by } = settings;
        if entries < 2 || bytes == 0 {
            return None;
        }
        // Shards are against waiting, and pay off when each has some room.
        let shards = (entries / 64).clamp(1, 16);
        Some(Self {
            by,
            hasher: RandomState::new(),
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            max_entries: entries / (2 * shards),
            max_bytes: bytes / (2 * shards),
        })
    }

    /// Hashes the end of the token only: that is its signature, which no holder of a token chooses,
    /// and a lookup compares the whole key anyway.
    pub(crate) fn probe<'t>(&self, token: &'t str) -> Probe<'t> {
        let token = token.as_bytes();
        match self.by {
            By::Digest => {
                let mut bytes = [0; 32];
                bytes.copy_from_slice(digest(&SHA256, token).as_ref());
                Probe { hash: self.hasher.hash_one(bytes), key: Key::Digest(bytes) }
            }
            By::Token => {
                let tail = token.get(token.len().saturating_sub(43)..).unwrap_or_default();
                Probe { hash: self.hasher.hash_one(tail), key: Key::Token(token) }
            }
        }
    }

    pub(crate) fn find(&self, probe: &Probe<'_>) -> Option<Known> {
        let mut shard = self.shard(probe);
        let key = probe.key.bytes();
        if let Some(entry) = shard.young.get(&probe.hash)
            && *entry.key == *key
        {
            return Some(entry.known.clone());
        }
        if shard.old.get(&probe.hash).is_none_or(|entry| *entry.key != *key) {
            return None;
        }
        let entry = shard.old.remove(&probe.hash)?;
        let known = entry.known.clone();
        self.put(&mut shard, probe.hash, entry);
        Some(known)
    }

    /// Adds a token, or what is newly known of it.
    pub(crate) fn insert(&self, probe: &Probe<'_>, known: Known) {
        let entry = Entry { key: probe.key.bytes().into(), known };
        self.put(&mut self.shard(probe), probe.hash, entry);
    }

    fn put(&self, shard: &mut Shard, hash: u64, entry: Entry) {
        let bytes = entry.bytes();
        if bytes > self.max_bytes {
            return;
        }
        if let Some(replaced) = shard.young.remove(&hash) {
            shard.young_bytes -= replaced.bytes();
        }
        if shard.young.len() >= self.max_entries || shard.young_bytes + bytes > self.max_bytes {
            shard.old = std::mem::take(&mut shard.young);
            shard.young_bytes = 0;
        }
        shard.young_bytes += bytes;
        shard.young.insert(hash, entry);
    }

    fn shard(&self, probe: &Probe<'_>) -> MutexGuard<'_, Shard> {
        // Bits that the map does not lean on: it takes the lowest and the highest ones.
        let index = (probe.hash >> 32) as usize % self.shards.len();
        // Nothing in here panics half-way; a poisoned shard is as good as any.
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes on a key that is a hash already.
#[derive(Default)]
struct Unhashed(u64);

impl Hasher for Unhashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::ScopeList;

    fn known(client_id: &str) -> Known {
        let scopes = ScopeList::parse("api/read").expect("a scope");
        let decision = Decision { epoch: 0, until: i64::MAX, outcome: Ok(scopes.all()) };
        let claims = Claims {
            auth_time: None,
            client_id: client_id.into(),
            expires_at: 2,
            issued_at: 1,
            issuer: "issuer".into(),
            jti: "jti".into(),
            key_id: "key".into(),
            not_before: None,
            scopes,
        };
        Known { claims: claims.into(), decision, generation: 0 }
    }

    fn token(i: usize) -> String {
        format!("{}{i:043}", "x".repeat(600))
    }

    fn finds(cache: &Cache, token: &str) -> Option<String> {
        cache.find(&cache.probe(token)).map(|known| known.claims.client_id.to_string())
    }

    fn count(cache: &Cache) -> usize {
        let size = |shard: &Mutex<Shard>| {
            let shard = shard.lock().expect("not poisoned");
            shard.young.len() + shard.old.len()
        };
        cache.shards.iter().map(size).sum()
    }

    #[test]
    fn finds_the_whole_token_only() {
        for settings in [VerdictCache::by_token(), VerdictCache::by_digest()] {
            let cache = Cache::new(settings).expect("a cache");
            let one = token(1);
            cache.insert(&cache.probe(&one), known("one"));
            assert_eq!(finds(&cache, &one).as_deref(), Some("one"));
            // The same end, so the same hash, and another beginning.
            let forged = one.replacen('x', "y", 1);
            assert_eq!(finds(&cache, &forged), None);
            // The same in the old half, where it is after a change of halves.
            let small = Cache::new(settings.entries(2)).expect("a cache");
            small.insert(&small.probe(&one), known("one"));
            small.insert(&small.probe(&token(2)), known("two"));
            assert_eq!(finds(&small, &forged), None);
            assert_eq!(finds(&small, &one).as_deref(), Some("one"));
            assert_eq!(finds(&cache, &one[1..]), None);
            assert_eq!(finds(&cache, ""), None);
        }
    }

    #[test]
    fn entries_are_bounded_and_those_in_use_stay() {
        let cache = Cache::new(VerdictCache::by_token().entries(1000)).expect("a cache");
        let favourite = token(0);
        cache.insert(&cache.probe(&favourite), known("favourite"));
        for i in 1..20_000 {
            cache.insert(&cache.probe(&token(i)), known("other"));
            assert_eq!(finds(&cache, &favourite).as_deref(), Some("favourite"), "after {i}");
        }
        assert!(count(&cache) <= 1000);
        assert_eq!(finds(&cache, &token(1)), None);
    }

    #[test]
    fn bytes_are_bounded() {
        let entry = Entry { key: token(0).into_bytes().into(), known: known("c") }.bytes();
        let cache = Cache::new(VerdictCache::by_token().bytes(entry * 1000)).expect("a cache");
        for i in 0..5_000 {
            cache.insert(&cache.probe(&token(i)), known("c"));
        }
        let held = count(&cache);
        assert!(held <= 1000, "{held}");
        assert!(held > 300, "{held}");
        let none = Cache::new(VerdictCache::by_token().bytes(entry)).expect("a cache");
        none.insert(&none.probe(&token(0)), known("c"));
        assert_eq!(count(&none), 0);
    }

    #[test]
    fn replacing_does_not_count_twice() {
        let cache = Cache::new(VerdictCache::by_token().entries(2)).expect("a cache");
        let (one, two) = (token(1), token(2));
        for name in ["a", "b", "c"] {
            cache.insert(&cache.probe(&one), known(name));
        }
        assert_eq!(finds(&cache, &one).as_deref(), Some("c"));
        assert_eq!(count(&cache), 1);
        cache.insert(&cache.probe(&two), known("two"));
        assert_eq!(finds(&cache, &one).as_deref(), Some("c"));
        assert_eq!(finds(&cache, &two).as_deref(), Some("two"));
    }

    #[test]
    fn off_is_off() {
        assert!(Cache::new(VerdictCache::off()).is_none());
        assert!(Cache::new(VerdictCache::by_digest().entries(1)).is_none());
    }
}
