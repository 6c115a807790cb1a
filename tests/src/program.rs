//! The programs of `examples/`, as processes beside a plane.

use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::http::Http;
use crate::plane::{Plane, bin};

/// How long a program may take, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running orders API; the process ends with it.
#[derive(Debug)]
pub struct OrdersApi {
    process: Child,
    url: String,
    _folder: TempDir,
}

/// What it says when it listens.
#[derive(Deserialize)]
struct Listening {
    url: String,
}

/// A partner's program, to be run as one client; its orders go with it.
#[derive(Debug)]
pub struct PartnerApp {
    client_id: String,
    folder: TempDir,
    orders_api: String,
    secret: String,
    token_endpoint: String,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote on standard output.
    pub stdout: String,
    /// What it wrote on standard error.
    pub stderr: String,
}

impl OrdersApi {
    /// An orders API that knows this plane, with a secret of `lj-health-food`.
    pub async fn start(plane: &Plane, secret: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(bin("orders-api"));
        command
            .args(["--turnpike", plane.url(), "--listen", "127.0.0.1:0"])
            .arg("--database")
            .arg(folder.path().join("orders.sqlite"))
            .env("ORDERS_API_SECRET", secret);
        Self::run(command, folder).await
    }

    /// Runs one until it says where it listens.
    pub(crate) async fn run(mut command: Command, folder: TempDir) -> Self {
        // Without its environment, where the secret is.
        let name = format!("{:?}", (command.as_std().get_program(), command.as_std().get_args()));
        let process = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = process.spawn().unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line())
            .await
            .unwrap_or_else(|_| panic!("{name} did not say that it listens"))
            .unwrap()
            .unwrap_or_else(|| panic!("{name} ended before it listened"));
        let Listening { url } = serde_json::from_str(&line).unwrap();
        Self { process, url, _folder: folder }
    }

    /// Where it listens: `http://127.0.0.1:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client for plain HTTP.
    pub fn http(&self) -> Http {
        Http::new(&self.url)
    }

    /// Ends the process.
    pub async fn stop(mut self) {
        self.process.kill().await.unwrap();
    }
}

impl PartnerApp {
    /// The program of this client, which orders at this API.
    pub fn new(plane: &Plane, orders_api: &OrdersApi, client_id: &str, secret: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            folder: tempfile::tempdir().unwrap(),
            orders_api: orders_api.url().to_owned(),
            secret: secret.to_owned(),
            token_endpoint: format!("{}/oauth2/token", plane.url()),
        }
    }

    /// Runs it to its end.
    pub async fn run(&self, args: &[&str]) -> Ended {
        let mut command = Command::new(bin("partner-app"));
        command
            .args(args)
            .env("PARTNER_APP_CLIENT_ID", &self.client_id)
            .env("PARTNER_APP_CLIENT_SECRET", &self.secret)
            .env("PARTNER_APP_DATABASE", self.folder.path().join("partner-app.sqlite"))
            .env("PARTNER_APP_ORDERS_API", &self.orders_api)
            .env("PARTNER_APP_TOKEN_ENDPOINT", &self.token_endpoint);
        Ended::of(command).await
    }
}

impl Ended {
    /// Runs a command to its end.
    pub async fn of(mut command: Command) -> Self {
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
        let output =
            tokio::time::timeout(PATIENCE, output).await.expect("the program did not end").unwrap();
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
