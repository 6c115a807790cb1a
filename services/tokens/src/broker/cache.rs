//! Sealed tokens by what they are for, within bounds. A cache of a library would know entries only: this one
//! also drops all of one client at once, gives no client more than its share, and lives by the process's
//! clock.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use turnpike_domain::id::ClientId;

use crate::broker::claims::Claims;
use crate::broker::key::{Key, Slot};
use crate::broker::seal::Sealed;

/// How many tokens one client may have here: whoever asks for many sets of scopes displaces its own.
const OF_CLIENT_MAX: usize = 64;

/// A token that is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) sealed: Sealed,
    pub(crate) claims: Claims,
}

/// Tokens that are kept.
pub(crate) struct Cache {
    entries_max: usize,
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    clients: HashMap<ClientId, HashMap<Slot, Entry>>,
    /// All entries by their end; the number keeps equal ends apart.
    ends: BTreeMap<(i64, u64), Key>,
    bytes: usize,
    number: u64,
}

struct Entry {
    kept: Arc<Kept>,
    /// Its place in [`State::ends`].
    place: (i64, u64),
    bytes: usize,
}

impl Cache {
    /// With room for so many tokens, and so many bytes in all.
    pub(crate) fn new(entries_max: usize, bytes_max: usize) -> Self {
        Self { entries_max, bytes_max, state: Mutex::default() }
    }

    /// The token that is kept for this.
    pub(crate) fn find(&self, key: &Key) -> Option<Arc<Kept>> {
        let state = self.lock();
        Some(state.clients.get(&key.client_id)?.get(&key.slot)?.kept.clone())
    }

    /// Keeps a token instead of the one before. What has ended at `now` is forgotten, and then what ends
    /// first, until there is room.
    pub(crate) fn keep(&self, key: &Key, kept: Arc<Kept>, now: i64) {
        let bytes = kept.sealed.bytes().len() + 2 * key.slot.bytes() + size_of::<Kept>();
        let mut state = self.lock();
        state.forget(key);
        state.forget_ended(now);
        if bytes > self.bytes_max || self.entries_max == 0 {
            return;
        }
        state.make_room_for_client(key);
        while state.ends.len() >= self.entries_max || state.bytes + bytes > self.bytes_max {
            state.forget_first();
        }
        state.number += 1;
        let place = (kept.claims.expires_at, state.number);
        state.bytes += bytes;
        state.ends.insert(place, key.clone());
        let of_client = state.clients.entry(key.client_id.clone()).or_default();
        of_client.insert(key.slot.clone(), Entry { kept, place, bytes });
    }

    /// Forgets this token, if it is the one that is kept.
    pub(crate) fn forget(&self, key: &Key, kept: &Arc<Kept>) {
        let mut state = self.lock();
        let of_client = state.clients.get(&key.client_id);
        let now = of_client.and_then(|of_client| of_client.get(&key.slot));
        if now.is_some_and(|entry| Arc::ptr_eq(&entry.kept, kept)) {
            state.forget(key);
        }
    }

    /// Forgets what has ended.
    pub(crate) fn forget_ended(&self, now: i64) {
        self.lock().forget_ended(now);
    }

    /// Forgets the tokens of a client that are no longer good.
    pub(crate) fn retain(&self, client: &ClientId, is_good: impl Fn(&Slot, &Claims) -> bool) {
        let mut state = self.lock();
        let Some(of_client) = state.clients.get(client) else { return };
        let bad = of_client.iter().filter(|(slot, entry)| !is_good(slot, &entry.kept.claims));
        let bad: Vec<Slot> = bad.map(|(slot, _)| slot.clone()).collect();
        for slot in bad {
            state.forget(&Key { client_id: client.clone(), slot });
        }
    }

    /// The clients that have tokens here.
    pub(crate) fn clients(&self) -> Vec<ClientId> {
        self.lock().clients.keys().cloned().collect()
    }

    /// How many tokens are kept, and in how many bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        let state = self.lock();
        (state.ends.len(), state.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, key: &Key) {
        let Some(of_client) = self.clients.get_mut(&key.client_id) else { return };
        let Some(entry) = of_client.remove(&key.slot) else { return };
        if of_client.is_empty() {
            self.clients.remove(&key.client_id);
        }
        self.bytes -= entry.bytes;
        self.ends.remove(&entry.place);
    }

