//! Who may know whom: the permitted arrows between our crates, held against `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;

use crate::root;

/// Each crate of ours with the crates of ours that it may depend on. What tests depend on is not held:
/// it is compiled into nothing that ships.
const ARROWS: &[(&str, &[&str])] = &[
    ("turnpike-proto", &[]),
    ("turnpike-domain", &[]),
    ("turnpike-registry", &["turnpike-domain"]),
    ("turnpike-store-dynamodb", &["turnpike-registry"]),
    ("turnpike-store-sqlite", &["turnpike-domain", "turnpike-registry"]),
    ("turnpike-issuer-embedded", &["turnpike-domain", "turnpike-registry"]),
    ("turnpike-issuer-cognito", &["turnpike-domain"]),
    ("turnpike-fake-cognito", &["turnpike-domain"]),
    ("turnpike-sdk", &["turnpike-proto"]),
    ("turnpike-rpc", &["turnpike-domain", "turnpike-proto", "turnpike-registry", "turnpike-sdk"]),
    (
        "turnpike-runtime",
        &[
            "turnpike-domain",
            "turnpike-issuer-embedded",
            "turnpike-proto",
            "turnpike-registry",
            "turnpike-rpc",
            "turnpike-sdk",
            "turnpike-issuer-cognito",
            "turnpike-store-dynamodb",
            "turnpike-store-sqlite",
        ],
    ),
    ("turnpike-testkit", &["turnpike-domain", "turnpike-registry"]),
    ("turnpike-audit", SERVICE),
    ("turnpike-clients", SERVICE),
    ("turnpike-introspection", SERVICE),
    ("turnpike-resource-servers", SERVICE),
    ("turnpike-teams", SERVICE),
    ("turnpike-tokens", SERVICE),
    (
        "turnpike-gateway",
        &[
            "turnpike-domain",
            "turnpike-proto",
            "turnpike-registry",
            "turnpike-rpc",
            "turnpike-runtime",
        ],
    ),
    (
        "turnpike-standalone",
        &[
            "turnpike-audit",
            "turnpike-clients",
            "turnpike-domain",
            "turnpike-gateway",
            "turnpike-introspection",
            "turnpike-issuer-embedded",
            "turnpike-proto",
            "turnpike-registry",
            "turnpike-resource-servers",
            "turnpike-rpc",
            "turnpike-runtime",
            "turnpike-sdk",
            "turnpike-teams",
            "turnpike-tokens",
        ],
    ),
    (
        "turnpike-cli",
        &[
            "turnpike-registry",
            "turnpike-runtime",
            "turnpike-sdk",
            "turnpike-standalone",
            "turnpike-proto",
        ],
    ),
    ("lambda-authorizer", &["turnpike-sdk"]),
    ("orders-api", &["turnpike-sdk"]),
    ("partner-app", &["turnpike-sdk"]),
];

/// What a service may know: never another service.
const SERVICE: &[&str] = &[
    "turnpike-domain",
    "turnpike-proto",
    "turnpike-registry",
    "turnpike-rpc",
    "turnpike-runtime",
    "turnpike-sdk",
];

/// Crates that only tests and tools live in.
const FREE: &[&str] = &["turnpike-bench", "turnpike-tests", "xtask"];

/// Foreign crates that have one place, and the place.
const OWNED: &[(&str, &[&str])] = &[
    ("aws-config", &["turnpike-issuer-cognito", "turnpike-store-dynamodb"]),
    ("aws-sdk-cognitoidentityprovider", &["turnpike-issuer-cognito"]),
    ("aws-sdk-dynamodb", &["turnpike-store-dynamodb"]),
    ("aws_lambda_events", &["lambda-authorizer"]),
    ("lambda_runtime", &["lambda-authorizer"]),
    ("rusqlite", &["turnpike-store-sqlite", "orders-api", "partner-app"]),
];

/// Foreign crates that the domain must not know, whatever for.
const NOT_IN_DOMAIN: &[&str] =
    &["axum", "http", "prost", "rusqlite", "serde", "serde_json", "tokio", "tonic", "tower"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// Holds the arrows.
///
/// # Errors
///
/// Every arrow that is not permitted, a line each.
pub(crate) fn run() -> Result<(), String> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version=1", "--no-deps"])
        .current_dir(root())
        .output()
        .map_err(|e| format!("cargo metadata: {e}"))?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout).map_err(|e| e.to_string())?;
    let problems = check(&metadata);
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n       ")) }
}

fn check(metadata: &Metadata) -> Vec<String> {
    let permitted: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    let mut problems = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let shipped = package.dependencies.iter().filter(|d| d.kind.as_deref() != Some("dev"));
        for dependency in shipped.map(|d| d.name.as_str()) {
            let Some(arrows) = permitted.get(name) else { continue };
            if ours.contains(dependency) && !arrows.contains(&dependency) {
                problems.push(format!("{name} may not depend on {dependency}"));
            }
            let owner = OWNED.iter().find(|(owned, _)| *owned == dependency);
            if owner.is_some_and(|(_, owners)| !owners.contains(&name)) {
                problems.push(format!("{dependency} may not be used by {name}"));
            }
            if name == "turnpike-domain" && NOT_IN_DOMAIN.contains(&dependency) {
                problems.push(format!("the domain may not know {dependency}"));
            }
        }
        if !permitted.contains_key(name) && !FREE.contains(&name) {
            problems.push(format!("{name} has no row in xtask/src/arrows.rs"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[&str]) -> Package {
        let dependency = |name: &&str| Dependency { name: (*name).to_owned(), kind: None };
        Package {
            name: name.to_owned(),
            dependencies: dependencies.iter().map(dependency).collect(),
        }
    }

    #[test]
    fn a_wrong_arrow_is_found() {
        let metadata = Metadata {
            packages: vec![
                package("turnpike-domain", &["tokio"]),
                package("turnpike-clients", &["turnpike-audit", "rusqlite"]),
                package("turnpike-audit", &["turnpike-domain"]),
                package("turnpike-new", &[]),
            ],
        };
        let problems = check(&metadata);
        assert_eq!(problems.len(), 4, "{problems:?}");
    }

    #[test]
    fn what_stands_is_permitted() {
        assert_eq!(run(), Ok(()));
    }
}
