//! What becomes of a commit when the way to the service, or the service, fails.

use std::time::Duration;

use turnpike_registry::store::{Error, Item, Key, Store as _, Write};
use turnpike_store_dynamodb::{DynamoStore, Settings};

use crate::support::{client, settings, wired};
use crate::wire::{Fault, Wire, cancelled, refusal};

/// How often a commit is sent at most.
const TRIES: usize = 8;

fn item(sk: &str) -> Item {
    let body = b"what nobody may see in a log".to_vec();
    Item { key: Key::new("p", sk), index1: None, index2: None, version: 1, body }
}

fn insert(sk: &str) -> [Write; 1] {
    [Write::insert(item(sk))]
}

async fn there(store: &DynamoStore, sk: &str) -> bool {
    store.get(&Key::new("p", sk)).await.unwrap().is_some()
}

/// How often the commit was sent; each time with the same words, token included.
fn sent(wire: &Wire) -> usize {
    let calls = wire.calls();
    assert!(calls.iter().all(|call| call.operation == "TransactWriteItems"), "{calls:?}");
    assert!(calls.iter().all(|call| call.body == calls[0].body), "{calls:?}");
    assert!(calls[0].body["ClientRequestToken"].is_string(), "{calls:?}");
    calls.len()
}

#[tokio::test]
async fn conflicts_and_throttles_are_tried_again() {
    let (store, wire) = wired(settings().await).await;
    let busy = [
        cancelled(&["TransactionConflict"]),
        cancelled(&["ThrottlingError"]),
        cancelled(&["ProvisionedThroughputExceeded"]),
        refusal("ProvisionedThroughputExceededException"),
        refusal("RequestLimitExceeded"),
        refusal("ThrottlingException"),
    ];
    for (n, fault) in busy.into_iter().enumerate() {
        let sk = n.to_string();
        wire.next([fault.clone(), fault.clone()]);
        store.commit(&insert(&sk)).await.unwrap();
        assert_eq!(sent(&wire), 3, "{fault:?}");
        assert!(there(&store, &sk).await);

        wire.next(vec![fault.clone(); TRIES]);
        let answer = store.commit(&insert("never")).await;
        assert!(matches!(answer, Err(Error::Contended)), "{fault:?}: {answer:?}");
        assert_eq!(sent(&wire), TRIES, "{fault:?}");
        assert!(!there(&store, "never").await);
    }
}

