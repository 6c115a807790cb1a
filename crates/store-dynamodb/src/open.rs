//! Whether a table is ours and can be used.

use std::error::Error as StdError;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::failure::Failure;
use crate::item::{self, Attributes, PK, SK, VERSION};
use crate::table;

/// The schema that this release reads and writes. The table holds it in an item whose key no caller of the seam
/// can name, for their keys hold no NUL.
pub const SCHEMA: u64 = 1;
const MARKER: (&str, &str) = ("\0turnpike", "schema");

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such table in this account and region.
    #[error("there is no table `{table}`")]
    Missing {
        /// The table.
        table: String,
    },
    /// A later release has changed the schema. Nothing was touched.
    #[error(
        "table `{table}` has schema version {found}, and this release knows versions up to {known}"
    )]
    Newer {
        /// The table.
        table: String,
        /// The table's version.
        found: u64,
        /// The last version that this release knows.
        known: u64,
    },
    /// It is being made, or deleted.
    #[error("table `{table}` cannot be used: {what}")]
    NotReady {
        /// The table.
        table: String,
        /// What of it, and its state.
        what: String,
    },
    /// A setting makes no sense.
    #[error("{key}: {problem}")]
    Setting {
        /// Its name in [`crate::Settings`].
        key: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The table is something else, and was left as it is.
    #[error("table `{table}` is not a Turnpike table: {problems}")]
    Shape {
        /// The table.
        table: String,
        /// All that is different.
        problems: String,
    },
    /// The service did not answer, or refused.
    #[error("table `{table}` cannot be opened: {source}")]
    Unavailable {
        /// The table.
        table: String,
        /// What it answered.
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl OpenError {
    pub(crate) fn unavailable(
        table: &str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> OpenError {
        OpenError::Unavailable { table: table.to_owned(), source: source.into() }
    }
}

/// Holds the table's shape and schema version against what this release knows.
pub async fn check(client: &Client, table: &str) -> Result<(), OpenError> {
    let described = match client.describe_table().table_name(table).send().await {
        Ok(answer) => answer
            .table
            .unwrap_or_else(|| aws_sdk_dynamodb::types::TableDescription::builder().build()),
        Err(error)
            if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) =>
        {
            return Err(OpenError::Missing { table: table.to_owned() });
        }
        Err(error) => {
            return Err(OpenError::unavailable(table, Failure::of("DescribeTable", &error)));
        }
    };
    let problems = table::problems(&described);
    if !problems.is_empty() {
        return Err(OpenError::Shape { table: table.to_owned(), problems: problems.join("; ") });
    }
    if let Some(what) = table::waits_for(&described) {
        return Err(OpenError::NotReady { table: table.to_owned(), what });
    }
    schema(client, table).await
}

/// Reads the schema version. A table without one is new: whoever may write marks it.
async fn schema(client: &Client, table: &str) -> Result<(), OpenError> {
    let marker = client
        .get_item()
        .table_name(table)
        .set_key(Some(marker()))
        .consistent_read(true)
        .send()
        .await
        .map_err(|error| OpenError::unavailable(table, Failure::of("GetItem", &error)))?;
    let Some(marker) = marker.item else { return mark(client, table).await };
    match marker.get(VERSION).and_then(|version| version.as_n().ok()?.parse().ok()) {
        Some(SCHEMA) => Ok(()),
        Some(found) => Err(OpenError::Newer { table: table.to_owned(), found, known: SCHEMA }),
        None => Err(OpenError::Shape {
            table: table.to_owned(),
            problems: "its schema version is not a number".to_owned(),
        }),
    }
}

async fn mark(client: &Client, table: &str) -> Result<(), OpenError> {
    let mut item = marker();
    item.insert(VERSION.to_owned(), item::version(SCHEMA));
    let marked = client
        .put_item()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(#n)")
        .expression_attribute_names("#n", PK)
        .send()
        .await;
    let Err(error) = marked else { return Ok(()) };
    if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) {
        // Another process was faster, or our own first try was. Whatever it wrote is what counts.
        return Box::pin(schema(client, table)).await;
    }
    use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
    if error.code() == Some("AccessDeniedException") {
        // A role that only reads; the table stays unmarked until one that writes opens it.
        tracing::info!(table, "store.schema_unmarked");
        return Ok(());
    }
    Err(OpenError::unavailable(table, Failure::of("PutItem", &error)))
}

fn marker() -> Attributes {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    Attributes::from([(PK.to_owned(), text(MARKER.0)), (SK.to_owned(), text(MARKER.1))])
}
