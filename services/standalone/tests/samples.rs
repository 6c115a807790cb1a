//! The samples in `deploy/config`: each is read, makes sense, and says every key that its program has.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use toml::{Table, Value};
use turnpike_runtime::config::{Configuration, Sources, dump, load};

fn path(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/config");
    PathBuf::from(folder).join(format!("{name}.toml"))
}

/// The keys of a table, with those of the tables in it.
fn keys(table: &Table, prefix: &str, all: &mut BTreeSet<String>) {
    for (key, value) in table {
        let key = format!("{prefix}{key}");
        match value {
            Value::Table(table) => keys(table, &format!("{key}."), all),
            Value::Array(list) if list.iter().any(Value::is_table) => {
                for table in list.iter().filter_map(Value::as_table) {
                    keys(table, &format!("{key}[]."), all);
                }
            }
            _ => {
                all.insert(key);
            }
        }
    }
}

fn keys_of(text: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    keys(&toml::from_str(text).unwrap(), "", &mut all);
    all
}

fn check<C: Configuration>(name: &str) -> String {
    let sources = Sources { file: Some(path(name)), ..Sources::default() };
    let config: C = load(&sources).unwrap();
    let whole = dump(&config).unwrap();
    let sample = std::fs::read_to_string(path(name)).unwrap();
    assert_eq!(keys_of(&sample), keys_of(&whole), "{name}");
    whole
}

#[test]
fn each_sample_says_every_key() {
    check::<turnpike_audit::Config>("audit");
    check::<turnpike_clients::Config>("clients");
    check::<turnpike_gateway::process::Config>("gateway");
    check::<turnpike_introspection::Config>("introspection");
    check::<turnpike_resource_servers::Config>("resource-servers");
    check::<turnpike_teams::Config>("teams");
    check::<turnpike_tokens::Config>("tokens");
}

#[test]
fn the_sample_of_one_process_is_its_default() {
    let sample = check::<turnpike_standalone::Config>("up");
    assert_eq!(sample, dump(&turnpike_standalone::Config::default()).unwrap());
}

#[test]
fn every_sample_is_checked() {
    let checked = [
        "audit",
        "clients",
        "gateway",
        "introspection",
        "resource-servers",
        "teams",
        "tokens",
        "up",
    ];
    let there = std::fs::read_dir(path("up").parent().unwrap()).unwrap();
    let there: BTreeSet<String> =
        there.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, checked.map(|name| format!("{name}.toml")).into());
}
