//! Reads: what is asked for, and answers that come in pieces or not at all.

use serde_json::{Value, json};
use turnpike_registry::store::{Error, IndexKey, Item, Key, Query, Source, Store as _, Write};
use turnpike_store_dynamodb::DynamoStore;

use crate::support::{settings, wired};
use crate::wire::{Fault, Wire, refusal};

/// Five items, of the partition `p` and of `i` of the first index.
async fn filled() -> (DynamoStore, Wire, Vec<Item>) {
    let (store, wire) = wired(settings().await).await;
    let items: Vec<_> = ["a", "b", "c", "d", "e"]
        .map(|sk| Item {
            key: Key::new("p", sk),
            index1: Some(IndexKey::new("i", sk)),
            index2: None,
            version: 1,
            body: sk.into(),
        })
        .into();
    let writes: Vec<_> = items.iter().cloned().map(Write::insert).collect();
    store.commit(&writes).await.unwrap();
    (store, wire, items)
}

fn sources() -> [Query; 2] {
    [Query::new(Source::Table, "p", 3), Query::new(Source::Index1, "i", 3)]
}

/// Breaks a page off after its first item, as the service may at any time.
fn after_one(mut page: Value) -> Value {
    let first = page["Items"][0].clone();
    let keys = ["pk", "sk", "i1pk", "i1sk"].map(|name| (name.to_owned(), first[name].clone()));
    page["Items"] = json!([first]);
    page["LastEvaluatedKey"] = Value::Object(keys.into_iter().collect());
    page
}

/// Gives nothing yet, but a place to go on from.
fn nothing_yet(_: Value) -> Value {
    json!({"Items": [], "Count": 0, "LastEvaluatedKey": {"pk": {"S": "p"}, "sk": {"S": "A"},
        "i1pk": {"S": "i"}, "i1sk": {"S": "A"}}})
}

/// Says that there is more after the last item, as the service does when a page is exactly full.
fn more_after_the_last(mut page: Value) -> Value {
    let last = page["Items"].as_array().unwrap().last().cloned().unwrap();
    page["LastEvaluatedKey"] = json!({"pk": last["pk"], "sk": last["sk"]});
    page
}

#[tokio::test]
async fn the_table_is_read_consistently_and_an_index_is_not_asked_to_be() {
    let (store, wire, items) = filled().await;
    wire.next([]);
    store.get(&items[0].key).await.unwrap();
    for query in sources() {
        store.query(&query).await.unwrap();
    }
    let asked: Vec<_> = wire
        .calls()
        .into_iter()
        .map(|call| (call.operation, call.body["ConsistentRead"].clone()))
        .collect();
    let expected = [("GetItem", true), ("Query", true), ("Query", false)]
        .map(|(name, consistent)| (name.to_owned(), json!(consistent)));
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_page_that_comes_in_pieces_is_full() {
    let (store, wire, items) = filled().await;
    for query in sources() {
        for faults in [
            vec![Fault::Change(after_one)],
            vec![Fault::Change(after_one); 3],
            vec![Fault::Change(nothing_yet)],
            vec![Fault::Change(nothing_yet), Fault::Change(after_one)],
        ] {
            wire.next(faults.clone());
            let page = store.query(&query).await.unwrap();
            assert_eq!(page.items, items[..3], "{faults:?}");
            assert!(wire.calls().len() > faults.len());
            let rest = store.query(&query.clone().after(page.next)).await.unwrap();
            assert_eq!((&rest.items[..], rest.next), (&items[3..], None), "{faults:?}");
        }
    }
}

#[tokio::test]
async fn more_that_does_not_come_is_no_next_page() {
    let (store, wire, items) = filled().await;
    for limit in [5, 6] {
        wire.next([Fault::Change(more_after_the_last)]);
        let page = store.query(&Query::new(Source::Table, "p", limit)).await.unwrap();
        assert_eq!((&page.items, page.next), (&items, None));
        assert_eq!(wire.calls().len(), 2);
    }
}

/// A paginator of the SDK would end here as if all had been read.
#[tokio::test]
async fn a_place_that_comes_again_is_an_error() {
    let (store, wire, _) = filled().await;
    for query in sources() {
        wire.next(vec![Fault::Change(nothing_yet); 9]);
        let answer = store.query(&query).await;
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
        assert_eq!(wire.calls().len(), 2);
    }
}

#[tokio::test]
async fn reads_are_tried_again_and_not_for_ever() {
    let (store, wire, items) = filled().await;
    let busy = || refusal("ThrottlingException");
    for (faults, contended) in [
        (vec![busy(); 3], true),
        (vec![Fault::LoseCall; 3], false),
        (vec![Fault::LoseAnswerTo500; 3], false),
    ] {
        wire.next(faults[..2].to_vec());
        assert_eq!(store.get(&items[0].key).await.unwrap().as_ref(), Some(&items[0]));
        wire.next(faults.clone());
        let answer = store.get(&items[0].key).await;
        let expected = matches!(
            (&answer, contended),
            (Err(Error::Contended), true) | (Err(Error::Unavailable(_)), false)
        );
        assert!(expected, "{faults:?}: {answer:?}");

        wire.next(faults[..2].to_vec());
        assert_eq!(store.query(&sources()[0]).await.unwrap().items, items[..3]);
        wire.next(faults.clone());
        assert!(store.query(&sources()[0]).await.is_err(), "{faults:?}");
    }
}

#[tokio::test]
async fn what_is_none_of_ours_is_corrupt() {
    let (store, wire, items) = filled().await;
    wire.next([Fault::Change(|mut answer| {
        answer["Item"]["v"] = json!({"S": "one"});
        answer
    })]);
    let answer = store.get(&items[0].key).await;
    assert!(matches!(answer, Err(Error::Corrupt(_))), "{answer:?}");
    wire.next([Fault::Change(|mut page| {
        page["Items"][1].as_object_mut().unwrap().remove("b");
        page
    })]);
    let answer = store.query(&sources()[0]).await;
    assert!(matches!(answer, Err(Error::Corrupt(_))), "{answer:?}");
}