#[tokio::test]
async fn a_failed_precondition_is_never_tried_again() {
    let (store, wire) = wired(settings().await).await;
    let writes: Vec<_> = ["a", "b", "c"].map(item).map(Write::insert).into();
    for (reasons, position) in [
        (["TransactionConflict", "ConditionalCheckFailed", "None"], 1),
        (["ThrottlingError", "TransactionConflict", "ConditionalCheckFailed"], 2),
        (["ConditionalCheckFailed", "None", "ConditionalCheckFailed"], 0),
    ] {
        wire.next([cancelled(&reasons)]);
        let answer = store.commit(&writes).await;
        let refused = matches!(answer, Err(Error::Precondition(found)) if found == position);
        assert!(refused, "{reasons:?}: {answer:?}");
        assert_eq!(sent(&wire), 1);
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_made_once() {
    let patient = settings().await;
    let impatient = Settings { attempt_timeout: Duration::from_secs(1), ..settings().await };
    for (settings, fault) in [
        (patient.clone(), Fault::LoseAnswer),
        (patient, Fault::LoseAnswerTo500),
        (impatient, Fault::LoseAnswerToTime),
    ] {
        let (store, wire) = wired(settings).await;
        // Were a later try made anew, the item would be there already.
        wire.next([fault.clone()]);
        let sk = format!("{fault:?}");
        store.commit(&insert(&sk)).await.unwrap();
        assert!(sent(&wire) > 1, "{fault:?}");
        assert!(there(&store, &sk).await);
    }
}

#[tokio::test]
async fn a_commit_that_was_never_heard_of_is_made_by_the_next_try() {
    let (store, wire) = wired(settings().await).await;
    for (n, fault) in [
        Fault::LoseCall,
        refusal("TransactionInProgressException"),
        Fault::Answer(503, serde_json::Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        let sk = n.to_string();
        wire.next([fault.clone()]);
        store.commit(&insert(&sk)).await.unwrap();
        assert_eq!(sent(&wire), 2, "{fault:?}");
        assert!(there(&store, &sk).await);
    }
}

/// What is said after a lost answer: only what is known.
#[tokio::test]
async fn an_outcome_that_stays_unknown_is_unavailable() {
    let (store, wire) = wired(settings().await).await;
    let busy = || cancelled(&["TransactionConflict"]);
    let lost: Vec<_> = (1..TRIES).map(|_| busy()).collect();
    for (n, faults) in [
        vec![Fault::LoseAnswer; TRIES],
        [vec![Fault::LoseAnswer], lost.clone()].concat(),
        [lost, vec![Fault::LoseAnswerTo500]].concat(),
    ]
    .into_iter()
    .enumerate()
    {
        let sk = n.to_string();
        wire.next(faults.clone());
        let answer = store.commit(&insert(&sk)).await;
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{faults:?}: {answer:?}");
        assert_eq!(sent(&wire), TRIES, "{faults:?}");
        assert!(there(&store, &sk).await);
    }
}

#[tokio::test]
async fn a_lost_call_and_then_a_rival_is_a_failed_precondition() {
    let settings = settings().await;
    let rival = DynamoStore::over(client(&settings), &settings);
    let (store, wire) = wired(settings.clone()).await;
    rival.await.unwrap().commit(&insert("a")).await.unwrap();
    wire.next([Fault::LoseCall]);
    let answer = store.commit(&insert("a")).await;
    assert!(matches!(answer, Err(Error::Precondition(0))), "{answer:?}");
    assert_eq!(sent(&wire), 2);
}

#[tokio::test]
async fn no_try_begins_after_its_time() {
    let within = Duration::from_secs(1);
    let settings =
        Settings { attempt_timeout: within, operation_timeout: within, ..settings().await };
    let (store, wire) = wired(settings).await;
    wire.next(vec![Fault::LoseAnswerToTime; TRIES]);
    let answer = store.commit(&insert("a")).await;
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    assert_eq!(sent(&wire), 1);
}

#[tokio::test]
async fn what_waiting_does_not_mend_is_said_at_once_and_says_no_secret() {
    let (store, wire) = wired(settings().await).await;
    for code in ["AccessDeniedException", "ExpiredTokenException", "ResourceNotFoundException"] {
        wire.next([refusal(code)]);
        let Err(error @ Error::Unavailable(_)) = store.commit(&insert("a")).await else {
            panic!("{code} is no answer");
        };
        assert_eq!(sent(&wire), 1, "{code}");
        let said = format!("{error:?}");
        assert!(said.contains(&format!("{code}: said the service")), "{said}");
        for secret in ["Credential", "Signature", "authorization", "what nobody may see", "d2hhd"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
    wire.next([cancelled(&["ValidationError"])]);
    let answer = store.commit(&insert("a")).await;
    assert!(matches!(answer, Err(Error::Invalid(_))), "{answer:?}");
    assert_eq!(sent(&wire), 1);
    assert!(!there(&store, "a").await);
}

#[tokio::test]
async fn with_the_service_gone_all_is_unavailable() {
    let settings = settings().await;
    let (store, wire) = wired(settings).await;
    wire.next(vec![Fault::LoseCall; 3 * TRIES]);
    let answer = store.commit(&insert("a")).await;
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    let answer = store.get(&Key::new("p", "a")).await;
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    wire.next([]);
    store.commit(&insert("a")).await.unwrap();
}
