//! A caller's calls are bounded in number while they are served.

use std::future::ready;

use tokio::sync::oneshot;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use turnpike_rpc::limits::InFlight;
use turnpike_rpc::methods::{EXPORT_EVENTS, LIST_CLIENTS};

use crate::world::{World, number};

fn bounds() -> InFlight {
    InFlight { reads: number(2), changes: number(2), exports: number(1), watches: number(1) }
}

fn is_refused(status: &Status) {
    assert_eq!(status.code(), Code::ResourceExhausted);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "TOO_MANY_CALLS");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_more_is_refused_until_one_has_ended() {
    let world = World::with(bounds()).await;
    let (go, gone): (Vec<_>, Vec<_>) = (0..2).map(|_| oneshot::channel::<()>()).unzip();
    let (entered, mut inside) = tokio::sync::mpsc::channel(2);
    let calls: Vec<_> = gone
        .into_iter()
        .map(|go| {
            let request = world.call("olga", &LIST_CLIENTS, ());
            let (gate, entered) = (world.gate.clone(), entered.clone());
            tokio::spawn(async move {
                let wait = |_, ()| async move {
                    entered.send(()).await.unwrap();
                    let _ = go.await;
                    Ok(())
                };
                gate.read(&LIST_CLIENTS, request, wait).await.map(drop)
            })
        })
        .collect();
    for _ in 0..2 {
        inside.recv().await.unwrap();
    }
    let more = |who| {
        let request = world.call(who, &LIST_CLIENTS, ());
        world.gate.read(&LIST_CLIENTS, request, |_, ()| ready(Ok(())))
    };
    is_refused(&more("olga").await.unwrap_err());
    more("ada").await.unwrap();
    drop(go);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    more("olga").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_streams_counts_until_its_end() {
    let world = World::with(bounds()).await;
    // A stream keeps its operation.
    let export = || {
        let request = world.call("olga", &EXPORT_EVENTS, ());
        world.gate.read(&EXPORT_EVENTS, request, |op, ()| ready(Ok(op)))
    };
    let stream = export().await.unwrap();
    is_refused(&export().await.unwrap_err());
    drop(stream);
    export().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_until_it_is_sent() {
    let world = World::with(bounds()).await;
    let read = || {
        let request = world.call("olga", &LIST_CLIENTS, ());
        world.gate.read(&LIST_CLIENTS, request, |_, ()| ready(Ok(())))
    };
    // The server keeps what comes along until nothing of the answer is left.
    let kept: Vec<_> = [read().await, read().await].map(|answer| answer.unwrap()).into();
    is_refused(&read().await.unwrap_err());
    drop(kept);
    read().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_leaves() {
    let world = World::with(bounds()).await;
    for _ in 0..5 {
        let request = world.call("olga", &EXPORT_EVENTS, ());
        let never = |_, ()| std::future::pending::<Result<(), _>>();
        let call = world.gate.read(&EXPORT_EVENTS, request, never);
        let hung_up = tokio::time::timeout(std::time::Duration::from_millis(5), call).await;
        assert!(hung_up.is_err(), "{hung_up:?}");
    }
}
