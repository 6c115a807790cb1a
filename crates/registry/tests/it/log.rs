//! The log: whole, in order, and read in pages across its buckets.

use std::time::Duration;

use turnpike_domain::Timestamp;
use turnpike_registry::store::{Item, Key, Store as _, Write};
use turnpike_registry::{Chain, Change, Event, EventFilter, NO_HASH, Registry};

use crate::plane::{Plane, admin, edit, longer, origin};

/// All events a filter takes, page by page.
async fn all(registry: &Registry, filter: &EventFilter, limit: usize) -> Vec<Event> {
    let mut events = Vec::new();
    let mut place = None;
    loop {
        let page = registry.list_events(filter, limit, place, |_| true).await.unwrap();
        assert!(page.items.len() <= limit);
        events.extend(page.items);
        place = page.next;
        if place.is_none() {
            return events;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_says_who_did_what_for_whom() {
    let plane = Plane::new().await;
    let id = plane.client("Shop", "partners").await;
    edit(&plane.registry, &id, longer).await.unwrap();
    let event = plane.registry.event(2).await.unwrap().unwrap();
    assert_eq!(event.action, "client.updated");
    assert_eq!(event.actor, admin().principal());
    assert_eq!((event.team.as_str(), event.other_team.as_str()), ("partners", ""));
    assert_eq!(event.subject, format!("clients/{id}"));
    assert_eq!(event.method, origin().method);
    let change = ("token_lifetime_seconds".to_owned(), "3600".to_owned(), "3601".to_owned());
    assert_eq!(event.changes, [change]);
    assert_eq!(event.time, plane.registry.now());
    assert_eq!(plane.registry.event(3).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_shows_what_was_changed_left_out_or_put_in() {
    let plane = Plane::new().await;
    for n in 0..6 {
        plane.client(&format!("Shop {n}"), "partners").await;
    }
    let lines = plane.registry.lines(1, 6).await.unwrap();
    let broken = |lines: &[String]| {
        let mut chain = Chain::new();
        lines.iter().find_map(|line| chain.follow(line).err()).map(|broken| broken.sequence)
    };
    assert_eq!(broken(&lines), None);
    let mut changed = lines.clone();
    changed[2] = changed[2].replace("Shop 2", "Shop X");
    assert_eq!(broken(&changed), Some(4));
    let mut left_out = lines.clone();
    left_out.remove(2);
    assert_eq!(broken(&left_out), Some(3));
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    assert_eq!(broken(&swapped), Some(3));
    let mut first = lines.clone();
    first[0] = first[0].replace(NO_HASH, &"1".repeat(64));
    assert_eq!(broken(&first), Some(1));
    let mut garbage = lines.clone();
    garbage[5] = "{}".to_owned();
    assert_eq!(broken(&garbage), Some(6));

    let fourth = Event::parse(&lines[3]).unwrap();
    let mut rest = Chain::after(4, fourth.hash);
    for line in &lines[4..] {
        rest.follow(line).unwrap();
    }
    assert_eq!((rest.count(), rest.last().unwrap().0), (2, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn its_times_never_run_backwards() {
    let plane = Plane::new().await;
    let before = plane.registry.now();
    plane.client("Shop", "partners").await;
    plane.clock.set(Timestamp::from_millis(before.millis() - 60_000));
    plane.client("Another", "partners").await;
    plane.clock.set(before.plus_millis(5));
    plane.client("Third", "partners").await;
    let mut times = Vec::new();
    for sequence in 1..=3 {
        times.push(plane.registry.event(sequence).await.unwrap().unwrap().time);
    }
    assert_eq!(times, [before, before, before.plus_millis(5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_event_once_newest_first() {
    let plane = Plane::new().await;
    let mut ids = Vec::new();
    for n in 0..23 {
        let owner = if n % 3 == 0 { "partners" } else { "orders" };
        ids.push(plane.client(&format!("Shop {n}"), owner).await);
        plane.clock.advance(Duration::from_secs(1));
    }
    edit(&plane.registry, &ids[4], longer).await.unwrap();
    for limit in [1, 2, 7, 24, 25, 200] {
        let sequences: Vec<u64> = all(&plane.registry, &EventFilter::default(), limit)
            .await
            .iter()
            .map(|event| event.sequence)
            .collect();
        assert!(sequences.iter().copied().eq((1..=24).rev()), "{limit}: {sequences:?}");
    }
    let filter = EventFilter { client_id: Some(ids[4].clone()), ..EventFilter::default() };
    let of_client = all(&plane.registry, &filter, 1).await;
    assert_eq!(of_client.iter().map(|e| e.sequence).collect::<Vec<_>>(), [24, 5]);
    let filter =
        EventFilter { team: Some(crate::plane::team("partners")), ..EventFilter::default() };
    assert_eq!(all(&plane.registry, &filter, 3).await.len(), 8);
    let filter = EventFilter { action: "client.upd*".to_owned(), ..EventFilter::default() };
    assert_eq!(all(&plane.registry, &filter, 3).await.len(), 1);
    let start = Timestamp::from_seconds(1_800_000_000);
    let filter = EventFilter {
        from: Some(start.plus_seconds(3)),
        to: Some(start.plus_seconds(6)),
        ..EventFilter::default()
    };
    assert_eq!(all(&plane.registry, &filter, 50).await.len(), 3);
}

/// A log goes on in the next partition after each ten thousand events. The head is moved to just before
/// that edge, as if the events before had been written and archived.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_goes_on_across_the_edge_of_a_bucket() {
    let plane = Plane::new().await;
    let head = Item {
        key: Key::new("HEAD", "META"),
        index1: None,
        index2: None,
        version: 9_994,
        body: format!(r#"{{"sequence":9994,"hash":"{NO_HASH}","time":0}}"#).into_bytes(),
    };
    plane.store.commit(&[Write::insert(head)]).await.unwrap();
    let registry = plane.replica(2).await;
    for _ in 0..12 {
        let change = Change::refusal(admin().principal(), &origin(), "NOT_ALLOWED", 0);
        registry.commit(change).await.unwrap();
    }
    assert_eq!(registry.head().await.unwrap().sequence, 10_006);

    // A run of lines ends with its bucket, the next begins after it.
    let (first, second) = (
        registry.lines(9_995, 10_006).await.unwrap(),
        registry.lines(10_000, 10_006).await.unwrap(),
    );
    assert_eq!((first.len(), second.len()), (5, 7));
    let mut chain = Chain::after(9_994, NO_HASH.to_owned());
    for line in first.iter().chain(&second) {
        chain.follow(line).unwrap();
    }

    for limit in [1, 3, 6, 7, 8, 50] {
        let filter = EventFilter::default();
        let sequences: Vec<u64> =
            all(&registry, &filter, limit).await.iter().map(|event| event.sequence).collect();
        assert!(sequences.iter().copied().eq((9_995..=10_006).rev()), "{limit}: {sequences:?}");
    }
}
