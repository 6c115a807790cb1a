//! One emulator for all tests of this program, and a table for each that asks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use tokio::sync::OnceCell;
use turnpike_store_dynamodb::{DynamoStore, Settings, connect_as, create};
use turnpike_testkit::ministack::MiniStack;

use crate::wire::Wire;

pub fn credentials() -> Credentials {
    Credentials::from_keys(MiniStack::ACCESS_KEY_ID, MiniStack::SECRET_ACCESS_KEY, None)
}

/// Settings of a table that is not there yet.
pub async fn settings() -> Settings {
    static EMULATOR: OnceCell<MiniStack> = OnceCell::const_new();
    static TABLES: AtomicUsize = AtomicUsize::new(0);
    let emulator = EMULATOR.get_or_init(MiniStack::start).await;
    let table = format!("table-{}", TABLES.fetch_add(1, Ordering::Relaxed));
    // Of a busy machine nobody knows how long an answer takes; only a test that loses answers waits less.
    Settings {
        endpoint_url: Some(emulator.url().to_owned()),
        attempt_timeout: Duration::from_secs(30),
        operation_timeout: Duration::from_secs(60),
        ..Settings::new(table, MiniStack::REGION)
    }
}

pub fn client(settings: &Settings) -> Client {
    connect_as(settings, credentials()).unwrap()
}

/// A store over a new table.
pub async fn fresh() -> DynamoStore {
    let settings = settings().await;
    let client = client(&settings);
    create(&client, &settings.table).await.unwrap();
    DynamoStore::over(client, &settings).await.unwrap()
}

/// A store over a new table, or one that is there, and the way to it.
pub async fn wired(settings: Settings) -> (DynamoStore, Wire) {
    create(&client(&settings), &settings.table).await.unwrap();
    let wire = Wire::new();
    let store = DynamoStore::over(wire.client(&settings), &settings).await.unwrap();
    (store, wire)
}
