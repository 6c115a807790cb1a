//! Whose turn it is to ask the authorization server: so many a second in all, and when more want to, each
//! client in its turn, so that none eats up what all share.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use turnpike_domain::id::ClientId;

/// Gives out turns. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Turns(Arc<Inner>);

struct Inner {
    /// Between two turns, over time.
    interval: Duration,
    /// How far turns may run ahead of that after a rest.
    ahead: Duration,
    /// The longest that one may wait.
    patience: Duration,
    state: Mutex<State>,
}

struct State {
    /// When the next turn would be due, had none run ahead.
    due: Instant,
    /// Those who wait, of each client in the order they came; the client whose turn is next stands first.
    waiting: VecDeque<(ClientId, VecDeque<oneshot::Sender<()>>)>,
    /// A task gives out turns.
    giving: bool,
}

/// There is no turn within the time that one may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoTurn {
    /// When to try again.
    pub(crate) retry_after: Duration,
}

impl Turns {
    /// A turn each `interval`, up to `burst` at once, and nobody waits for longer than `patience`.
    pub(crate) fn new(interval: Duration, burst: u32, patience: Duration) -> Self {
        let ahead = interval.saturating_mul(burst.saturating_sub(1));
        let state = State { due: Instant::now(), waiting: VecDeque::new(), giving: false };
        Self(Arc::new(Inner { interval, ahead, patience, state: Mutex::new(state) }))
    }

    /// Waits for a turn of this client.
    ///
    /// # Errors
    ///
    /// [`NoTurn`], at once if it can be foreseen.
    pub(crate) async fn take(&self, client: &ClientId) -> Result<(), NoTurn> {
        let turn = match self.line_up(client, Instant::now())? {
            None => return Ok(()),
            Some(turn) => turn,
        };
        match tokio::time::timeout(self.0.patience, turn).await {
            Ok(Ok(())) => Ok(()),
            // Others came in between.
            Ok(Err(_)) | Err(_) => Err(NoTurn { retry_after: self.0.patience }),
        }
    }

    /// A turn now, or a place in the line.
    fn line_up(
        &self,
        client: &ClientId,
        now: Instant,
    ) -> Result<Option<oneshot::Receiver<()>>, NoTurn> {
        let inner = &self.0;
        let mut state = inner.lock();
        if state.waiting.is_empty() && state.wait(inner, now).is_zero() {
            state.charge(inner, now);
            return Ok(None);
        }
        // Before this one come as many of each other client as of its own.
        let own = state.waiting.iter().find(|(of, _)| of == client).map_or(0, |(_, own)| own.len());
        let ahead = state
            .waiting
            .iter()
            .map(|(of, waiting)| if of == client { own } else { waiting.len().min(own + 1) });
        let ahead = u32::try_from(ahead.sum::<usize>()).unwrap_or(u32::MAX);
        let wait = state.wait(inner, now) + inner.interval.saturating_mul(ahead);
        if wait > inner.patience {
            return Err(NoTurn { retry_after: wait });
        }
        let (turn, place) = oneshot::channel();
        match state.waiting.iter_mut().find(|(of, _)| of == client) {
            Some((_, own)) => own.push_back(turn),
            None => state.waiting.push_back((client.clone(), VecDeque::from([turn]))),
        }
        if !state.giving {
            state.giving = true;
            tokio::spawn(self.clone().give());
        }
        Ok(Some(place))
    }

    /// Gives out turns until nobody waits.
    async fn give(self) {
        loop {
            let wait = self.0.lock().wait(&self.0, Instant::now());
            tokio::time::sleep(wait).await;
            let mut state = self.0.lock();
            loop {
                let Some(turn) = state.next() else {
                    state.giving = false;
                    return;
                };
                // Whoever no longer waits uses up nothing.
                if turn.send(()).is_ok() {
                    state.charge(&self.0, Instant::now());
                    break;
                }
            }
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long until there is a turn.
    fn wait(&self, inner: &Inner, now: Instant) -> Duration {
        self.due.saturating_duration_since(now).saturating_sub(inner.ahead)
    }

    fn charge(&mut self, inner: &Inner, now: Instant) {
        self.due = self.due.max(now) + inner.interval;
    }

    fn next(&mut self) -> Option<oneshot::Sender<()>> {
        let (client, mut waiting) = self.waiting.pop_front()?;
        let turn = waiting.pop_front();
        if !waiting.is_empty() {
            self.waiting.push_back((client, waiting));
        }
        turn
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting: usize = self.0.lock().waiting.iter().map(|(_, of)| of.len()).sum();
        f.debug_struct("Turns").field("waiting", &waiting).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn id(name: &str) -> ClientId {
        ClientId::parse(name).unwrap()
    }

    /// Who got a turn, in order, each with the second it came in; and how many got none.
    async fn served(turns: &Turns, callers: &[&str]) -> (Vec<(String, u64)>, usize) {
        let began = Instant::now();
        let mut all = JoinSet::new();
        for name in callers {
            let (turns, name) = (turns.clone(), (*name).to_owned());
            all.spawn(async move {
                let turn = turns.take(&id(&name)).await;
                (turn, name, began.elapsed().as_secs())
            });
            // In this order.
            tokio::task::yield_now().await;
        }
        let (mut served, mut none) = (Vec::new(), 0);
        while let Some(done) = all.join_next().await {
            match done.unwrap() {
                (Ok(()), name, second) => served.push((name, second)),
                (Err(_), ..) => none += 1,
            }
        }
        served.sort_by_key(|(_, second)| *second);
        (served, none)
    }

    fn names(served: &[(String, u64)]) -> String {
        served.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let turns = Turns::new(SECOND, 3, 100 * SECOND);
        let (served, none) = served(&turns, &["a"; 6]).await;
        let seconds: Vec<u64> = served.iter().map(|(_, second)| *second).collect();
        assert_eq!((seconds, none), (vec![0, 0, 0, 1, 2, 3], 0));
        tokio::time::sleep(10 * SECOND).await;
        let (again, _) = self::served(&turns, &["a"; 4]).await;
        let seconds: Vec<u64> = again.iter().map(|(_, second)| *second).collect();
        assert_eq!(seconds, [0, 0, 0, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn each_client_has_its_turn() {
        let turns = Turns::new(SECOND, 1, 100 * SECOND);
        let (served, none) = served(&turns, &["a", "a", "a", "a", "a", "b", "b", "c"]).await;
        assert_eq!((names(&served).as_str(), none), ("a a b c a b a a", 0));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_would_wait_too_long_hears_so_at_once_and_others_do_not() {
        let turns = Turns::new(SECOND, 1, 3 * SECOND);
        for _ in 0..4 {
            let turns = turns.clone();
            tokio::spawn(async move { turns.take(&id("a")).await });
            tokio::task::yield_now().await;
        }
        let began = Instant::now();
        let refused = turns.take(&id("a")).await.unwrap_err();
        assert_eq!((refused.retry_after.as_secs(), began.elapsed()), (4, Duration::ZERO));
        turns.take(&id("b")).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gave_up_uses_nothing_up() {
        let turns = Turns::new(SECOND, 1, 100 * SECOND);
        turns.take(&id("a")).await.unwrap();
        let gone = tokio::spawn({
            let turns = turns.clone();
            async move { turns.take(&id("a")).await }
        });
        tokio::task::yield_now().await;
        gone.abort();
        let _ = gone.await;
        let began = Instant::now();
        turns.take(&id("b")).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 1);
    }
}
