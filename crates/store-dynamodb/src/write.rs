//! A commit as `DynamoDB` takes it, and what it means when it does not.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{CancellationReason, ConditionCheck, Delete, Put, TransactWriteItem};
use turnpike_registry::store::{Error, Precondition, Write};

use crate::failure::throttled;
use crate::item::{self, Attributes, PK, VERSION};

/// The actions of a checked commit, in its order.
pub fn actions(table: &str, writes: &[Write]) -> Result<Vec<TransactWriteItem>, Error> {
    writes.iter().map(|write| action(table, write)).collect()
}

/// Why a transaction was cancelled.
#[derive(Debug, Eq, PartialEq)]
pub enum Cancelled {
    /// Others were at it, or it was too much at once: it may be made later.
    Busy,
    /// The precondition of the write at this position does not hold.
    Precondition(usize),
    /// It can never be made; with the code of the service.
    Refused(String),
}

impl Cancelled {
    /// Reads the reasons, of which each write has one; "None" is a word of the service.
    ///
    /// A failed precondition is an answer, and beats what else was in the way.
    pub fn of(reasons: &[CancellationReason]) -> Cancelled {
        let codes = || reasons.iter().map(|reason| reason.code().unwrap_or("None")).enumerate();
        if let Some((position, _)) = codes().find(|(_, code)| *code == "ConditionalCheckFailed") {
            return Cancelled::Precondition(position);
        }
        let final_word = codes()
            .map(|(_, code)| code)
            .find(|code| !matches!(*code, "None" | "TransactionConflict") && !throttled(code));
        final_word.map_or(Cancelled::Busy, |code| Cancelled::Refused(code.to_owned()))
    }
}

fn action(table: &str, write: &Write) -> Result<TransactWriteItem, Error> {
    let Condition { expression, names, values } = Condition::of(write.precondition());
    let action = TransactWriteItem::builder();
    let action = match write {
        Write::Check { key, .. } => action.condition_check(
            ConditionCheck::builder()
                .table_name(table)
                .set_key(Some(item::key(key)))
                .set_condition_expression(expression)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .build()
                .map_err(unbuilt)?,
        ),
        Write::Delete { key, .. } => action.delete(
            Delete::builder()
                .table_name(table)
                .set_key(Some(item::key(key)))
                .set_condition_expression(expression)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .build()
                .map_err(unbuilt)?,
        ),
        Write::Put { item, .. } => action.put(
            Put::builder()
                .table_name(table)
                .set_item(Some(item::attributes(item)))
                .set_condition_expression(expression)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .build()
                .map_err(unbuilt)?,
        ),
    };
    Ok(action.build())
}

/// A precondition in the service's words. A placeholder that is defined and not used is an error there.
struct Condition {
    expression: Option<String>,
    names: Option<HashMap<String, String>>,
    values: Option<Attributes>,
}

impl Condition {
    fn of(precondition: Precondition) -> Condition {
        let with = |expression: &str, name: &str, values: Option<Attributes>| Condition {
            expression: Some(expression.to_owned()),
            names: Some(HashMap::from([("#n".to_owned(), name.to_owned())])),
            values,
        };
        match precondition {
            Precondition::Any => Condition { expression: None, names: None, values: None },
            Precondition::Absent => with("attribute_not_exists(#n)", PK, None),
            Precondition::Exists => with("attribute_exists(#n)", PK, None),
            Precondition::Version(version) => {
                let value = (":v".to_owned(), item::version(version));
                with("#n = :v", VERSION, Some(HashMap::from([value])))
            }
        }
    }
}

fn unbuilt(_: aws_sdk_dynamodb::error::BuildError) -> Error {
    Error::Invalid("a write lacks what a request needs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cancelled(codes: &[&str]) -> Cancelled {
        let reason = |code: &&str| CancellationReason::builder().code(*code).build();
        Cancelled::of(&codes.iter().map(reason).collect::<Vec<_>>())
    }

    #[test]
    fn the_lowest_failed_precondition_is_the_answer() {
        for (codes, position) in [
            (&["ConditionalCheckFailed"][..], 0),
            (&["None", "ConditionalCheckFailed", "None", "ConditionalCheckFailed"], 1),
            (&["TransactionConflict", "None", "ConditionalCheckFailed"], 2),
            (&["ThrottlingError", "ConditionalCheckFailed", "ValidationError"], 1),
        ] {
            assert_eq!(cancelled(codes), Cancelled::Precondition(position), "{codes:?}");
        }
    }

    #[test]
    fn conflicts_and_throttles_alone_are_no_answer() {
        for codes in [
            &["TransactionConflict"][..],
            &["None", "ThrottlingError"],
            &["ProvisionedThroughputExceeded", "TransactionConflict", "None"],
            &["None"],
            &[],
        ] {
            assert_eq!(cancelled(codes), Cancelled::Busy, "{codes:?}");
        }
    }

    #[test]
    fn what_no_retry_mends_is_said() {
        for code in ["ValidationError", "ItemCollectionSizeLimitExceeded", "AccessDenied"] {
            let expected = Cancelled::Refused(code.to_owned());
            assert_eq!(cancelled(&["None", "TransactionConflict", code]), expected);
        }
    }
}
