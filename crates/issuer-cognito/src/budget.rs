//! Keeps to the rates of the API, so that it need not throttle: a bucket for each category and one for
//! each operation.
//!
//! A caller is told at once if its turn would come too late. Turns are in order of arrival. Background
//! work has buckets of its own, smaller ones, and takes a turn only where nobody else waits for one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::operation::{Category, Operation};
use crate::settings::Rates;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// Somebody waits for the answer.
    Interactive,
    /// Nobody does.
    Background,
}

/// The turn would come too late: this long from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLate(pub(crate) Duration);

/// All buckets of a process.
#[derive(Debug)]
pub(crate) struct Budget {
    buckets: Mutex<Buckets>,
    /// Background work stands in one line: this keeps the order.
    line: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Buckets {
    all: Group,
    background: Group,
}

#[derive(Debug)]
struct Group {
    categories: [Bucket; Category::COUNT],
    operations: [Bucket; Operation::COUNT],
}

/// Turns at even distances, of which some may come early (GCRA).
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    interval: Duration,
    /// How far ahead of its time a turn may be.
    early: Duration,
    /// When the next turn is due.
    next: Instant,
}

impl Budget {
    pub(crate) fn new(rates: &Rates) -> Self {
        let now = Instant::now();
        let all = Group::new(rates, 1.0, now);
        let background = Group::new(rates, rates.background_share, now);
        Self { buckets: Mutex::new(Buckets { all, background }), line: tokio::sync::Mutex::new(()) }
    }

    /// Waits for a turn that comes before `until`.
    pub(crate) async fn admit(
        &self,
        operation: Operation,
        priority: Priority,
        until: Instant,
    ) -> Result<(), TooLate> {
        match priority {
            Priority::Interactive => self.in_turn(operation, until).await,
            Priority::Background => {
                let Ok(_line) = timeout_at(until, self.line.lock()).await else {
                    return Err(TooLate(self.buckets().background.interval(operation)));
                };
                self.in_a_gap(operation, until).await
            }
        }
    }

    /// The API has throttled: somebody else uses its rates too. What is left for bursts is gone.
    pub(crate) fn throttled(&self, operation: Operation) {
        let now = Instant::now();
        let mut buckets = self.buckets();
        buckets.all.categories[operation.category() as usize].drain(now);
        buckets.all.operations[operation as usize].drain(now);
    }

    /// Takes the next turn of the operation, then of its category: whoever waits for the operation must
    /// not hold up other operations of the category.
    async fn in_turn(&self, operation: Operation, until: Instant) -> Result<(), TooLate> {
        let turn = {
            let now = Instant::now();
            let mut buckets = self.buckets();
            let Group { categories, operations } = &mut buckets.all;
            let category = categories[operation.category() as usize].earliest(now);
            let turn = operations[operation as usize].earliest(now);
            in_time(turn.max(category), now, until)?;
            operations[operation as usize].take(turn);
            turn
        };
        sleep_until(turn).await;
        let turn = {
            let now = Instant::now();
            let mut buckets = self.buckets();
            let category = &mut buckets.all.categories[operation.category() as usize];
            let turn = category.earliest(now);
            in_time(turn, now, until)?;
            category.take(turn);
            turn
        };
        sleep_until(turn).await;
        Ok(())
    }

