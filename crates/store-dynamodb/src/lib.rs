//! The store seam over Amazon `DynamoDB`: one table, two indexes, any number of processes.
//!
//! Every commit is one `TransactWriteItems`, also one of a single write: only there does the service take a
//! token by which it knows a repeat. So a commit whose answer was lost is sent again with its token, and the
//! service itself tells whether it was made.
//!
//! What a role needs of IAM: `dynamodb:DescribeTable` and `dynamodb:GetItem` on the table, `dynamodb:Query` on
//! table and indexes; to write also `dynamodb:PutItem`, `dynamodb:DeleteItem` and
//! `dynamodb:ConditionCheckItem`.

mod client;
mod commit;
mod failure;
mod item;
mod open;
mod read;
mod table;
mod write;

use std::fmt;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use turnpike_registry::store::{Error, Item, Key, Page, Query, Store, Write, check};

pub use client::{Settings, connect, connect_as};
pub use open::OpenError;
pub use table::create;

/// A [`Store`] in a table of `DynamoDB`. Cheap to clone.
#[derive(Clone)]
pub struct DynamoStore {
    client: Client,
    table: String,
    tries: commit::Tries,
}

impl DynamoStore {
    /// Opens the table with the credentials of the environment: variables, profile, web identity, container or
    /// instance, in this order.
    ///
    /// The table must have the shape that [`create`] gives it, and is left alone if it has not.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(settings: &Settings) -> Result<DynamoStore, OpenError> {
        DynamoStore::over(connect(settings).await?, settings).await
    }

    /// Opens the table with a client of [`connect`] or [`connect_as`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn over(client: Client, settings: &Settings) -> Result<DynamoStore, OpenError> {
        open::check(&client, &settings.table).await?;
        Ok(DynamoStore {
            client,
            table: settings.table.clone(),
            tries: commit::Tries { within: settings.operation_timeout },
        })
    }
}

#[async_trait]
impl Store for DynamoStore {
    async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        check::key(key)?;
        read::get(&self.client, &self.table, key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, Error> {
        check::query(query)?;
        read::query(&self.client, &self.table, query).await
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), Error> {
        check::commit(writes)?;
        commit::commit(&self.client, &self.table, writes, self.tries).await
    }
}

impl fmt::Debug for DynamoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoStore").field("table", &self.table).finish_non_exhaustive()
    }
}
