//! The table that is deployed is one that the store opens.

use turnpike_registry::store::{IndexKey, Item, Key, Query, Source, Store, Write};
use turnpike_store_dynamodb::{DynamoStore, Settings};
use turnpike_testkit::ministack::MiniStack;

use crate::support::{client, settings};

#[tokio::test]
async fn the_synthesized_table_passes_the_check_at_start() {
    let emulator = MiniStack::start().await;
    let made = emulator.provision().await;
    let settings = Settings {
        endpoint_url: Some(emulator.url().to_owned()),
        table: made.table,
        ..settings().await
    };
    let client = client(&settings);
    let store = DynamoStore::over(client, &settings).await.unwrap();
    let item = Item {
        key: Key::new("p", "s"),
        index1: Some(IndexKey::new("i", "1")),
        index2: Some(IndexKey::new("j", "2")),
        version: 1,
        body: b"x".to_vec(),
    };
    store.commit(&[Write::insert(item.clone())]).await.unwrap();
    for (source, pk) in [(Source::Table, "p"), (Source::Index1, "i"), (Source::Index2, "j")] {
        let found = store.query(&Query::new(source, pk, 10)).await.unwrap();
        assert_eq!(found.items, std::slice::from_ref(&item), "{source:?}");
    }
}
