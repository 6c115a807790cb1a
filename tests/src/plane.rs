//! One running `turnpike up`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::http::Http;
use crate::session::{Caller, Session};

/// A running plane; the process ends with it.
#[derive(Debug)]
pub struct Plane {
    process: Child,
    folder: Option<TempDir>,
    data: PathBuf,
    url: String,
    links: BTreeMap<String, String>,
}

/// What `turnpike up --json` says when it listens.
#[derive(Deserialize)]
struct Ready {
    url: String,
    links: BTreeMap<String, String>,
}

/// The path of a binary of the workspace, built beside the test or the binary that asks.
pub fn bin(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    // A test is in `deps`.
    let folder = own.parent().unwrap();
    let folder = if folder.ends_with("deps") { folder.parent().unwrap() } else { folder };
    let path = folder.join(name);
    assert!(path.exists(), "{} is not built: run `cargo build --bins`", path.display());
    path
}

/// A command that runs a binary of ours, without what the environment of the tests says: to a program of ours each
/// `TURNPIKE_` variable is a setting.
pub(crate) fn command(name: &str) -> Command {
    let mut command = Command::new(bin(name));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("TURNPIKE_") {
            command.env_remove(variable);
        }
    }
    command
}

impl Plane {
    /// A new plane over an empty folder.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// A new plane over an empty folder, with this text as configuration file.
    pub async fn start_with(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let path = folder.path().join("turnpike.toml");
        tokio::fs::write(&path, config).await.unwrap();
        let mut plane = Self::start_over(&data, &path).await;
        plane.folder = Some(folder);
        plane
    }

    /// The same folder again, after the process has ended.
    pub async fn restart(mut self) -> Self {
        self.process.kill().await.unwrap();
        let folder = self.folder.take();
        let config = folder.as_ref().unwrap().path().join("turnpike.toml");
        let mut plane = Self::start_over(&self.data.clone(), &config).await;
        plane.folder = folder;
        plane
    }

    /// A plane over a folder that outlives it.
    pub async fn start_over(data: &Path, config: &Path) -> Self {
        let mut process = command("turnpike")
            .args(["up", "--json", "--log", "error", "--listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(data)
            .arg("--config")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line())
            .await
            .expect("turnpike did not say that it listens")
            .unwrap()
            .expect("turnpike ended before it listened");
        let ready: Ready = serde_json::from_str(&line).unwrap();
        Self { process, folder: None, data: data.to_owned(), url: ready.url, links: ready.links }
    }

    /// Where it listens: `http://127.0.0.1:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder of its database.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The one-time link of a persona; each works once.
    pub fn link(&self, persona: &str) -> &str {
        &self.links[persona]
    }

    /// All one-time links.
    pub const fn links(&self) -> &BTreeMap<String, String> {
        &self.links
    }

    /// A client for plain HTTP.
    pub fn http(&self) -> Http {
        Http::new(&self.url)
    }

    /// Opens a session of a persona with their link.
    pub async fn sign_in(&self, persona: &str) -> Session {
        Session::open(&self.http(), self.link(persona)).await
    }

    /// A caller of RPCs with a session of a persona.
    pub async fn caller(&self, persona: &str) -> Caller {
        Caller::with_session(&self.url, &self.sign_in(persona).await).await
    }

    /// A caller of RPCs that shows no credential.
    pub async fn nobody(&self) -> Caller {
        Caller::with_metadata(&self.url, Vec::new()).await
    }

    /// A caller of RPCs with a value for `authorization`.
    pub async fn authorized(&self, authorization: &str) -> Caller {
        let metadata = vec![("authorization".to_owned(), authorization.to_owned())];
        Caller::with_metadata(&self.url, metadata).await
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// Ends the process as its operator does, and waits for it.
    pub async fn stop(&mut self) {
        let command = format!("kill -TERM {}", self.pid());
        let sent = Command::new("sh").args(["-c", &command]).status().await.unwrap();
        assert!(sent.success());
        let ended = tokio::time::timeout(Duration::from_secs(60), self.process.wait()).await;
        assert!(ended.expect("it does not end").unwrap().success());
    }

    /// Ends the process at once, as a crash would.
    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }
}
