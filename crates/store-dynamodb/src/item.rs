//! Items as attributes, and back.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use turnpike_registry::store::{Cursor, Error, IndexKey, Item, Key, Source};

/// What `DynamoDB` calls an item, a key, or a place to start from.
pub type Attributes = HashMap<String, AttributeValue>;

// Names count towards an item's size, so they are short; none is a reserved word.
pub const PK: &str = "pk";
pub const SK: &str = "sk";
pub const VERSION: &str = "v";
pub const BODY: &str = "b";

/// An index and the attributes of its key.
pub struct Index {
    pub name: &'static str,
    pub pk: &'static str,
    pub sk: &'static str,
}

pub const INDEX1: Index = Index { name: "index1", pk: "i1pk", sk: "i1sk" };
pub const INDEX2: Index = Index { name: "index2", pk: "i2pk", sk: "i2sk" };

/// The index of a source; none for the table.
pub const fn index(source: Source) -> Option<&'static Index> {
    match source {
        Source::Table => None,
        Source::Index1 => Some(&INDEX1),
        Source::Index2 => Some(&INDEX2),
    }
}

/// The key of the table alone.
pub fn key(key: &Key) -> Attributes {
    HashMap::from([text(PK, &key.pk), text(SK, &key.sk)])
}

/// The whole item. An entry of an index that it does not have is left out, and keeps it out of the index.
pub fn attributes(item: &Item) -> Attributes {
    let mut attributes = key(&item.key);
    for (index, entry) in [(&INDEX1, &item.index1), (&INDEX2, &item.index2)] {
        if let Some(IndexKey { pk, sk }) = entry {
            attributes.extend([text(index.pk, pk), text(index.sk, sk)]);
        }
    }
    attributes.insert(VERSION.to_owned(), version(item.version));
    attributes.insert(BODY.to_owned(), AttributeValue::B(Blob::new(item.body.clone())));
    attributes
}

/// The place after which a page starts: the key of the table, and of the index if one is queried.
pub fn start(source: Source, cursor: &Cursor) -> Attributes {
    let mut start = key(&cursor.key);
    if let (Some(index), Some(entry)) = (index(source), &cursor.index) {
        start.extend([text(index.pk, &entry.pk), text(index.sk, &entry.sk)]);
    }
    start
}

/// A version as a value.
pub fn version(version: u64) -> AttributeValue {
    AttributeValue::N(version.to_string())
}

/// The item that was kept as these attributes; others that it may have are not looked at.
///
/// # Errors
/// [`Error::Corrupt`] if it is none of ours.
pub fn item(mut attributes: Attributes) -> Result<Item, Error> {
    let version = match attributes.remove(VERSION) {
        Some(AttributeValue::N(number)) => number.parse().map_err(|_| damaged(VERSION))?,
        _ => return Err(damaged(VERSION)),
    };
    let Some(AttributeValue::B(body)) = attributes.remove(BODY) else { return Err(damaged(BODY)) };
    let mut entry = |index: &Index| match (
        take(&mut attributes, index.pk)?,
        take(&mut attributes, index.sk)?,
    ) {
        (Some(pk), Some(sk)) => Ok(Some(IndexKey { pk, sk })),
        (None, None) => Ok(None),
        _ => Err(damaged(index.name)),
    };
    Ok(Item {
        index1: entry(&INDEX1)?,
        index2: entry(&INDEX2)?,
        key: Key {
            pk: take(&mut attributes, PK)?.ok_or_else(|| damaged(PK))?,
            sk: take(&mut attributes, SK)?.ok_or_else(|| damaged(SK))?,
        },
        version,
        body: body.into_inner(),
    })
}

fn text(name: &str, value: &str) -> (String, AttributeValue) {
    (name.to_owned(), AttributeValue::S(value.to_owned()))
}

fn take(attributes: &mut Attributes, name: &str) -> Result<Option<String>, Error> {
    match attributes.remove(name) {
        None => Ok(None),
        Some(AttributeValue::S(text)) => Ok(Some(text)),
        Some(_) => Err(damaged(name)),
    }
}

fn damaged(what: &str) -> Error {
    Error::Corrupt(format!("an item's `{what}` is absent or of a wrong kind").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Item {
        Item {
            key: Key::new("p", "s"),
            index1: Some(IndexKey::new("i", "1")),
            index2: Some(IndexKey::new("j", "2")),
            version: 7,
            body: vec![0, 255],
        }
    }

    #[test]
    fn the_table_that_is_deployed_has_these_keys() {
        let deployed = include_str!("../../../deploy/cdk/table.json");
        let deployed: serde_json::Value = serde_json::from_str(deployed).unwrap();
        let index = |Index { name, pk, sk }| serde_json::json!({ "name": name, "partition": pk, "sort": sk });
        let ours = serde_json::json!({
            "key": { "partition": PK, "sort": SK },
            "indexes": [index(INDEX1), index(INDEX2)],
        });
        assert_eq!(deployed, ours);
    }

    #[test]
    fn what_goes_in_comes_out() {
        let without = Item { index1: None, index2: None, body: Vec::new(), ..whole() };
        for it in [whole(), without] {
            assert_eq!(item(attributes(&it)).unwrap(), it);
        }
    }

    #[test]
    fn what_is_none_of_ours_is_damage() {
        for name in [PK, SK, VERSION, BODY, "i1pk", "i2sk"] {
            let mut without = attributes(&whole());
            without.remove(name);
            let mut wrong = attributes(&whole());
            wrong.insert(name.to_owned(), AttributeValue::Bool(true));
            for attributes in [without, wrong] {
                let answer = item(attributes);
                assert!(matches!(answer, Err(Error::Corrupt(_))), "{name}: {answer:?}");
            }
        }
        for number in ["-1", "1.5", "18446744073709551616"] {
            let mut attributes = attributes(&whole());
            attributes.insert(VERSION.to_owned(), AttributeValue::N(number.to_owned()));
            let answer = item(attributes);
            assert!(matches!(answer, Err(Error::Corrupt(_))), "{number}: {answer:?}");
        }
    }
}
