//! `[store]`: where the registry is kept.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};

use super::error::Error;
use super::kind;
use super::values::{optional_url, required};

/// Where the registry is kept.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Store {
    /// A table of Amazon DynamoDB, shared by all processes of an installation.
    DynamoDb(DynamoDb),
    /// A folder of this machine, for one process.
    Sqlite(Sqlite),
}

/// `kind = "dynamodb"`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DynamoDb {
    /// The table's name.
    pub table: String,
    /// Its region, such as `eu-central-1`.
    pub region: String,
    /// Where the API is, if not at AWS: an emulator, or a private endpoint.
    pub endpoint_url: String,
    /// Makes the table if it is not there. For an emulator: a table at AWS is described with the rest of the
    /// infrastructure, and protected.
    pub create_table: bool,
    /// How long a connection may take to come about, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long one attempt of a call may take, in milliseconds.
    pub attempt_timeout_ms: u64,
    /// How long a call may take with all its attempts, in milliseconds.
    pub operation_timeout_ms: u64,
}

/// `kind = "sqlite"`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sqlite {
    /// The folder of the database; made if absent, for its owner only.
    pub data_dir: PathBuf,
}

impl Default for Store {
    fn default() -> Self {
        Self::Sqlite(Sqlite::default())
    }
}

impl Default for DynamoDb {
    fn default() -> Self {
        Self {
            table: "turnpike".to_owned(),
            region: String::new(),
            endpoint_url: String::new(),
            create_table: false,
            // One lost request can be repeated within six seconds.
            connect_timeout_ms: 1000,
            attempt_timeout_ms: 2000,
            operation_timeout_ms: 6000,
        }
    }
}

impl Default for Sqlite {
    fn default() -> Self {
        Self { data_dir: PathBuf::from("turnpike-data") }
    }
}

impl<'de> Deserialize<'de> for Store {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (kind, section) = kind::split(deserializer, "sqlite")?;
        match kind.as_str() {
            "dynamodb" => Ok(Self::DynamoDb(kind::keys(&kind, section)?)),
            "sqlite" => Ok(Self::Sqlite(kind::keys(&kind, section)?)),
            _ => Err(kind::unknown(&kind, "`sqlite` or `dynamodb`")),
        }
    }
}

impl Store {
    /// Holds the section as a whole.
    ///
    /// # Errors
    ///
    /// The first key that makes no sense.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::DynamoDb(dynamodb) => dynamodb.check(),
            Self::Sqlite(Sqlite { data_dir }) => {
                required("store.data_dir", &data_dir.to_string_lossy())
            }
        }
    }
}

impl DynamoDb {
    fn check(&self) -> Result<(), Error> {
        let Self {
            table,
            region,
            endpoint_url,
            create_table,
            connect_timeout_ms,
            attempt_timeout_ms,
            operation_timeout_ms,
        } = self;
        required("store.table", table)?;
        required("store.region", region)?;
        if *connect_timeout_ms == 0 {
            return Err(Error::value("store.connect_timeout_ms", "must be more than 0"));
        }
        optional_url("store.endpoint_url", endpoint_url)?;
        if *create_table && endpoint_url.is_empty() {
            return Err(Error::value(
                "store.create_table",
                "is for an emulator: set store.endpoint_url",
            ));
        }
        if *attempt_timeout_ms == 0 || operation_timeout_ms < attempt_timeout_ms {
            return Err(Error::value(
                "store.operation_timeout_ms",
                "must be at least store.attempt_timeout_ms, and that more than 0",
            ));
        }
        Ok(())
    }
}
