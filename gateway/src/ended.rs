//! Sessions that were ended before their time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use turnpike_domain::Timestamp;

/// More than this many people do not sign out within the life of a session.
const MAX: usize = 65_536;

/// Ids of ended sessions, each kept until the session would have ended anyway. In memory: a gateway that
/// starts again with the same seal key forgets them.
#[derive(Debug, Default)]
pub(crate) struct EndedSessions(Mutex<HashMap<[u8; 16], Timestamp>>);

impl EndedSessions {
    /// Remembers `id` until `expires`. At the limit the one that would end first makes room.
    pub(crate) fn insert(&self, id: [u8; 16], expires: Timestamp, now: Timestamp) {
        let mut ended = self.lock();
        ended.retain(|_, expires| *expires > now);
        if ended.len() >= MAX
            && let Some(first) = ended.iter().min_by_key(|(_, expires)| **expires)
        {
            let first = *first.0;
            ended.remove(&first);
        }
        ended.insert(id, expires);
    }

    pub(crate) fn contains(&self, id: &[u8; 16]) -> bool {
        self.lock().contains_key(id)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 16], Timestamp>> {
        // Nothing that runs under the lock leaves the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_by_time_and_by_number() {
        let (ended, t) = (EndedSessions::default(), Timestamp::from_seconds);
        ended.insert([1; 16], t(10), t(0));
        ended.insert([2; 16], t(20), t(15));
        assert!(!ended.contains(&[1; 16]) && ended.contains(&[2; 16]));
        for n in 0..MAX {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&(n as u64).to_be_bytes());
            ended.0.lock().unwrap().insert(id, t(1000));
        }
        ended.insert([3; 16], t(1000), t(15));
        assert!(ended.lock().len() <= MAX + 1);
        assert!(ended.contains(&[3; 16]) && !ended.contains(&[2; 16]));
    }
}
