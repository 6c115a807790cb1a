//! Every changing RPC over DynamoDB and Cognito, as an emulator and a strict fake play them, in a process that dies at every
//! place between validation and answer (`turnpike_registry::fault`), or while the pool fails in every way it has. Afterwards
//! registry, pool and log agree, nothing is there twice, no client or secret that nobody knows of stays, every secret that
//! was shown is good, and whoever repeats the call gets what they asked for.

mod cases;
mod faults;
mod kills;
mod tried;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;

use futures_util::{FutureExt, StreamExt, stream};
use prost_reflect::DescriptorPool;
use tokio::sync::{Semaphore, SemaphorePermit};
use turnpike_registry::fault::POINTS;
use turnpike_tests::report;

use self::faults::FAULTS;

/// How many RPCs are tried at once. Those that only wait until claims and announcements have ended do not count.
const AT_ONCE: usize = 8;

/// Where an RPC does not come by, or asks nothing.
const NEVER: &str = "–";

/// What was seen of one RPC: lines of a table.
type Lines = Vec<Vec<String>>;

/// The changing RPCs, as `Service/Method`: those whose request has `validate_only`.
fn changing() -> BTreeSet<String> {
    let pool = DescriptorPool::decode(turnpike_proto::FILE_DESCRIPTOR_SET).unwrap();
    pool.services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .filter(|method| method.input().get_field_by_name("validate_only").is_some())
        .map(|method| format!("{}/{}", method.parent_service().name(), method.name()))
        .collect()
}

/// Tries every RPC, each in a world of its own; `None` of one that went wrong: it has said why, and the others go on.
async fn try_all(
    attempt: impl AsyncFn(&str, SemaphorePermit<'_>) -> Lines,
) -> BTreeMap<String, Option<Lines>> {
    let mut rpcs: Vec<String> = changing().into_iter().collect();
    // It waits for longest.
    rpcs.sort_by_key(|rpc| rpc != "ClientService/CreateClient");
    let turns = Semaphore::new(AT_ONCE);
    stream::iter(&rpcs)
        .map(async |rpc| {
            let turn = turns.acquire().await.unwrap();
            (rpc.clone(), AssertUnwindSafe(attempt(rpc, turn)).catch_unwind().await.ok())
        })
        .buffer_unordered(rpcs.len())
        .collect()
        .await
}

/// A table of Markdown.
fn table<'a>(
    head: &[&str],
    tried: impl Iterator<Item = (&'a String, &'a Option<Lines>)>,
) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for (rpc, lines) in tried {
        let wrong = vec![vec![rpc.clone(), "**wrong**".to_owned()]];
        for line in lines.as_ref().unwrap_or(&wrong) {
            let _ = writeln!(text, "| {} |", line.join(" | "));
        }
    }
    text
}

/// Fails if something went wrong.
fn all_is_right(tried: &BTreeMap<String, Option<Lines>>) {
    let wrong: Vec<&String> =
        tried.iter().filter(|(_, lines)| lines.is_none()).map(|(rpc, _)| rpc).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_anywhere_leaves_nothing_half_done() {
    let tried = try_all(kills::kill_everywhere).await;
    let head: Vec<&str> = ["RPC"].into_iter().chain(POINTS).collect();
    let about = format!(
        "The process is killed when a call comes by one of {} places, and started again; then the call is repeated. \
         `{NEVER}`: the call does not come by.\n\n",
        POINTS.len()
    );
    report("Crash matrix: the process dies", &(about + &table(&head, tried.iter())));
    all_is_right(&tried);
    let never = |rpc: &str, point: &str| {
        let line = &tried[rpc].as_ref().unwrap()[0];
        line[head.iter().position(|name| *name == point).unwrap()] == NEVER
    };
    for rpc in tried.keys() {
        for point in ["decided", "committing", "committed", "answering"] {
            assert!(!never(rpc, point), "{rpc} does not get to {point}");
        }
    }
    for rpc in ["ClientService/AddClientSecret", "ClientService/CreateClient"] {
        for point in POINTS {
            assert!(!never(rpc, point), "{rpc} does not get to {point}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_fails_anyhow_leaves_nothing_half_done() {
    let tried = try_all(faults::fail_everywhere).await;
    let head: Vec<&str> =
        ["RPC", "its call to the pool"].into_iter().chain(FAULTS.map(|fault| fault.name)).collect();
    let (asking, silent): (Vec<_>, Vec<_>) =
        tried.iter().partition(|(_, lines)| lines.as_ref().is_none_or(|lines| !lines.is_empty()));
    let silent: Vec<&str> = silent.into_iter().map(|(rpc, _)| rpc.as_str()).collect();
    let mut about = faults::legend();
    let _ = writeln!(about, "\nAsk the pool nothing: {}.\n", silent.join(", "));
    report("Crash matrix: the pool fails", &(about + &table(&head, asking.into_iter())));
    all_is_right(&tried);
    for rpc in ["ClientService/AddClientSecret", "ClientService/CreateClient"] {
        assert!(tried[rpc].as_ref().is_some_and(|lines| lines.len() >= 2), "{rpc}");
    }
}
