//! Places for connections: how many there are, of whom, and who goes when somebody else needs one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How often somebody else is asked to go while a newcomer waits.
const ASK_PAUSE: Duration = Duration::from_millis(100);

/// The places of a listener. Clones share them.
#[derive(Clone)]
pub(super) struct Places(Arc<Inner>);

struct Inner {
    permits: Arc<Semaphore>,
    /// Of one address; 0 for no bound.
    per_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    places: HashMap<u64, Arc<State>>,
    addresses: HashMap<IpAddr, usize>,
}

impl Taken {
    /// Counts one more connection of an address, if it may have `bound`.
    fn enter(&mut self, address: IpAddr, bound: usize) -> bool {
        let count = self.addresses.entry(address).or_insert(0);
        let room = bound == 0 || *count < bound;
        *count += usize::from(room);
        room
    }

    fn leave(&mut self, address: IpAddr) {
        if let Entry::Occupied(mut count) = self.addresses.entry(address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    /// Asks the one to go who has been idle for the longest, of an address or of all. Whether there was one.
    fn ask_somebody_to_go(&self, of: Option<IpAddr>) -> bool {
        let here = self.places.values().filter(|state| {
            of.is_none_or(|address| address == state.address)
                && !state.asked_to_go.load(Ordering::Relaxed)
        });
        let idle = here.filter_map(|state| Some((state.idle_since()?, state)));
        let Some((_, state)) = idle.min_by_key(|(since, _)| *since) else { return false };
        state.asked_to_go.store(true, Ordering::Relaxed);
        state.go.notify_one();
        true
    }
}

impl Places {
    /// `all` places, at most `per_address` of them for one address if that is not 0.
    pub(super) fn new(all: usize, per_address: usize) -> Self {
        let permits = Arc::new(Semaphore::new(all));
        Self(Arc::new(Inner { permits, per_address, taken: Mutex::default() }))
    }

    /// A place for a connection from `peer`. If there is none, the connection that has been idle for the longest makes
    /// one, as soon as one is idle. If its address has enough, one of its own does; `None` if none of them is idle.
    pub(super) async fn take(&self, peer: IpAddr) -> Option<Place> {
        let address = network(peer);
        let entered = self.taken().enter(address, self.0.per_address);
        if !entered && !self.taken().ask_somebody_to_go(Some(address)) {
            return None;
        }
        if !entered {
            // The other leaves in a moment.
            self.taken().enter(address, 0);
        }
        let entered = Entered { places: self.clone(), address };
        let permit = loop {
            let permits = Arc::clone(&self.0.permits);
            if permits.available_permits() == 0 {
                self.taken().ask_somebody_to_go(None);
            }
            if let Ok(permit) = tokio::time::timeout(ASK_PAUSE, permits.acquire_owned()).await {
                break permit.ok()?;
            }
        };
        let state = Arc::new(State::of(address));
        let mut taken = self.taken();
        let key = taken.next;
        taken.next += 1;
        taken.places.insert(key, Arc::clone(&state));
        drop(taken);
        Some(Place { key, state, entered, _permit: permit })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who counts as one address: of IPv6 whoever has one network has all its addresses.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

/// A connection that counts for its address, until this is dropped.
struct Entered {
    places: Places,
    address: IpAddr,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.places.taken().leave(self.address);
    }
}

/// A place that is taken, until this is dropped.
pub(super) struct Place {
    key: u64,
    state: Arc<State>,
    entered: Entered,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// What is known of its connection.
    pub(super) const fn state(&self) -> &Arc<State> {
        &self.state
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.entered.places.taken().places.remove(&self.key);
    }
}

/// What is known of a connection.
pub(super) struct State {
    address: IpAddr,
    began: Instant,
    /// Requests whose answers are not sent.
    open: AtomicUsize,
    /// When the last of them was, in milliseconds since the connection began.
    idle_from: AtomicU64,
    asked_to_go: AtomicBool,
    go: Notify,
    /// The system does not take what is written to it.
    stuck: AtomicBool,
    /// Who waits until it does.
    waiting: Mutex<Vec<Waker>>,
}

impl State {
    fn of(address: IpAddr) -> Self {
        Self {
            address,
            began: Instant::now(),
            open: AtomicUsize::new(0),
            idle_from: AtomicU64::new(0),
            asked_to_go: AtomicBool::new(false),
            go: Notify::new(),
            stuck: AtomicBool::new(false),
            waiting: Mutex::default(),
        }
    }

    /// Since when nothing is asked that is not answered.
    fn idle_since(&self) -> Option<Instant> {
        let idle = self.open.load(Ordering::Acquire) == 0;
        idle.then(|| self.began + Duration::from_millis(self.idle_from.load(Ordering::Acquire)))
    }

    /// Completes once nothing was asked for so long.
    pub(super) async fn idle_for(&self, time: Duration) {
        loop {
            let now = Instant::now();
            let end = self.idle_since().unwrap_or(now) + time;
            if end <= now {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }

    /// Completes when somebody else needs the place.
    pub(super) async fn needed(&self) {
        self.go.notified().await;
    }

    /// Notes whether the system takes what is written.
    pub(super) fn note_written(&self, taken: bool) {
        if taken == self.stuck.load(Ordering::Relaxed) {
            self.stuck.store(!taken, Ordering::Release);
            if taken {
                let waiting = std::mem::take(&mut *self.waiting());
                waiting.into_iter().for_each(Waker::wake);
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is not answered yet, or whose answer is not sent.
pub(super) struct Busy(Arc<State>);

impl Busy {
    pub(super) fn with(state: &Arc<State>) -> Self {
        state.open.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(state))
    }

    /// Ready when more may be written.
    pub(super) fn poll_flowing(&self, cx: &Context<'_>) -> Poll<()> {
        let Self(state) = self;
        if !state.stuck.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        let mut waiting = state.waiting();
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
        drop(waiting);
        // It may have begun to flow before the waker was there.
        if state.stuck.load(Ordering::Acquire) { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Self(state) = self;
        let since = u64::try_from(state.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        state.idle_from.store(since, Ordering::Release);
        state.open.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn an_address_has_its_share() {
        let places = Places::new(10, 2);
        let (here, there) = (ip("192.0.2.1"), ip("192.0.2.2"));
        let [first, second] = [here, ip("::ffff:192.0.2.1")].map(|peer| places.take(peer));
        let (first, second) = (first.await.unwrap(), second.await.unwrap());
        let busy = [&first, &second].map(|place| Busy::with(place.state()));
        assert!(places.take(here).await.is_none());
        assert!(places.take(there).await.is_some());
        drop(busy);
        let third = places.take(here).await.unwrap();
        first.state().needed().await;
        drop((first, second, third));
        let network = [places.take(ip("2001:db8::1")).await, places.take(ip("2001:db8::2")).await];
        let _busy = network.each_ref().map(|place| Busy::with(place.as_ref().unwrap().state()));
        assert!(places.take(ip("2001:db8::ffff:0:0:3")).await.is_none(), "one network");
        assert!(places.take(ip("2001:db8:0:1::1")).await.is_some(), "another");
        drop(network);
        assert!(places.taken().addresses.is_empty(), "nothing is kept of those who have left");
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_been_idle_for_the_longest_makes_place() {
        let places = Places::new(3, 0);
        let address = ip("192.0.2.1");
        let mut there = Vec::new();
        for _ in 0..3 {
            there.push(places.take(address).await.unwrap());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let busy = Busy::with(there[0].state());
        let newcomer = tokio::spawn(async move { places.take(address).await.is_some() });
        there[1].state().needed().await;
        assert!(!newcomer.is_finished());
        there.remove(1);
        assert!(newcomer.await.unwrap());
        drop(busy);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_is_who_asks_nothing() {
        let place = Places::new(1, 0).take(ip("192.0.2.1")).await.unwrap();
        let state = Arc::clone(place.state());
        let busy = Busy::with(&state);
        let minute = Duration::from_secs(60);
        let idle = state.idle_for(minute);
        tokio::pin!(idle);
        assert!(tokio::time::timeout(10 * minute, idle.as_mut()).await.is_err());
        let before = Instant::now();
        drop(busy);
        idle.await;
        assert!((minute..minute + Duration::from_secs(1)).contains(&before.elapsed()));
    }
}
