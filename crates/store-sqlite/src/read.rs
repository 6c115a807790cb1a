//! The reading threads' work. Each read is one statement, so it sees one state of the file.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};
use turnpike_registry::store::{Cursor, IndexKey, Item, Key, Order, Page, Query, Range, Source};

use crate::Read;

const SELECT: &str =
    "SELECT pk, sk, index1_pk, index1_sk, index2_pk, index2_sk, version, body FROM items";

/// Runs the reads it is given on its connection.
pub fn worker(connection: Connection) -> impl FnMut(&mut Vec<Read>) + Send {
    // A service uses a dozen shapes of `Select`, each with a page size or two.
    connection.set_prepared_statement_cache_capacity(64);
    move |batch| batch.drain(..).for_each(|read| read(&connection))
}

/// The item with this key.
pub fn get(connection: &Connection, key: &Key) -> rusqlite::Result<Option<Item>> {
    connection
        .prepare_cached(&format!("{SELECT} WHERE pk = ?1 AND sk = ?2"))?
        .query_row(params![key.pk, key.sk], item)
        .optional()
}

/// One page of a checked query.
pub fn query(connection: &Connection, query: &Query) -> rusqlite::Result<Page> {
    let Select { sql, values } = Select::of(query);
    let items = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), item)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Page::of(query, items))
}

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    let index =
        |pk: Option<String>, sk: Option<String>| pk.zip(sk).map(|(pk, sk)| IndexKey { pk, sk });
    Ok(Item {
        key: Key { pk: row.get(0)?, sk: row.get(1)? },
        index1: index(row.get(2)?, row.get(3)?),
        index2: index(row.get(4)?, row.get(5)?),
        version: row.get(6)?,
        body: row.get(7)?,
    })
}

/// A query in SQL. Its text depends on the query's shape and page size; texts from outside are values.
struct Select {
    sql: String,
    values: Vec<Value>,
}

impl Select {
    /// Asks for one item more than the page holds.
    fn of(query: &Query) -> Select {
        // Items with the same index key are told apart by their place in the table.
        let (pk, place) = match query.source {
            Source::Table => ("pk", &["sk"][..]),
            Source::Index1 => ("index1_pk", &["index1_sk", "pk", "sk"][..]),
            Source::Index2 => ("index2_pk", &["index2_sk", "pk", "sk"][..]),
        };
        let (mut from, mut to) = bounds(&query.range);
        // A cursor takes the place of the bound on its side. SQLite seeks to one bound of a side: with
        // both it could seek to the range's own, and read all earlier pages again.
        if let Some(Cursor { key, index }) = query.after.clone() {
            let values = match index {
                None => vec![key.sk],
                Some(index) => vec![index.sk, key.pk, key.sk],
            };
            match query.order {
                Order::Forward => from = Some((">", values)),
                Order::Backward => to = Some(("<", values)),
            }
        }

        let mut sql = format!("{SELECT} WHERE {pk} = ?");
        let mut values = vec![Value::Text(query.pk.clone())];
        for (comparison, bound) in from.into_iter().chain(to) {
            let columns = place[..bound.len()].join(", ");
            let marks = vec!["?"; bound.len()].join(", ");
            sql += &format!(" AND ({columns}) {comparison} ({marks})");
            values.extend(bound.into_iter().map(Value::Text));
        }
        let direction = match query.order {
            Order::Backward => "DESC",
            Order::Forward => "ASC",
        };
        let order = place.join(&format!(" {direction}, "));
        sql += &format!(" ORDER BY {order} {direction} LIMIT {}", query.limit + 1);
        Select { sql, values }
    }
}

/// A comparison of the first columns of a place, and what they are compared with.
type Bound = (&'static str, Vec<String>);

fn bounds(range: &Range) -> (Option<Bound>, Option<Bound>) {
    let bound = |comparison, value: &String| Some((comparison, vec![value.clone()]));
    match range {
        Range::All => (None, None),
        Range::Between(from, to) => (bound(">=", from), bound("<=", to)),
        Range::From(from) => (bound(">=", from), None),
        Range::Prefix(prefix) => {
            (bound(">=", prefix), beyond(prefix).and_then(|beyond| bound("<", &beyond)))
        }
        Range::To(to) => (None, bound("<=", to)),
    }
}

/// The lowest text above all that begin with the prefix; `None` if there is none.
fn beyond(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    // UTF-8 orders by code point, and a range of `char` steps over the surrogates.
    while let Some(last) = text.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_beyond_a_prefix() {
        let cases = [
            ("a", Some("b")),
            ("a#", Some("a$")),
            ("a\u{7f}", Some("a\u{80}")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("a\u{10ffff}\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
        ];
        for (prefix, expected) in cases {
            assert_eq!(beyond(prefix).as_deref(), expected, "{prefix:?}");
        }
    }

    /// Every shape of query is one seek in the right b-tree: no scan, no sort.
    #[test]
    fn each_query_is_a_seek() {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::schema::migrate(&mut connection, 0, crate::schema::MIGRATIONS).unwrap();
        let ranges = [
            Range::All,
            Range::Between("b".into(), "d".into()),
            Range::From("b".into()),
            Range::Prefix("b".into()),
            Range::To("d".into()),
        ];
        for source in [Source::Table, Source::Index1, Source::Index2] {
            for range in &ranges {
                for order in [Order::Backward, Order::Forward] {
                    for paged in [false, true] {
                        let index = (source != Source::Table).then(|| IndexKey::new("p", "c"));
                        let after = paged.then(|| Cursor { key: Key::new("p", "c"), index });
                        let range = range.clone();
                        let query = Query { order, range, after, ..Query::new(source, "p", 10) };
                        let Select { sql, values } = Select::of(&query);
                        let plan: Vec<String> = connection
                            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                            .unwrap()
                            .query_map(params_from_iter(values), |row| row.get(3))
                            .unwrap()
                            .collect::<rusqlite::Result<_>>()
                            .unwrap();
                        let by = match source {
                            Source::Table => "USING PRIMARY KEY (pk=?",
                            Source::Index1 => "USING INDEX items_index1 (index1_pk=?",
                            Source::Index2 => "USING INDEX items_index2 (index2_pk=?",
                        };
                        assert_eq!(plan.len(), 1, "{query:?}: {plan:?}");
                        assert!(plan[0].contains(by), "{query:?}: {plan:?}");
                        let sought = paged || query.range != Range::All;
                        assert_eq!(plan[0].contains(" AND "), sought, "{query:?}: {plan:?}");
                    }
                }
            }
        }
    }
}
