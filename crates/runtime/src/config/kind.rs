//! Sections that are of one kind or another: `kind` says which keys there are.

use serde::Deserialize as _;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use toml::{Table, Value};

/// A section without its `kind`, which is `default` if it is left out.
pub(super) fn split<'de, D>(deserializer: D, default: &str) -> Result<(String, Table), D::Error>
where
    D: Deserializer<'de>,
{
    let mut section = Table::deserialize(deserializer)?;
    match section.remove("kind") {
        None => Ok((default.to_owned(), section)),
        Some(Value::String(kind)) => Ok((kind, section)),
        Some(_) => Err(D::Error::custom("`kind` must be a text")),
    }
}

/// The keys of one kind.
pub(super) fn keys<T, E>(kind: &str, section: Table) -> Result<T, E>
where
    T: DeserializeOwned,
    E: serde::de::Error,
{
    T::deserialize(Value::Table(section))
        .map_err(|error| E::custom(format!("kind `{kind}`: {}", error.message())))
}

/// There is no such kind.
pub(super) fn unknown<E: serde::de::Error>(kind: &str, known: &str) -> E {
    E::custom(format!("`{kind}` is no kind of this section: write {known}"))
}
