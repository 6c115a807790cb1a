//! The table: its shape, and how it is made.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, IndexStatus, KeySchemaElement, KeyType,
    Projection, ProjectionType, ScalarAttributeType, TableDescription, TableStatus,
};
use tokio::time::{Instant, sleep};

use crate::failure::Failure;
use crate::item::{INDEX1, INDEX2, Index, PK, SK};
use crate::open::{self, OpenError};

/// How long a table may take to be made, indexes included.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(250);

/// Makes the table with its two indexes, billed by use, and waits until it can be used. One that is there
/// already is checked, not changed.
///
/// For tests, emulators and first steps. A production table also wants deletion protection and point-in-time
/// recovery, which belong to whoever describes the infrastructure.
///
/// # Errors
/// See [`OpenError`].
pub async fn create(client: &Client, table: &str) -> Result<(), OpenError> {
    let unbuilt = |error: BuildError| OpenError::unavailable(table, error);
    let mut request = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(keys(PK, SK).map_err(unbuilt)?));
    for name in [PK, SK, INDEX1.pk, INDEX1.sk, INDEX2.pk, INDEX2.sk] {
        let definition = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(unbuilt)?;
        request = request.attribute_definitions(definition);
    }
    for index in [INDEX1, INDEX2] {
        let index = GlobalSecondaryIndex::builder()
            .index_name(index.name)
            .set_key_schema(Some(keys(index.pk, index.sk).map_err(unbuilt)?))
            .projection(Projection::builder().projection_type(ProjectionType::All).build())
            .build()
            .map_err(unbuilt)?;
        request = request.global_secondary_indexes(index);
    }
    if let Err(error) = request.send().await
        && !error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception())
    {
        return Err(OpenError::unavailable(table, Failure::of("CreateTable", &error)));
    }

    let until = Instant::now() + PATIENCE;
    loop {
        match open::check(client, table).await {
            Err(OpenError::NotReady { .. } | OpenError::Missing { .. })
                if Instant::now() < until =>
            {
                sleep(LOOK).await;
            }
            answer => return answer,
        }
    }
}

/// What is wrong with a table's shape; nothing if all is as [`create`] makes it. Whatever it has besides is not
/// looked at.
pub fn problems(table: &TableDescription) -> Vec<String> {
    let mut problems = Vec::new();
    let mut hold = |what: &str, found: Option<&[KeySchemaElement]>, pk: &str, sk: &str| {
        let found = key_names(found.unwrap_or_default());
        if found != [pk, sk] {
            problems.push(format!("the key of {what} is {found:?}, not [{pk:?}, {sk:?}]"));
        }
    };
    hold("the table", table.key_schema.as_deref(), PK, SK);
    let described = |index: &Index| {
        table.global_secondary_indexes().iter().find(|found| found.index_name() == Some(index.name))
    };
    for index in [INDEX1, INDEX2] {
        if let Some(found) = described(&index) {
            let what = format!("`{}`", index.name);
            hold(&what, found.key_schema.as_deref(), index.pk, index.sk);
        }
    }
    for index in [INDEX1, INDEX2] {
        let name = index.name;
        match described(&index).map(|found| found.projection()) {
            None => problems.push(format!("it has no index `{name}`")),
            Some(projection)
                if projection.and_then(Projection::projection_type)
                    != Some(&ProjectionType::All) =>
            {
                problems.push(format!("`{name}` does not hold whole items"));
            }
            Some(_) => {}
        }
    }
    for definition in table.attribute_definitions() {
        let name = definition.attribute_name();
        let ours = [PK, SK, INDEX1.pk, INDEX1.sk, INDEX2.pk, INDEX2.sk].contains(&name);
        if ours && *definition.attribute_type() != ScalarAttributeType::S {
            problems.push(format!("`{name}` is not a string"));
        }
    }
    problems
}

/// What of the table cannot be used yet, or any more.
pub fn waits_for(table: &TableDescription) -> Option<String> {
    // A table that is updated can be used.
    let usable =
        |status: &TableStatus| matches!(status, TableStatus::Active | TableStatus::Updating);
    if let Some(status) = table.table_status().filter(|status| !usable(status)) {
        return Some(format!("the table is {status}"));
    }
    let usable =
        |status: &IndexStatus| matches!(status, IndexStatus::Active | IndexStatus::Updating);
    table.global_secondary_indexes().iter().find_map(|index| {
        let status = index.index_status().filter(|status| !usable(status))?;
        Some(format!("index `{}` is {status}", index.index_name().unwrap_or_default()))
    })
}

fn keys(pk: &str, sk: &str) -> Result<Vec<KeySchemaElement>, BuildError> {
    [(pk, KeyType::Hash), (sk, KeyType::Range)]
        .into_iter()
        .map(|(name, kind)| KeySchemaElement::builder().attribute_name(name).key_type(kind).build())
        .collect()
}

/// The names of a key's attributes, partition first.
fn key_names(schema: &[KeySchemaElement]) -> Vec<&str> {
    let of = |kind: KeyType| {
        schema.iter().filter(move |part| *part.key_type() == kind).map(|part| part.attribute_name())
    };
    of(KeyType::Hash).chain(of(KeyType::Range)).collect()
}