    /// Takes a turn only at a moment at which it is free.
    async fn in_a_gap(&self, operation: Operation, until: Instant) -> Result<(), TooLate> {
        loop {
            let turn = {
                let now = Instant::now();
                let mut buckets = self.buckets();
                let turn =
                    buckets.all.free(operation, now).max(buckets.background.free(operation, now));
                if turn <= now {
                    buckets.all.take(operation, now);
                    buckets.background.take(operation, now);
                    return Ok(());
                }
                in_time(turn, now, until)?;
                turn
            };
            sleep_until(turn).await;
        }
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Group {
    fn new(rates: &Rates, share: f64, now: Instant) -> Self {
        let category = |rate: f64| Bucket::new(rate * share, now);
        Self {
            // In the order of `Category`.
            categories: [
                category(rates.client_read),
                category(rates.client_update),
                category(rates.resource_read),
                category(rates.resource_update),
            ],
            operations: std::array::from_fn(|_| Bucket::new(rates.operation * share, now)),
        }
    }

    fn free(&self, operation: Operation, now: Instant) -> Instant {
        let category = self.categories[operation.category() as usize].earliest(now);
        self.operations[operation as usize].earliest(now).max(category)
    }

    fn take(&mut self, operation: Operation, turn: Instant) {
        self.categories[operation.category() as usize].take(turn);
        self.operations[operation as usize].take(turn);
    }

    fn interval(&self, operation: Operation) -> Duration {
        self.operations[operation as usize].interval
    }
}

impl Bucket {
    /// Up to half a second's worth at once: less than the API takes, so that calls that travel at
    /// different speeds do not meet there.
    pub(crate) fn new(rate: f64, now: Instant) -> Self {
        let interval = Duration::from_secs_f64(1.0 / rate);
        let early = Duration::from_millis(500).saturating_sub(interval);
        Self { interval, early, next: now }
    }

    /// When the next turn can be had.
    pub(crate) fn earliest(&self, now: Instant) -> Instant {
        self.next.checked_sub(self.early).map_or(now, |turn| turn.max(now))
    }

    pub(crate) fn take(&mut self, turn: Instant) {
        self.next = self.next.max(turn) + self.interval;
    }

    fn drain(&mut self, now: Instant) {
        self.next = self.next.max(now + self.early);
    }
}

fn in_time(turn: Instant, now: Instant, until: Instant) -> Result<(), TooLate> {
    if turn <= until { Ok(()) } else { Err(TooLate(turn - now)) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const OP: Operation = Operation::UpdateUserPoolClient;

    fn budget() -> Arc<Budget> {
        Arc::new(Budget::new(&Rates::default()))
    }

    fn later(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    /// Sends `count` callers at once; answers with when each had its turn, in order of arrival.
    async fn turns(
        budget: &Arc<Budget>,
        operations: &[Operation],
        priority: Priority,
        count: usize,
        until: Instant,
    ) -> Vec<Result<Duration, TooLate>> {
        let start = Instant::now();
        let calls: Vec<_> = (0..count)
            .map(|n| {
                let (budget, operation) = (budget.clone(), operations[n % operations.len()]);
                tokio::spawn(async move {
                    budget.admit(operation, priority, until).await.map(|()| start.elapsed())
                })
            })
            .collect();
        let mut turns = Vec::new();
        for call in calls {
            turns.push(call.await.unwrap());
        }
        turns
    }

    /// The most turns within any second.
    fn densest(turns: &[Result<Duration, TooLate>]) -> usize {
        let turns: Vec<Duration> =
            turns.iter().filter_map(|turn| turn.as_ref().ok().copied()).collect();
        let within = |from: &Duration| {
            turns.iter().filter(|t| *t >= from && **t < *from + Duration::from_secs(1)).count()
        };
        turns.iter().map(within).max().unwrap_or(0)
    }

    #[tokio::test(start_paused = true)]
    async fn an_operation_keeps_its_rate_and_its_order() {
        let budget = budget();
        let turns = turns(&budget, &[OP], Priority::Interactive, 20, later(60)).await;
        assert!(turns.iter().all(Result::is_ok));
        assert!(turns.is_sorted_by_key(|turn| turn.unwrap()), "{turns:?}");
        assert!(densest(&turns) <= 7, "5 a second, and at most 2 early: {turns:?}");
        // 18 of 20 had to wait a fifth of a second each.
        assert!(turns[19].unwrap() >= Duration::from_millis(3400), "{turns:?}");
        assert!(turns[19].unwrap() <= Duration::from_millis(3700), "{turns:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_category_keeps_its_rate_over_its_operations() {
        use Operation::{
            AddUserPoolClientSecret, CreateUserPoolClient, DeleteUserPoolClient,
            DeleteUserPoolClientSecret,
        };
        let budget = budget();
        let of_one_category = [
            OP,
            CreateUserPoolClient,
            DeleteUserPoolClient,
            AddUserPoolClientSecret,
            DeleteUserPoolClientSecret,
        ];
        let turns = turns(&budget, &of_one_category, Priority::Interactive, 60, later(60)).await;
        assert!(densest(&turns) <= 22, "15 a second, and at most 7 early: {turns:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_one_operation_holds_up_no_other() {
        let budget = budget();
        let slow = turns(&budget, &[OP], Priority::Interactive, 20, later(60));
        let other = async {
            tokio::task::yield_now().await;
            let start = Instant::now();
            let create = Operation::CreateUserPoolClient;
            budget.admit(create, Priority::Interactive, later(60)).await.unwrap();
            start.elapsed()
        };
        let (_, other) = tokio::join!(slow, other);
        assert!(other < Duration::from_millis(200), "{other:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_wait_too_long_is_told_at_once_and_how_long() {
        let budget = budget();
        let turns = turns(&budget, &[OP], Priority::Interactive, 30, later(2)).await;
        let refused: Vec<TooLate> = turns.iter().filter_map(|turn| turn.err()).collect();
        assert_eq!(refused.len(), 18, "{turns:?}");
        for TooLate(wait) in refused {
            assert!(
                wait > Duration::from_secs(2) && wait < Duration::from_millis(2400),
                "{wait:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn background_work_has_its_share_and_waits_for_everybody() {
        let budget = budget();
        let alone = turns(&budget, &[OP], Priority::Background, 6, later(60)).await;
        assert!(alone.iter().all(Result::is_ok));
        assert!(densest(&alone) <= 2, "a third of 5 a second: {alone:?}");

        // The background asks first, and all the others have their turns before it.
        let walk = tokio::spawn({
            let budget = budget.clone();
            async move {
                let start = Instant::now();
                for _ in 0..3 {
                    budget.admit(OP, Priority::Background, later(60)).await.unwrap();
                }
                start.elapsed()
            }
        });
        tokio::task::yield_now().await;
        let busy = turns(&budget, &[OP], Priority::Interactive, 25, later(60)).await;
        let (last, walk) = (busy[24].unwrap(), walk.await.unwrap());
        assert!(last <= Duration::from_millis(5400), "{last:?}");
        assert!(walk > last, "{walk:?} {last:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_operation_loses_its_burst() {
        let budget = budget();
        budget.throttled(OP);
        let turns = turns(&budget, &[OP], Priority::Interactive, 3, later(60)).await;
        assert!(turns[1].unwrap() >= Duration::from_millis(200), "{turns:?}");
    }
}
