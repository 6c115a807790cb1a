//! How a configuration comes together, and how it is written down.

use std::fs;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::environment;
use super::error::Error;
use super::log::Log;
use super::otlp::Otlp;

/// The configuration of one program. Its `Default` is what holds where nothing is said; it is read with
/// `#[serde(default, deny_unknown_fields)]`.
pub trait Configuration: Default + Serialize + DeserializeOwned {
    /// Keys that had another name in an earlier release: the old one, and the new one.
    const RENAMED: &'static [(&'static str, &'static str)] = &[];

    /// Holds the configuration as a whole: every value, and those that must go together.
    ///
    /// # Errors
    ///
    /// The first key that makes no sense.
    fn check(&self) -> Result<(), Error>;

    /// How log lines look.
    fn log(&self) -> &Log;

    /// Where traces and metrics are sent.
    fn otlp(&self) -> &Otlp;
}

/// Where the values come from that are not defaults; later ones win.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file.
    pub file: Option<PathBuf>,
    /// All variables of the environment.
    pub environment: Vec<(String, String)>,
    /// Flags: keys such as `server.listen`, and values.
    pub flags: Vec<(String, String)>,
}

/// A value that the environment or a flag has for a key.
struct Setting<'a> {
    /// As whoever wrote it knows it.
    name: &'a str,
    key: String,
    text: &'a str,
    /// How a key that has a new name is told.
    renamed: fn(&str) -> String,
}

/// Reads a configuration and holds it as a whole.
///
/// # Errors
///
/// [`Error`].
pub fn load<C: Configuration>(sources: &Sources) -> Result<C, Error> {
    let table = match &sources.file {
        Some(path) => from_file::<C>(path.clone())?,
        None => Table::new(),
    };
    let config = with_settings::<C>(table, settings(sources))?;
    config.check()?;
    Ok(config)
}

/// The whole configuration as a file would say it.
///
/// # Errors
///
/// [`Error::Value`] if it cannot be written, which a test would find.
pub fn dump<C: Configuration>(config: &C) -> Result<String, Error> {
    toml::to_string(config).map_err(|error| Error::value("configuration", error))
}

fn from_file<C: Configuration>(path: PathBuf) -> Result<Table, Error> {
    let text =
        fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let syntax = |source| Error::Syntax { path: path.clone(), source: Box::new(source) };
    let table: Table = toml::from_str(&text).map_err(syntax)?;
    for (old, new) in C::RENAMED {
        if at(&table, old).is_some() {
            return Err(renamed(*old, (*new).to_owned()));
        }
    }
    // Read once from the text itself: that names line and column of what is wrong.
    toml::from_str::<C>(&text).map_err(syntax)?;
    Ok(table)
}

fn settings(sources: &Sources) -> Vec<Setting<'_>> {
    let variables = sources.environment.iter().filter_map(|(name, text)| {
        let key = environment::key_of(name)?;
        Some(Setting { name, key, text, renamed: environment::variable_of })
    });
    let flags = sources.flags.iter().map(|(name, text)| Setting {
        name,
        key: name.clone(),
        text,
        renamed: str::to_owned,
    });
    variables.chain(flags).collect()
}

fn with_settings<C: Configuration>(
    mut table: Table,
    mut settings: Vec<Setting<'_>>,
) -> Result<C, Error> {
    for setting in &settings {
        if let Some((_, new)) = C::RENAMED.iter().find(|(old, _)| *old == setting.key) {
            return Err(renamed(setting.name, (setting.renamed)(new)));
        }
    }
    // What kind a section is of decides which keys it has. Else the order stays: flags after variables.
    settings.sort_by_key(|setting| !setting.key.ends_with(".kind"));
    let mut config: C = read(&table, "configuration")?;
    for setting in &settings {
        let known = Table::try_from(&config).map_err(|error| Error::value(setting.name, error))?;
        let value = match at(&known, &setting.key) {
            None => return Err(Error::value(setting.name, "is no setting of this program")),
            Some(Value::Table(_)) => {
                return Err(Error::value(setting.name, "is a section: set one of its keys"));
            }
            Some(Value::String(_)) => Value::String(setting.text.to_owned()),
            Some(_) => parse(setting)?,
        };
        put(&mut table, &setting.key, value);
        config = read(&table, setting.name)?;
    }
    Ok(config)
}

/// Numbers, switches and lists, as TOML writes them.
fn parse(setting: &Setting<'_>) -> Result<Value, Error> {
    let parsed: Result<Table, _> = toml::from_str(&format!("value = {}", setting.text));
    let parsed = parsed.map_err(|error| Error::value(setting.name, error.message()))?;
    parsed.get("value").cloned().ok_or_else(|| Error::value(setting.name, "has no value"))
}

fn read<C: Configuration>(table: &Table, name: &str) -> Result<C, Error> {
    let read = C::deserialize(Value::Table(table.clone()));
    read.map_err(|error| Error::value(name, error.message()))
}

fn at<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((section, rest)) => at(table.get(section)?.as_table()?, rest),
    }
}

fn put(table: &mut Table, key: &str, value: Value) {
    let Some((section, rest)) = key.split_once('.') else {
        table.insert(key.to_owned(), value);
        return;
    };
    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        put(section, rest, value);
    }
}

fn renamed(old: impl Into<String>, new: String) -> Error {
    Error::value(old, format!("is called {new} now"))
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
