//! What was done to a world, and what has to be true of it in the end.

use std::time::{Duration, Instant};

use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::cases::{Case, Shown, says_done};
use super::world::World;

/// For how long a repeat may be told to come again: a claim of a process that died stands for 30 seconds.
const REPEATED: Duration = Duration::from_secs(60);
/// What took less is not worth a word.
const QUICK: Duration = Duration::from_secs(5);

/// The calls of one RPC that were made in a world.
pub(super) struct Tried<'a> {
    rpc: &'a str,
    cases: Vec<(String, Case)>,
    shown: Vec<Shown>,
}

impl<'a> Tried<'a> {
    pub(super) const fn new(rpc: &'a str) -> Self {
        Self { rpc, cases: Vec::new(), shown: Vec::new() }
    }

    /// A call was answered so: that stands from now on.
    pub(super) async fn answered(
        &mut self,
        world: &World,
        place: &str,
        case: Case,
        shown: Option<Shown>,
    ) {
        let place = format!("{}, {place}", self.rpc);
        case.holds(world, &place).await;
        self.cases.push((place, case));
        self.shown.extend(shown);
    }

    /// Repeats a call that failed, as its caller does, who is told when; says what it came to.
    pub(super) async fn repeat(&mut self, world: &World, place: &str, case: Case) -> String {
        let begun = Instant::now();
        let repeated = loop {
            match case.call(world, None).await {
                Err(status) if is_temporary(&status) && begun.elapsed() < REPEATED => {
                    let when = status.get_details_retry_info().and_then(|info| info.retry_delay);
                    let when = when.unwrap_or_else(|| panic!("{}, {place}: {status}", self.rpc));
                    tokio::time::sleep(when).await;
                }
                repeated => break repeated,
            }
        };
        let (code, shown) = match repeated {
            Ok(shown) => (Code::Ok, shown),
            Err(status) => {
                // It finds that it was done.
                let done = says_done(self.rpc).contains(&status.code());
                assert!(done, "{} again after {place}: {status}", self.rpc);
                (status.code(), None)
            }
        };
        let took = begun.elapsed();
        self.answered(world, place, case, shown).await;
        if took < QUICK {
            return name(code);
        }
        format!("{} after {} s", name(code), took.as_secs())
    }

    /// Waits until all is settled; then registry, pool and log agree, what was done is done, once, and stays so, and secrets
    /// are good that should be, and no others.
    pub(super) async fn all_holds(&self, world: &World) {
        world.agrees(self.rpc).await;
        world.verify(self.rpc).await;
        for (place, case) in &self.cases {
            case.holds(world, place).await;
            if let Some(ended) = case.ends() {
                assert_eq!(world.takes(ended).await, [false; 2], "{place}: a secret that ended");
            }
        }
        for shown in &self.shown {
            let id = &shown.client_id;
            assert_eq!(world.takes(shown).await, [true; 2], "{}: the secret of {id}", self.rpc);
        }
    }
}

/// Whether a caller shall try again.
fn is_temporary(status: &Status) -> bool {
    [Code::ResourceExhausted, Code::Unavailable].contains(&status.code())
}

/// A code in a cell.
pub(super) fn name(code: Code) -> String {
    match code {
        Code::Ok => "OK".to_owned(),
        other => format!("{other:?}"),
    }
}