    fn forget_first(&mut self) {
        if let Some(key) = self.ends.first_key_value().map(|(_, key)| key.clone()) {
            self.forget(&key);
        }
    }

    fn forget_ended(&mut self, now: i64) {
        while self.ends.first_key_value().is_some_and(|((end, _), _)| *end <= now) {
            self.forget_first();
        }
    }

    fn make_room_for_client(&mut self, key: &Key) {
        let Some(of_client) = self.clients.get(&key.client_id) else { return };
        if of_client.len() < OF_CLIENT_MAX {
            return;
        }
        let first = of_client.iter().min_by_key(|(_, entry)| entry.place);
        if let Some(slot) = first.map(|(slot, _)| slot.clone()) {
            self.forget(&Key { client_id: key.client_id.clone(), slot });
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entries, bytes) = self.size();
        f.debug_struct("Cache").field("entries", &entries).field("bytes", &bytes).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use turnpike_domain::Scope;
    use turnpike_domain::authorization_server::AccessToken;
    use turnpike_domain::id::SecretId;
    use turnpike_testkit::authorization_server::client;
    use turnpike_testkit::clock::SeededEntropy;

    use super::*;
    use crate::broker::seal::Sealer;

    fn key(id: &str, scope: usize) -> Key {
        let scope = Scope::parse(&format!("api/s{scope}")).unwrap();
        Key::new(&client(id, 3600), SecretId::generate(&SeededEntropy::new(1)), &[scope])
    }

    fn kept(ends: i64) -> Arc<Kept> {
        let sealer = Sealer::new(&SeededEntropy::new(1));
        let sealed = sealer.seal("s", b"", &AccessToken::new("t".repeat(100))).unwrap();
        let claims = Claims { issued_at: 0, expires_at: ends, token_id: ends.to_string() };
        Arc::new(Kept { sealed, claims })
    }

    fn ends(cache: &Cache, key: &Key) -> Option<i64> {
        cache.find(key).map(|kept| kept.claims.expires_at)
    }

    #[test]
    fn a_token_is_found_by_all_that_it_is_for() {
        let cache = Cache::new(10, 100_000);
        cache.keep(&key("c1", 1), kept(100), 0);
        assert_eq!(ends(&cache, &key("c1", 1)), Some(100));
        assert_eq!(ends(&cache, &key("c1", 2)), None);
        assert_eq!(ends(&cache, &key("c2", 1)), None);
        let mut other_secret = key("c1", 1);
        other_secret.slot.secret_id = SecretId::generate(&SeededEntropy::new(2));
        assert_eq!(ends(&cache, &other_secret), None);
        let scope = [Scope::parse("api/s1").unwrap()];
        let shorter = Key::new(&client("c1", 300), key("c1", 1).slot.secret_id, &scope);
        assert_eq!(ends(&cache, &shorter), None);

        cache.keep(&key("c1", 1), kept(200), 0);
        assert_eq!((ends(&cache, &key("c1", 1)), cache.size().0), (Some(200), 1));
    }

    #[test]
    fn a_token_is_forgotten_and_not_the_one_after_it() {
        let cache = Cache::new(10, 100_000);
        let (old, new) = (kept(100), kept(200));
        cache.keep(&key("c1", 1), old.clone(), 0);
        cache.keep(&key("c1", 1), new.clone(), 0);
        cache.forget(&key("c1", 1), &old);
        assert_eq!(ends(&cache, &key("c1", 1)), Some(200));
        cache.forget(&key("c1", 1), &new);
        cache.forget(&key("c1", 1), &new);
        assert_eq!(cache.size(), (0, 0));
    }

    #[test]
    fn what_ends_first_makes_room() {
        let cache = Cache::new(3, 100_000);
        for (n, end) in [(1, 300), (2, 100), (3, 200), (4, 400)] {
            cache.keep(&key(&format!("c{n}"), 1), kept(end), 0);
        }
        let left = |n: usize| ends(&cache, &key(&format!("c{n}"), 1));
        assert_eq!((left(1), left(2), left(3), left(4)), (Some(300), None, Some(200), Some(400)));
        cache.forget_ended(300);
        assert_eq!((left(1), left(3), left(4)), (None, None, Some(400)));
        assert_eq!(cache.size().0, 1);
        cache.forget_ended(400);
        assert_eq!(cache.size(), (0, 0));
    }

    #[test]
    fn a_client_displaces_its_own() {
        let cache = Cache::new(1000, 10_000_000);
        cache.keep(&key("other", 1), kept(1), 0);
        for n in 0..OF_CLIENT_MAX + 10 {
            cache.keep(&key("c1", n), kept(1000 + i64::try_from(n).unwrap()), 0);
        }
        assert_eq!(cache.size().0, OF_CLIENT_MAX + 1);
        assert_eq!(ends(&cache, &key("other", 1)), Some(1));
        assert_eq!(ends(&cache, &key("c1", 9)), None);
        assert_eq!(ends(&cache, &key("c1", 10)), Some(1010));
    }

    #[test]
    fn bytes_are_bounded_and_a_giant_is_not_kept() {
        let cache = Cache::new(1000, 2000);
        for n in 0..20 {
            cache.keep(&key(&format!("c{n}"), 1), kept(100), 0);
            assert!(cache.size().1 <= 2000);
        }
        assert!(cache.size().0 > 1);
        let none = Cache::new(1000, 50);
        none.keep(&key("c1", 1), kept(100), 0);
        assert_eq!(none.size(), (0, 0));
    }

    #[test]
    fn nothing_that_is_kept_shows_a_token_or_a_secret() {
        let (token, secret) = ("eyJraWQi.eyJzY29wZSI6InNob3Av.b3JkZXIifQ", "tp_0123456789abcdef");
        let sealer = Sealer::new(&SeededEntropy::new(1));
        let (cache, key) = (Cache::new(10, 100_000), key("c1", 1));
        let access_token = AccessToken::new(token.to_owned());
        let sealed = sealer.seal(secret, &key.to_bytes(), &access_token).unwrap();
        let claims = Claims { issued_at: 0, expires_at: 100, token_id: "j".to_owned() };
        cache.keep(&key, Arc::new(Kept { sealed, claims }), 0);

        let mut memory = format!("{cache:?} {sealer:?}").into_bytes();
        for (client, of_client) in &cache.lock().clients {
            for (slot, Entry { kept, .. }) in of_client {
                let key = Key { client_id: client.clone(), slot: slot.clone() };
                memory.extend([key.to_bytes(), format!("{key:?} {kept:?}").into_bytes()].concat());
                memory.extend_from_slice(kept.sealed.bytes());
            }
        }
        for secret in [token.as_bytes(), secret.as_bytes()] {
            for piece in secret.windows(8) {
                assert!(!memory.windows(8).any(|window| window == piece));
            }
        }
        let kept = cache.find(&key).unwrap();
        let opened = sealer.open(secret, &key.to_bytes(), &kept.sealed).unwrap();
        assert_eq!(opened.expose(), token);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Keep(u8, u8, i64),
        Ended(i64),
        Retain(u8, i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..4u8, 0..6u8, 1..100i64).prop_map(|(c, s, end)| Step::Keep(c, s, end)),
            1 => (0..100i64).prop_map(Step::Ended),
            1 => (0..4u8, 0..100i64).prop_map(|(c, least)| Step::Retain(c, least)),
        ]
    }

