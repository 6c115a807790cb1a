//! Reads: one item, or a page of a query.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use turnpike_registry::store::{Error, Item, Key, Order, Page, Query, Range};

use crate::failure;
use crate::item::{self, PK, SK};

/// The item with this key.
pub async fn get(client: &Client, table: &str, key: &Key) -> Result<Option<Item>, Error> {
    let answer = client
        .get_item()
        .table_name(table)
        .set_key(Some(item::key(key)))
        .consistent_read(true)
        .send()
        .await
        .map_err(|error| failure::read("GetItem", &error))?;
    answer.item.map(item::item).transpose()
}

/// One page of a checked query.
///
/// `DynamoDB` breaks off after a megabyte, or for reasons of its own, and may say that there is more when there
/// is not; so it is asked until one item more than the page holds is there, or it says that there is no more.
pub async fn query(client: &Client, table: &str, query: &Query) -> Result<Page, Error> {
    let index = item::index(query.source);
    let (pk, sk) = index.map_or((PK, SK), |index| (index.pk, index.sk));
    let (condition, bounds) = condition(&query.range);
    let mut request = client
        .query()
        .table_name(table)
        .set_index_name(index.map(|index| index.name.to_owned()))
        // An index cannot be read consistently; to ask for it is an error.
        .consistent_read(index.is_none())
        .scan_index_forward(query.order == Order::Forward)
        .key_condition_expression(condition)
        .expression_attribute_names("#pk", pk)
        .expression_attribute_values(":pk", AttributeValue::S(query.pk.clone()));
    if !bounds.is_empty() {
        request = request.expression_attribute_names("#sk", sk);
    }
    for (name, bound) in [":a", ":b"].into_iter().zip(bounds) {
        request = request.expression_attribute_values(name, AttributeValue::S(bound.to_owned()));
    }

    let wanted = query.limit + 1;
    let mut items = Vec::new();
    let mut start = query.after.as_ref().map(|after| item::start(query.source, after));
    loop {
        let more = i32::try_from(wanted - items.len()).unwrap_or(i32::MAX);
        let answer = request
            .clone()
            .limit(more)
            .set_exclusive_start_key(start.clone())
            .send()
            .await
            .map_err(|error| failure::read("Query", &error))?;
        for attributes in answer.items.unwrap_or_default() {
            items.push(item::item(attributes)?);
        }
        // An empty map would be taken for "from the beginning".
        let next = answer.last_evaluated_key.filter(|next| !next.is_empty());
        if next.is_none() || items.len() >= wanted {
            return Ok(Page::of(query, items));
        }
        if next == start {
            return Err(Error::Unavailable(
                "Query: the service does not get past one place".into(),
            ));
        }
        start = next;
    }
}

/// The key condition of a range, with the bounds that it calls `:a` and `:b`.
fn condition(range: &Range) -> (&'static str, Vec<&str>) {
    match range {
        Range::All => ("#pk = :pk", vec![]),
        Range::Between(from, to) => ("#pk = :pk AND #sk BETWEEN :a AND :b", vec![from, to]),
        Range::From(from) => ("#pk = :pk AND #sk >= :a", vec![from]),
        Range::Prefix(prefix) => ("#pk = :pk AND begins_with(#sk, :a)", vec![prefix]),
        Range::To(to) => ("#pk = :pk AND #sk <= :a", vec![to]),
    }
}
