//! Secrets that Cognito made, where it takes none of ours: read when they are first needed, kept in
//! memory, wiped when forgotten.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use turnpike_domain::id::ClientId;
use zeroize::Zeroizing;

/// More clients than a pool may have (quota, adjustable up to this).
const MOST: usize = 10_000;

/// The secrets that are known.
#[derive(Default)]
pub(crate) struct OwnSecrets(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    known: HashMap<ClientId, Arc<Zeroizing<String>>>,
    /// Oldest first.
    order: VecDeque<ClientId>,
}

impl OwnSecrets {
    pub(crate) fn get(&self, id: &ClientId) -> Option<Arc<Zeroizing<String>>> {
        self.kept().known.get(id).cloned()
    }

    pub(crate) fn put(&self, id: &ClientId, secret: Arc<Zeroizing<String>>) {
        let mut kept = self.kept();
        if kept.known.insert(id.clone(), secret).is_none() {
            kept.order.push_back(id.clone());
        }
        if kept.known.len() > MOST
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.known.remove(&oldest);
        }
    }

    pub(crate) fn forget(&self, id: &ClientId) {
        let mut kept = self.kept();
        if kept.known.remove(id).is_some() {
            kept.order.retain(|known| known != id);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_are_kept() {
        let secrets = OwnSecrets::default();
        let id = |n: usize| ClientId::parse(&format!("client{n}")).unwrap();
        for n in 0..MOST + 2 {
            secrets.put(&id(n), Arc::new(Zeroizing::new("s".to_owned())));
        }
        assert!(secrets.get(&id(1)).is_none());
        assert!(secrets.get(&id(2)).is_some());
        secrets.forget(&id(2));
        assert!(secrets.get(&id(2)).is_none());
        let kept = secrets.kept();
        assert_eq!(kept.order.len(), kept.known.len());
    }
}
