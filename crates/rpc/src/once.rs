//! Requests that are to be answered once: which two are the same.

use turnpike_domain::event::Value;
use turnpike_domain::id::RequestId;
use turnpike_registry::{Once, sha256_hex};

/// A request with an id, before it is known what it asks for. See [`crate::Op::once`].
#[derive(Clone, Debug)]
pub struct Named {
    pub(crate) request_id: RequestId,
    pub(crate) method: String,
}

impl Named {
    /// The request, which asks for that: everything of it that was parsed, in whatever words it was put. A repeat may
    /// spell the id in capitals, leave out what is the default anyway, name scopes in another order, or carry fields that
    /// are ignored.
    pub fn asking(self, what: &[(&str, Value)]) -> Once {
        let Self { request_id, method } = self;
        Once { request_id, method, fingerprint: fingerprint(what) }
    }
}

/// SHA-256 over fields, each with its name and its value, so that no two lists of them look alike.
fn fingerprint(fields: &[(&str, Value)]) -> String {
    let mut bytes = Vec::new();
    let mut text = |text: &str| {
        bytes.extend((text.len() as u64).to_be_bytes());
        bytes.extend(text.as_bytes());
    };
    for (name, value) in fields {
        text(name);
        match value {
            Value::Bool(yes) => text(if *yes { "yes" } else { "no" }),
            Value::List(list) => {
                text(&list.len().to_string());
                list.iter().for_each(|entry| text(entry));
            }
            Value::Number(number) => text(&number.to_string()),
            Value::Text(value) => text(value),
        }
    }
    sha256_hex(&bytes)
}

/// Texts, whatever the order they were given in.
pub(crate) fn sorted(texts: impl IntoIterator<Item = String>) -> Value {
    let mut texts: Vec<String> = texts.into_iter().collect();
    texts.sort();
    Value::List(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lists_of_fields_look_alike() {
        let list = |texts: &[&str]| Value::List(texts.iter().map(|t| (*t).to_owned()).collect());
        let prints: std::collections::BTreeSet<String> = [
            vec![("a", Value::from("b"))],
            vec![("ab", Value::from(""))],
            vec![("a", list(&["b"]))],
            vec![("a", list(&["b", ""]))],
            vec![("a", list(&["", "b"]))],
            vec![("a", list(&[])), ("b", Value::from(""))],
            vec![("a", Value::from("b")), ("c", Value::Bool(true))],
            vec![("a", Value::from("b")), ("c", Value::Bool(false))],
        ]
        .iter()
        .map(|fields| fingerprint(fields))
        .collect();
        assert_eq!(prints.len(), 8);
    }
}
