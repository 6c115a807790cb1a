//! Reading a request: each member by its rule, none left over.

use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::pattern::Pattern;

/// The members of a request that were not read yet.
pub(crate) struct Input(Map<String, Value>);

/// The rule of a text.
#[derive(Clone, Copy)]
pub(crate) struct Text {
    pub(crate) min: usize,
    pub(crate) max: usize,
    pub(crate) pattern: Pattern,
}

impl Input {
    pub(crate) fn new(value: Value) -> Result<Self, ApiError> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => {
                Err(ApiError::serialization("Start of structure or map found where not expected."))
            }
        }
    }

    /// Refuses members that nobody read. The service ignores what it does not know; here a member that
    /// the fake does not know must not pass for one that it obeys.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        match self.0.keys().next() {
            Some(member) => Err(ApiError::serialization(format!("unknown member {member}"))),
            None => Ok(()),
        }
    }

    pub(crate) fn text(&mut self, member: &str, rule: Text) -> Result<Option<String>, ApiError> {
        match self.take(member) {
            None => Ok(None),
            Some(Value::String(text)) => rule.check(member, text).map(Some),
            Some(_) => Err(wrong_type(member)),
        }
    }

    pub(crate) fn required(&mut self, member: &str, rule: Text) -> Result<String, ApiError> {
        self.text(member, rule)?.ok_or_else(|| missing(member))
    }

    pub(crate) fn integer(
        &mut self,
        member: &str,
        min: i64,
        max: i64,
    ) -> Result<Option<i64>, ApiError> {
        let Some(value) = self.take(member) else { return Ok(None) };
        let value = value.as_i64().ok_or_else(|| wrong_type(member))?;
        if value < min {
            let rule = format!("Member must have value greater than or equal to {min}");
            return Err(constraint(&value.to_string(), member, &rule));
        }
        if value > max {
            let rule = format!("Member must have value less than or equal to {max}");
            return Err(constraint(&value.to_string(), member, &rule));
        }
        Ok(Some(value))
    }

    pub(crate) fn boolean(&mut self, member: &str) -> Result<Option<bool>, ApiError> {
        match self.take(member) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(wrong_type(member)),
        }
    }

    pub(crate) fn choice(
        &mut self,
        member: &str,
        choices: &[&str],
    ) -> Result<Option<String>, ApiError> {
        match self.take(member) {
            None => Ok(None),
            Some(Value::String(text)) => one_of(member, text, choices).map(Some),
            Some(_) => Err(wrong_type(member)),
        }
    }

    pub(crate) fn choices(
        &mut self,
        member: &str,
        max: usize,
        choices: &[&str],
    ) -> Result<Option<Vec<String>>, ApiError> {
        self.list(member, max, |item| one_of(member, item, choices))
    }

    pub(crate) fn texts(
        &mut self,
        member: &str,
        max: usize,
        rule: Text,
    ) -> Result<Option<Vec<String>>, ApiError> {
        self.list(member, max, |item| rule.check(member, item))
    }

    /// A structure of its own.
    pub(crate) fn structure(&mut self, member: &str) -> Result<Option<Self>, ApiError> {
        self.take(member).map(Self::new).transpose()
    }

    /// Structures in a list.
    pub(crate) fn structures(
        &mut self,
        member: &str,
        max: usize,
    ) -> Result<Option<Vec<Self>>, ApiError> {
        match self.take(member) {
            None => Ok(None),
            Some(Value::Array(items)) => {
                bound(member, items.len(), max)?;
                items.into_iter().map(Self::new).collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(wrong_type(member)),
        }
    }

    /// A member with any content.
    pub(crate) fn take(&mut self, member: &str) -> Option<Value> {
        // In this protocol `null` and absent are one.
        self.0.remove(member).filter(|value| !value.is_null())
    }

    fn list(
        &mut self,
        member: &str,
        max: usize,
        check: impl Fn(String) -> Result<String, ApiError>,
    ) -> Result<Option<Vec<String>>, ApiError> {
        let items = match self.take(member) {
            None => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(wrong_type(member)),
        };
        bound(member, items.len(), max)?;
        let items = items.into_iter().map(|item| match item {
            Value::String(text) => check(text),
            _ => Err(wrong_type(member)),
        });
        items.collect::<Result<_, _>>().map(Some)
    }
}

impl Text {
    fn check(self, member: &str, text: String) -> Result<String, ApiError> {
        let length = text.chars().count();
        if length < self.min {
            let rule = format!("Member must have length greater than or equal to {}", self.min);
            return Err(constraint(&text, member, &rule));
        }
        if length > self.max {
            let rule = format!("Member must have length less than or equal to {}", self.max);
            return Err(constraint(&text, member, &rule));
        }
        if !(self.pattern.matches)(&text) {
            let pattern = self.pattern.text;
            let rule = format!("Member must satisfy regular expression pattern: {pattern}");
            return Err(constraint(&text, member, &rule));
        }
        Ok(text)
    }
}

pub(crate) fn missing(member: &str) -> ApiError {
    ApiError::parameter(format!(
        "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must \
         not be null",
        camel(member)
    ))
}

fn one_of(member: &str, text: String, choices: &[&str]) -> Result<String, ApiError> {
    if choices.contains(&text.as_str()) {
        return Ok(text);
    }
    let rule = format!("Member must satisfy enum value set: [{}]", choices.join(", "));
    Err(constraint(&text, member, &rule))
}

fn bound(member: &str, length: usize, max: usize) -> Result<(), ApiError> {
    if length <= max {
        return Ok(());
    }
    let rule = format!("Member must have length less than or equal to {max}");
    Err(constraint("[..]", member, &rule))
}

fn constraint(value: &str, member: &str, rule: &str) -> ApiError {
    ApiError::parameter(format!(
        "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: {rule}",
        camel(member)
    ))
}

fn wrong_type(member: &str) -> ApiError {
    ApiError::serialization(format!("{member} is of another type"))
}

/// Refusals name members with a small first letter.
fn camel(member: &str) -> String {
    let mut letters = member.chars();
    letters.next().map(|c| c.to_ascii_lowercase()).into_iter().chain(letters).collect()
}
