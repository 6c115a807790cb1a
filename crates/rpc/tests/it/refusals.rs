//! Refused changes stand in the log, and do not fill it.

use std::future::ready;
use std::time::Duration;

use tonic::Code;
use turnpike_domain::Error;
use turnpike_proto::v1 as pb;
use turnpike_registry::store::Error as StoreError;
use turnpike_registry::{Event, EventFilter};
use turnpike_rpc::methods::DELETE_CLIENT;
use turnpike_testkit::store::Fault;

use crate::world::World;

/// A change that is refused, `times` times.
async fn refused(world: &World, who: &str, times: usize) {
    for _ in 0..times {
        let request = world.call(who, &DELETE_CLIENT, pb::DeleteClientRequest::default());
        let refuse = |_, _| ready(Err::<(), _>(Error::Denied("no")));
        let status = world.gate.change(&DELETE_CLIENT, request, refuse).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied);
    }
}

/// What the log says of a caller, oldest first.
async fn said(world: &World, who: &str) -> Vec<Event> {
    let filter = EventFilter { actor_id: who.to_owned(), ..EventFilter::default() };
    let mut events =
        world.gate.registry().list_events(&filter, 500, None, |_| true).await.unwrap().items;
    events.reverse();
    assert!(events.iter().all(|event| event.action == "call.refused"));
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_a_rate_they_are_counted_and_told_in_one_event() {
    let world = World::new().await;
    refused(&world, "olga", 60 + 500).await;
    refused(&world, "ada", 1).await;
    assert_eq!(said(&world, "olga").await.len(), 60);
    assert_eq!(said(&world, "ada").await.len(), 1, "each caller counts for itself");
    let metrics = world.metrics.encode().unwrap();
    assert!(metrics.contains("turnpike_refusals_not_recorded_total 500\n"), "{metrics}");

    // The next that is recorded says how many there were.
    world.clock.advance(Duration::from_secs(1));
    refused(&world, "olga", 3).await;
    let events = said(&world, "olga").await;
    assert_eq!(events.len(), 61);
    assert_eq!(
        events[60].reason,
        "calls of this caller that were refused before and not recorded: 500"
    );
    assert_eq!(events[60].refusal, "NOT_ALLOWED");

    // And who stops is told of all the same, once.
    world.gate.tidy().await;
    assert_eq!(said(&world, "olga").await.len(), 61, "there is no room yet");
    world.clock.advance(Duration::from_secs(60));
    for _ in 0..2 {
        world.gate.tidy().await;
        let events = said(&world, "olga").await;
        assert_eq!(events.len(), 62);
        assert_eq!(
            events[61].reason,
            "calls of this caller that were refused before and not recorded: 1"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_does_not_take_it_is_told_later() {
    let world = World::new().await;
    let down = || Fault::Fail(StoreError::Unavailable("no disk".into()));
    world.store.on_commits((0..50).map(|_| down()));
    refused(&world, "olga", 2).await;
    world.store.heal();
    assert_eq!(said(&world, "olga").await.len(), 0);
    for _ in 0..2 {
        world.gate.tidy().await;
        let events = said(&world, "olga").await;
        assert_eq!(events.len(), 1);
        let before = "calls of this caller that were refused before and not recorded: 1";
        assert_eq!(events[0].reason, before);
    }
}
