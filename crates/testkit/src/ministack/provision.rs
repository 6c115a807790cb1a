//! The pool and the table that are deployed, made in an emulator.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{MiniStack, PYTHON};

/// The template of pool and table, as `make deploy/cdk/cdk.out/manifest.json` synthesizes it.
const TEMPLATE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/cdk/cdk.out/turnpike-data.template.json");
/// Makes what a template says.
const PROVISION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/emulator/provision.py");

/// What the configuration of a process needs to know of a pool and a table.
#[derive(Clone, Debug)]
pub struct Provisioned {
    /// `iss` of the pool's tokens.
    pub issuer: String,
    /// Where its key set is.
    pub jwks_uri: String,
    /// The table's name.
    pub table: String,
    /// Where its tokens are.
    pub token_endpoint: String,
    /// The pool's id.
    pub user_pool_id: String,
}

impl MiniStack {
    /// Makes the user pool, its domain and the table of the synthesized template, and nothing else. Once only: their
    /// names are those of the template.
    ///
    /// # Panics
    /// If they cannot be made.
    pub async fn provision(&self) -> Provisioned {
        assert!(
            Path::new(TEMPLATE).exists(),
            "{TEMPLATE} is missing: `make deploy/cdk/cdk.out/manifest.json`"
        );
        let url = self.url().to_owned();
        let made = tokio::task::spawn_blocking(move || {
            Command::new(PYTHON).args([PROVISION, TEMPLATE, &url]).output()
        });
        let Ok(Ok(output)) = made.await else { panic!("{PYTHON} is missing: `make target/venv`") };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "provision.py: {said}");
        let Ok(made) = serde_json::from_slice::<Value>(&output.stdout) else {
            panic!("provision.py: {}", String::from_utf8_lossy(&output.stdout))
        };
        let text = |key: &str| match made.get(key).and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => panic!("provision.py does not say `{key}`"),
        };
        Provisioned {
            issuer: text("issuer"),
            jwks_uri: text("jwks_uri"),
            table: text("table"),
            token_endpoint: text("token_endpoint"),
            user_pool_id: text("user_pool_id"),
        }
    }
}