    proptest! {
        /// Whatever happens, its books agree: the two views hold the same entries, the bytes are theirs,
        /// and the bounds hold.
        #[test]
        fn books_agree(steps in proptest::collection::vec(step(), 1..60)) {
            let cache = Cache::new(8, 4000);
            for step in steps {
                match step {
                    Step::Keep(c, s, end) => {
                        cache.keep(&key(&format!("c{c}"), usize::from(s)), kept(end), 0);
                    }
                    Step::Ended(now) => cache.forget_ended(now),
                    Step::Retain(c, least) => {
                        let id = ClientId::parse(&format!("c{c}")).unwrap();
                        cache.retain(&id, |_, claims| claims.expires_at >= least);
                    }
                }
                let state = cache.lock();
                let entries = state.clients.values().flat_map(HashMap::values);
                prop_assert_eq!(entries.clone().map(|e| e.bytes).sum::<usize>(), state.bytes);
                prop_assert_eq!(entries.count(), state.ends.len());
                prop_assert!(state.clients.values().all(|of_client| !of_client.is_empty()));
                prop_assert!(state.ends.len() <= 8 && state.bytes <= 4000);
                for (place, key) in &state.ends {
                    prop_assert_eq!(state.clients[&key.client_id][&key.slot].place, *place);
                }
            }
        }
    }
}
