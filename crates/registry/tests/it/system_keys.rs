//! Keys of the installation: the same for all processes, and each for its time.

use turnpike_domain::Timestamp;
use turnpike_registry::AssertionKey;

use crate::plane::Plane;

const WEEK: i64 = 7 * 24 * 3600;

#[tokio::test]
async fn each_period_has_a_key_that_all_processes_know() {
    let plane = Plane::new().await;
    let other = plane.replica(2).await;
    // The beginning of a period.
    let begin = (plane.registry.now().seconds() / WEEK + 1) * WEEK;
    plane.clock.set(Timestamp::from_seconds(begin));
    let first = plane.registry.period_keys("seal", WEEK).await.unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(other.period_keys("seal", WEEK).await.unwrap(), first);
    assert_ne!(other.period_keys("other", WEEK).await.unwrap(), first);

    // Shortly before the next, that is known too, and not used first.
    plane.clock.set(Timestamp::from_seconds(begin + WEEK - 60));
    let both = plane.registry.period_keys("seal", WEEK).await.unwrap();
    assert_eq!((both.len(), both[0]), (2, first[0]));

    plane.clock.set(Timestamp::from_seconds(begin + WEEK));
    let second = other.period_keys("seal", WEEK).await.unwrap();
    assert_eq!(second, [both[1], first[0]]);

    // Two periods on, the first is gone, and nobody makes one for a time that is over.
    plane.clock.set(Timestamp::from_seconds(begin + 2 * WEEK));
    let third = other.period_keys("seal", WEEK).await.unwrap();
    assert_eq!((third.len(), third[1]), (2, second[0]));
    plane.clock.set(Timestamp::from_seconds(begin + 9 * WEEK));
    assert_eq!(other.period_keys("seal", WEEK).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_published_key_ends_unless_its_end_moves_on() {
    let plane = Plane::new().await;
    let key = |id: &str, end: i64| AssertionKey {
        key_id: id.to_owned(),
        public_key: vec![7; 32],
        expire_time: plane.registry.now().plus_seconds(end),
    };
    let (kept, left) = (key("kept", 3600), key("left", 3600));
    for key in [&kept, &left] {
        plane.registry.put_assertion_key(key).await.unwrap();
    }
    let other = plane.replica(2).await;
    assert_eq!(other.assertion_keys().await.unwrap(), [kept.clone(), left]);

    let moved = AssertionKey { expire_time: kept.expire_time.plus_seconds(3600), ..kept };
    plane.registry.put_assertion_key(&moved).await.unwrap();
    plane.clock.set(plane.registry.now().plus_seconds(3600));
    let one = std::slice::from_ref(&moved);
    assert_eq!(other.assertion_keys().await.unwrap(), one);
    // What has ended is forgotten, and what has moved on is not.
    assert_eq!(other.sweep().await.unwrap(), 1);
    assert_eq!(other.assertion_keys().await.unwrap(), one);
}
