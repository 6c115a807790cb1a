//! Pages of a list, continued by opaque tokens.

use std::collections::BTreeMap;
use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::input::{Input, Text};
use crate::pattern::PAGINATION;

const TOKEN: Text = Text { min: 1, max: 131_072, pattern: PAGINATION };

/// Which page is asked for.
pub(crate) struct Request {
    /// Of what: a token of one list is none of another's.
    scope: String,
    after: Option<String>,
    size: usize,
}

impl Request {
    pub(crate) fn read(
        input: &mut Input,
        operation: &str,
        pool_id: &str,
        max: i64,
    ) -> Result<Self, ApiError> {
        let size = input.integer("MaxResults", 1, max)?.unwrap_or(max);
        let scope = format!("{operation} {pool_id}");
        let after = match input.text("NextToken", TOKEN)? {
            None => None,
            Some(token) => Some(
                open(&token, &scope)
                    .ok_or_else(|| ApiError::parameter("Invalid pagination token given."))?,
            ),
        };
        Ok(Self { scope, after, size: usize::try_from(size).unwrap_or(1) })
    }

    /// The page, and the token of the next.
    pub(crate) fn page<'a, T>(
        &self,
        all: &'a BTreeMap<String, T>,
    ) -> (Vec<(&'a String, &'a T)>, Option<String>) {
        let from = self.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = all.range::<String, _>((from, Bound::Unbounded));
        let page: Vec<_> = rest.by_ref().take(self.size).collect();
        let more = rest.next().is_some();
        let next = page.last().filter(|_| more).map(|(key, _)| seal(key, &self.scope));
        (page, next)
    }
}

/// A list's answer; `NextToken` stands in it only if there is more.
pub(crate) fn answer(member: &str, items: Vec<Value>, next: Option<String>) -> Value {
    let mut answer = json!({ member: items });
    if let Some(next) = next {
        answer["NextToken"] = Value::String(next);
    }
    answer
}

fn seal(key: &str, scope: &str) -> String {
    // A nonce, so that nobody relies on the token of a place being always the same.
    STANDARD.encode(json!([uuid::Uuid::new_v4().to_string(), scope, key]).to_string())
}

fn open(token: &str, scope: &str) -> Option<String> {
    let [_, of, key] = serde_json::from_slice::<[String; 3]>(&STANDARD.decode(token).ok()?).ok()?;
    (of == scope).then_some(key)
}
