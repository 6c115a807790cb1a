//! The company's directory: an unchanged OpenID provider of others (npm `oidc-provider`), as a process.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::plane::Plane;

/// The tenant of its people.
pub const TENANT: &str = "11111111-1111-4111-8111-111111111111";
/// What it knows Turnpike as.
pub const CLIENT_ID: &str = "turnpike-at-example";

/// A running directory; the process ends with it.
#[derive(Debug)]
pub struct Directory {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    issuer: String,
    secret: String,
}

impl Directory {
    /// One that knows nobody yet.
    pub async fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/provider.mjs");
        let mut process = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It warns of its own storage and of older runtimes.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node does not run: use `make test-e2e`");
        let input = process.stdin.take().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let issuer = said(&mut output).await["issuer"].as_str().unwrap().to_owned();
        let secret = uuid::Uuid::new_v4().to_string();
        Self { _process: process, input, output, issuer, secret }
    }

    /// Its issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The secret of Turnpike's registration.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The configuration of a plane whose people sign in here, and by no link.
    pub fn config(&self) -> String {
        self.config_with(&format!("client_secret = \"{}\"\n", self.secret))
    }

    /// The same, with these lines on how Turnpike shows who it is.
    pub fn config_with(&self, authentication: &str) -> String {
        let issuer = &self.issuer;
        format!(
            "personas = []\n[oidc]\nissuer = \"{issuer}\"\ntenant = \"{TENANT}\"\nclient_id = \"{CLIENT_ID}\"\n\
             display_name = \"Example Ltd\"\n{authentication}"
        )
    }

    /// Serves a plane: `people` are the claims of each, by the name they sign in with.
    pub async fn serve(&mut self, plane: &Plane, people: &Value) {
        let secret = json!({
            "client_secret": self.secret, "token_endpoint_auth_method": "client_secret_post",
        });
        self.serve_with(plane, people, secret).await;
    }

    /// The same, where Turnpike shows who it is as these metadata of its registration say.
    pub async fn serve_with(&mut self, plane: &Plane, people: &Value, authentication: Value) {
        let url = plane.url();
        let mut client = json!({
            "client_id": CLIENT_ID,
            "grant_types": ["authorization_code", "refresh_token"],
            "post_logout_redirect_uris": [format!("{url}/logout/done")],
            "redirect_uris": [format!("{url}/login/callback")],
            "response_types": ["code"],
        });
        let Value::Object(authentication) = authentication else { panic!("{authentication}") };
        client.as_object_mut().unwrap().extend(authentication);
        let line = format!("{}\n", json!({ "people": people, "client": client }));
        self.input.write_all(line.as_bytes()).await.unwrap();
        assert_eq!(said(&mut self.output).await["ready"], true);
    }
}

async fn said(output: &mut Lines<BufReader<ChildStdout>>) -> Value {
    let line = tokio::time::timeout(Duration::from_secs(60), output.next_line())
        .await
        .expect("the directory does not start")
        .unwrap()
        .expect("the directory ended before it listened: use `make test-e2e`");
    serde_json::from_str(&line).unwrap()
}
