//! One emulator for all tests of this program, and a table for each that asks.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use tokio::sync::OnceCell;
use turnpike_store_dynamodb::{DynamoStore, Settings, connect_as, create};
use turnpike_testkit::ministack::MiniStack;

pub fn credentials() -> Credentials {
    Credentials::from_keys(MiniStack::ACCESS_KEY_ID, MiniStack::SECRET_ACCESS_KEY, None)
}

/// Settings of a table that is not there yet.
pub async fn settings() -> Settings {
    static EMULATOR: OnceCell<MiniStack> = OnceCell::const_new();
    static TABLES: AtomicUsize = AtomicUsize::new(0);
    let emulator = EMULATOR.get_or_init(MiniStack::start).await;
    let table = format!("table-{}", TABLES.fetch_add(1, Ordering::Relaxed));
    Settings {
        endpoint_url: Some(emulator.url().to_owned()),
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
