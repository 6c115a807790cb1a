//! The pool fails.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::SemaphorePermit;
use tonic::Code;

use super::Lines;
use super::cases::Case;
use super::tried::{Tried, name};
use super::world::World;

/// How long a caller waits for a pool that hangs: less than Turnpike does itself (4 s).
const PATIENCE: Duration = Duration::from_secs(3);
/// On a machine that is busy it may be over before the pool was asked: then another caller tries.
const TRIES: usize = 5;

/// What goes wrong with a call to the pool.
pub(super) struct Fault {
    pub(super) name: &'static str,
    about: &'static str,
    /// What the fake calls it.
    kind: &'static str,
    /// With every call from there on, until the RPC is answered.
    lasts: bool,
    patience: Option<Duration>,
}

pub(super) const FAULTS: [Fault; 9] = [
    Fault::once("fails", "internal_error", "HTTP 500, nothing is done"),
    Fault::once("fails after", "error_after", "it is done, then HTTP 500"),
    Fault::once("breaks after", "reset_after", "it is done, then the connection breaks"),
    Fault::once("throttles", "throttle", "TooManyRequestsException, once"),
    Fault::once("conflicts", "conflict", "ConcurrentModificationException, once"),
    Fault::hanging("hangs", "hang_before", "nothing is done, and the caller's deadline ends"),
    Fault::hanging("hangs after", "hang_after", "it is done, and the caller's deadline ends"),
    Fault::lasting("keeps throttling", "throttle", "TooManyRequestsException from there on"),
    Fault::lasting("is down", "reset_before", "every connection breaks from there on"),
];

impl Fault {
    const fn once(name: &'static str, kind: &'static str, about: &'static str) -> Self {
        Self { name, about, kind, lasts: false, patience: None }
    }

    const fn hanging(name: &'static str, kind: &'static str, about: &'static str) -> Self {
        Self { patience: Some(PATIENCE), ..Self::once(name, kind, about) }
    }

    const fn lasting(name: &'static str, kind: &'static str, about: &'static str) -> Self {
        Self { lasts: true, ..Self::once(name, kind, about) }
    }

    /// As the fake takes it, for the call at this place among those that an RPC makes.
    fn at(&self, calls: &[Call], place: usize) -> Value {
        let Self { kind, lasts, .. } = self;
        if *lasts {
            return json!({ "operation": "*", "skip": place, "times": 1_000_000, "kind": kind });
        }
        let operation = &calls[place].operation;
        let before = calls[..place].iter().filter(|call| call.operation == *operation).count();
        json!({ "operation": operation, "skip": before, "kind": kind })
    }
}

/// A call that an RPC makes, and how it ends if all goes well: not always well.
struct Call {
    operation: String,
    outcome: String,
}

/// What the words at the head of the table mean.
pub(super) fn legend() -> String {
    let mut text = "Each call of an RPC to the pool goes wrong in each way; a cell says what the RPC was answered, and what its \
                    repeat.\n\n"
        .to_owned();
    for Fault { name, about, .. } in FAULTS {
        let _ = writeln!(text, "- {name}: {about}");
    }
    text
}

/// Lets each call to the pool on the way of one RPC go wrong in each way.
pub(super) async fn fail_everywhere(rpc: &str, turn: SemaphorePermit<'_>) -> Lines {
    let world = World::start().await;
    let mut trial = Trial { world: &world, rpc, tried: Tried::new(rpc), n: 0 };
    let calls = trial.without_a_fault().await;
    let mut lines = Vec::new();
    for (place, call) in calls.iter().enumerate() {
        let mut line = vec![rpc.to_owned(), call.operation.clone()];
        for fault in FAULTS {
            line.push(trial.with(&fault, &calls, place).await);
        }
        lines.push(line);
    }
    drop(turn);
    trial.tried.all_holds(&world).await;
    lines
}

/// One RPC that is tried in one world.
struct Trial<'a> {
    world: &'a World,
    rpc: &'a str,
    tried: Tried<'a>,
    n: usize,
}

impl Trial<'_> {
    async fn case(&mut self) -> Case {
        self.n += 1;
        let case = Case::prepare(self.world, self.rpc, self.n).await;
        // Whoever asks the pool now asks for this call.
        self.world.is_quiet(self.rpc).await;
        self.world.pool.calls().await;
        case
    }

    /// Which calls it makes if all goes well.
    async fn without_a_fault(&mut self) -> Vec<Call> {
        let (rpc, case) = (self.rpc, self.case().await);
        let shown = case.call(self.world, None).await;
        let shown = shown.unwrap_or_else(|status| panic!("{rpc}: {status}"));
        let calls = self.world.pool.calls().await;
        self.tried.answered(self.world, "without a fault", case, shown).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let call = |call: &Value| Call {
            operation: text(&call["operation"]),
            outcome: text(&call["outcome"]),
        };
        calls.iter().map(call).collect()
    }

    /// What it is answered, and its repeat, if one of its calls goes wrong.
    async fn with(&mut self, fault: &Fault, calls: &[Call], place: usize) -> String {
        let (world, rpc) = (self.world, self.rpc);
        let at = format!("{}, call {}, {}", calls[place].operation, place + 1, fault.name);
        let as_usual = |made: &Value| calls.iter().any(|call| made["outcome"] == call.outcome);
        for _ in 0..TRIES {
            let case = self.case().await;
            world.pool.fail(fault.at(calls, place)).await;
            let answer = case.call(world, fault.patience).await;
            world.pool.heal().await;
            let went_wrong = !world.pool.calls().await.iter().all(as_usual);
            let cell = match answer {
                Ok(shown) => {
                    self.tried.answered(world, &at, case, shown).await;
                    name(Code::Ok)
                }
                Err(status) => {
                    let mut fitting = vec![Code::ResourceExhausted, Code::Unavailable];
                    if fault.patience.is_some() {
                        fitting.extend([Code::Cancelled, Code::DeadlineExceeded]);
                    }
                    assert!(fitting.contains(&status.code()), "{rpc}, {at}: {status}");
                    let repeated = self.tried.repeat(world, &at, case).await;
                    format!("{}, then {repeated}", name(status.code()))
                }
            };
            if went_wrong {
                return cell;
            }
        }
        panic!("{rpc}, {at}: the pool was not asked in time");
    }
}
