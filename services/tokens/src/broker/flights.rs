//! One call for all who want the same at the same moment.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Calls that are under way, by what they are for.
pub(crate) struct Flights<K, V>(Arc<Mutex<HashMap<K, watch::Receiver<Option<V>>>>>);

/// A call that is under way. It goes on when nobody waits for it any more: its outcome is of use to the next.
pub(crate) struct Flight<V>(watch::Receiver<Option<V>>);

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// The call that is under way for `key`, or the one that `start` starts. What it comes to is kept for
    /// nobody: whoever comes later starts anew.
    ///
    /// # Errors
    ///
    /// Those of `start`.
    pub(crate) fn join<E, F>(
        &self,
        key: K,
        start: impl FnOnce() -> Result<F, E>,
    ) -> Result<Flight<V>, E>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut flying = lock(&self.0);
        if let Some(flight) = flying.get(&key) {
            return Ok(Flight(flight.clone()));
        }
        let call = start()?;
        let (tell, told) = watch::channel(None);
        flying.insert(key.clone(), told.clone());
        let landing = Landing { flying: self.0.clone(), key };
        tokio::spawn(async move {
            let outcome = call.await;
            // Whoever is told finds no call under way any more.
            drop(landing);
            tell.send_replace(Some(outcome));
        });
        Ok(Flight(told))
    }
}

impl<V: Clone> Flight<V> {
    /// What it came to; `None` if it panicked.
    pub(crate) async fn outcome(mut self) -> Option<V> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

/// Ends a flight, also when its call panics.
struct Landing<K: Eq + Hash, V> {
    flying: Arc<Mutex<HashMap<K, watch::Receiver<Option<V>>>>>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        lock(&self.flying).remove(&self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K, V> fmt::Debug for Flights<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flights").field(&lock(&self.0).len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    fn start(flights: &Flights<u8, usize>, key: u8, calls: &Arc<AtomicUsize>) -> Flight<usize> {
        let calls = calls.clone();
        let call = async move {
            tokio::task::yield_now().await;
            calls.fetch_add(1, Ordering::SeqCst) + 1
        };
        flights.join(key, || Ok::<_, Infallible>(call)).unwrap()
    }

    #[tokio::test]
    async fn those_who_want_the_same_share_a_call_and_later_ones_do_not() {
        let (flights, calls) = (Flights::new(), Arc::default());
        let all: Vec<_> = (0..10).map(|_| start(&flights, 1, &calls)).collect();
        let other = start(&flights, 2, &calls).outcome().await;
        for flight in all {
            assert_eq!(flight.outcome().await.zip(other).map(|(one, other)| one + other), Some(3));
        }
        assert_eq!(start(&flights, 1, &calls).outcome().await, Some(3));
        assert!(lock(&flights.0).is_empty());
    }

    #[tokio::test]
    async fn a_call_goes_on_when_nobody_waits() {
        let flights: Flights<u8, ()> = Flights::new();
        let done = Arc::new(Notify::new());
        let told = done.clone();
        let call = async move { told.notify_one() };
        drop(flights.join(1, || Ok::<_, Infallible>(call)).unwrap());
        done.notified().await;
    }

    #[tokio::test]
    async fn a_call_that_is_not_started_leaves_nothing() {
        let flights: Flights<u8, ()> = Flights::new();
        let refused = flights.join(1, || Err::<std::future::Ready<()>, _>("no"));
        assert_eq!(refused.err(), Some("no"));
        assert!(lock(&flights.0).is_empty());
    }

    #[tokio::test]
    async fn a_call_that_panics_is_over() {
        let flights: Flights<u8, ()> = Flights::new();
        let call = async { panic!("a defect") };
        let flight = flights.join(1, || Ok::<_, Infallible>(call)).unwrap();
        assert_eq!(flight.outcome().await, None);
        assert!(lock(&flights.0).is_empty());
    }
}
