//! The process dies.

use std::collections::BTreeMap;

use tokio::sync::SemaphorePermit;
use turnpike_registry::fault::POINTS;

use super::cases::Case;
use super::tried::Tried;
use super::world::World;
use super::{Lines, NEVER};

/// The places in the order in which they are tried: those last at which a claim is left behind, which stands for 30
/// seconds. All else is clear before the next is tried, so that nobody but the call comes by.
const ORDER: [&str; POINTS.len()] = [
    "announced",
    "made",
    "decided",
    "committing",
    "committed",
    "cleared",
    "answering",
    "claimed",
    "told",
];

/// Kills the process at each place on the way of one RPC.
pub(super) async fn kill_everywhere(rpc: &str, turn: SemaphorePermit<'_>) -> Lines {
    let mut world = World::start().await;
    let mut tried = Tried::new(rpc);
    let mut cells = BTreeMap::new();
    for (n, point) in ORDER.into_iter().enumerate() {
        let case = Case::prepare(&world, rpc, n).await;
        if point != "told" {
            world.is_quiet(rpc).await;
        }
        world.arm(point);
        let answer = case.call(&world, None).await;
        let cell = if world.disarm(point) {
            let shown = answer.unwrap_or_else(|status| panic!("{rpc}, {point}: {status}"));
            tried.answered(&world, point, case, shown).await;
            NEVER.to_owned()
        } else {
            assert!(answer.is_err(), "{rpc}, {point}: a process that is gone has answered");
            world = world.again().await;
            world.verify(&format!("{rpc}, {point}")).await;
            format!("killed, then {}", tried.repeat(&world, point, case).await)
        };
        cells.insert(point, cell);
    }
    drop(turn);
    tried.all_holds(&world).await;
    let cells = POINTS.map(|point| cells.remove(point).unwrap());
    vec![[rpc.to_owned()].into_iter().chain(cells).collect()]
}
