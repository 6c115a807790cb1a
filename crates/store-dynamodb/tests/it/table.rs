//! The table: made, recognised, refused.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, Projection, ProjectionType, ScalarAttributeType,
};
use turnpike_registry::store::{Key, Store as _};
use turnpike_store_dynamodb::{DynamoStore, OpenError, Settings, connect_as, create};
use turnpike_testkit::ministack::MiniStack;

use crate::support::{client, credentials, settings, wired};
use crate::wire::{Fault, refusal};

const MARKER: (&str, &str) = ("\0turnpike", "schema");

async fn refused(client: &Client, settings: &Settings) -> OpenError {
    DynamoStore::over(client.clone(), settings).await.unwrap_err()
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

#[tokio::test]
async fn it_is_made_once_and_opened_often() {
    let settings = settings().await;
    let client = client(&settings);
    let missing = refused(&client, &settings).await;
    assert!(matches!(missing, OpenError::Missing { .. }), "{missing:?}");
    assert!(missing.to_string().contains(&settings.table), "{missing}");
    let (one, two) =
        tokio::join!(create(&client, &settings.table), create(&client, &settings.table));
    one.and(two).unwrap();
    create(&client, &settings.table).await.unwrap();
    for _ in 0..2 {
        DynamoStore::over(client.clone(), &settings).await.unwrap();
    }
}

/// A table like ours, but for the index's name, the key, and what the index holds.
async fn alike(settings: &Settings, index: &str, sk: &str, projection: ProjectionType) {
    let key = |name: &str, kind| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
    };
    let index_of = |name: &str, pk: &str, sk: &str| {
        GlobalSecondaryIndex::builder()
            .index_name(name)
            .key_schema(key(pk, KeyType::Hash))
            .key_schema(key(sk, KeyType::Range))
            .projection(Projection::builder().projection_type(projection.clone()).build())
            .build()
            .unwrap()
    };
    let definitions = ["pk", sk, "i1pk", "i1sk", "i2pk", "i2sk"].map(|name| {
        let kind = if name == "seq" { ScalarAttributeType::N } else { ScalarAttributeType::S };
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap()
    });
    client(settings)
        .create_table()
        .table_name(&settings.table)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(definitions.to_vec()))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key(sk, KeyType::Range))
        .global_secondary_indexes(index_of("index1", "i1pk", "i1sk"))
        .global_secondary_indexes(index_of(index, "i2pk", "i2sk"))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_table_of_another_shape_is_refused_and_left_alone() {
    for (index, sk, projection, problem) in [
        ("index3", "sk", ProjectionType::All, "it has no index `index2`"),
        ("index2", "seq", ProjectionType::All, r#"the key of the table is ["pk", "seq"]"#),
        ("index2", "sk", ProjectionType::KeysOnly, "`index1` does not hold whole items"),
    ] {
        let settings = settings().await;
        alike(&settings, index, sk, projection).await;
        let client = client(&settings);
        for refused in
            [refused(&client, &settings).await, create(&client, &settings.table).await.unwrap_err()]
        {
            assert!(matches!(refused, OpenError::Shape { .. }), "{refused:?}");
            assert!(refused.to_string().contains(problem), "{refused}");
        }
        let items = client.scan().table_name(&settings.table).send().await.unwrap();
        assert_eq!(items.items(), []);
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_its_number() {
    let settings = settings().await;
    let client = client(&settings);
    create(&client, &settings.table).await.unwrap();
    for (version, said) in [
        (AttributeValue::N("7000".to_owned()), "schema version 7000, and this release knows"),
        (text("one"), "its schema version is not a number"),
    ] {
        client
            .put_item()
            .table_name(&settings.table)
            .item("pk", text(MARKER.0))
            .item("sk", text(MARKER.1))
            .item("v", version)
            .send()
            .await
            .unwrap();
        let refused = refused(&client, &settings).await;
        assert!(refused.to_string().contains(said), "{refused}");
    }
}

/// A role without the right to write; and two that open a new table at once.
#[tokio::test]
async fn a_table_without_a_schema_version_is_new() {
    let settings = settings().await;
    alike(&settings, "index2", "sk", ProjectionType::All).await;
    let (_, wire) = wired(settings.clone()).await;
    let client = wire.client(&settings);
    let marker = client
        .delete_item()
        .table_name(&settings.table)
        .key("pk", text(MARKER.0))
        .key("sk", text(MARKER.1));

    marker.clone().send().await.unwrap();
    wire.next([Fault::Pass, Fault::Pass, refusal("AccessDeniedException")]);
    let store = DynamoStore::over(client.clone(), &settings).await.unwrap();
    assert_eq!(wire.calls().len(), 3);
    assert_eq!(store.get(&Key::new("p", "s")).await.unwrap(), None);

    wire.next([Fault::Pass, Fault::Pass, Fault::LoseAnswer]);
    DynamoStore::over(client.clone(), &settings).await.unwrap();
    let operations: Vec<_> = wire.calls().into_iter().map(|call| call.operation).collect();
    assert_eq!(operations, ["DescribeTable", "GetItem", "PutItem", "PutItem", "GetItem"]);
}

#[tokio::test]
async fn a_table_that_is_being_made_is_not_ready() {
    let (_, wire) = wired(settings().await).await;
    let settings = settings().await;
    create(&client(&settings), &settings.table).await.unwrap();
    let not_yet = |change| [Fault::Change(change)];
    for (fault, said) in [
        (
            not_yet(|mut answer| {
                answer["Table"]["TableStatus"] = "CREATING".into();
                answer
            }),
            "cannot be used: the table is CREATING",
        ),
        (
            not_yet(|mut answer| {
                answer["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"] = "CREATING".into();
                answer
            }),
            "cannot be used: index `index",
        ),
    ] {
        wire.next(fault.clone());
        let refused = refused(&wire.client(&settings), &settings).await;
        assert!(refused.to_string().contains(said), "{refused}");
        // Who makes it waits.
        wire.next([Fault::Pass].into_iter().chain(fault));
        create(&wire.client(&settings), &settings.table).await.unwrap();
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_unavailable() {
    let settings = settings().await;
    let (_, wire) = wired(settings.clone()).await;
    wire.next(vec![Fault::LoseCall; 9]);
    let refused = refused(&wire.client(&settings), &settings).await;
    assert!(matches!(refused, OpenError::Unavailable { .. }), "{refused:?}");
    assert!(refused.to_string().contains("the connection broke"), "{refused}");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let sane = || Settings {
        endpoint_url: Some("http://127.0.0.1:4566".to_owned()),
        ..Settings::new("turnpike", "eu-west-1")
    };
    connect_as(&sane(), credentials()).unwrap();
    connect_as(&Settings { endpoint_url: None, ..sane() }, credentials()).unwrap();
    let endpoint = |url: &str| Settings { endpoint_url: Some(url.to_owned()), ..sane() };
    let zero = std::time::Duration::ZERO;
    for (settings, key) in [
        (Settings { table: "ab".to_owned(), ..sane() }, "table"),
        (Settings { table: "a/b/c".to_owned(), ..sane() }, "table"),
        (Settings { region: String::new(), ..sane() }, "region"),
        (Settings { region: "eu-west-1.evil".to_owned(), ..sane() }, "region"),
        (endpoint(""), "endpoint_url"),
        (endpoint("localhost:4566"), "endpoint_url"),
        (endpoint("ftp://localhost"), "endpoint_url"),
        (endpoint("http://user:password@localhost"), "endpoint_url"),
        (endpoint("http://localhost/path"), "endpoint_url"),
        (endpoint("http://localhost?query"), "endpoint_url"),
        (Settings { connect_timeout: zero, ..sane() }, "connect_timeout"),
        (Settings { attempt_timeout: zero, ..sane() }, "attempt_timeout"),
        (
            Settings { operation_timeout: std::time::Duration::from_secs(1), ..sane() },
            "attempt_timeout",
        ),
    ] {
        let refused = connect_as(&settings, credentials()).unwrap_err();
        let expected = matches!(refused, OpenError::Setting { key: found, .. } if found == key);
        assert!(expected, "{settings:?}: {refused:?}");
        assert!(!refused.to_string().contains("password"), "{refused}");
    }
}

#[tokio::test]
async fn emulators_stand_side_by_side_and_end_with_their_owner() {
    let (one, two) = tokio::join!(MiniStack::start(), MiniStack::start());
    let at = |emulator: &MiniStack| Settings {
        endpoint_url: Some(emulator.url().to_owned()),
        ..Settings::new("turnpike", MiniStack::REGION)
    };
    let [in_one, in_two] = [at(&one), at(&two)];
    create(&client(&in_one), "turnpike").await.unwrap();
    let missing = refused(&client(&in_two), &in_two).await;
    assert!(matches!(missing, OpenError::Missing { .. }), "{missing:?}");
    drop(one);
    let gone = refused(&client(&in_one), &in_one).await;
    assert!(matches!(gone, OpenError::Unavailable { .. }), "{gone:?}");
}
