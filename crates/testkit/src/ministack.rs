//! A local emulator of AWS: PyPI's MiniStack, as a child process on a port of its own.
//!
//! It keeps everything in memory, checks neither credentials nor rights nor rates, and listens on the loopback
//! interface only. Any number may run at once. `make target/venv` installs it.

#![expect(clippy::panic, reason = "a test whose backend cannot run has failed")]

mod provision;

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

pub use provision::Provisioned;

/// Python, with MiniStack installed.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/venv/bin/python");
/// Ends with the process that started it, however that ends.
const SERVE: &str = include_str!("ministack/serve.py");
/// How long it may take to start, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running emulator; it ends when this is dropped.
#[derive(Debug)]
pub struct MiniStack {
    process: Child,
    url: String,
    folder: TempDir,
}

impl MiniStack {
    /// Any access key and secret do; which one says whose the tables and pools are.
    pub const ACCESS_KEY_ID: &str = "test";
    /// See [`MiniStack::ACCESS_KEY_ID`].
    pub const SECRET_ACCESS_KEY: &str = "test";
    /// Any region does.
    pub const REGION: &str = "eu-west-1";

    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> MiniStack {
        let mut started = Self::spawn();
        let MiniStack { process, url, .. } = &mut started;
        let up = timeout(PATIENCE, async {
            loop {
                if ready(url).await {
                    return true;
                }
                if let Ok(Some(_)) = process.try_wait() {
                    return false;
                }
                sleep(Duration::from_millis(50)).await;
            }
        });
        if up.await != Ok(true) {
            let said = fs::read_to_string(log(&started.folder)).unwrap_or_default();
            panic!("MiniStack does not answer on {}: {said}", started.url);
        }
        started
    }

    /// Its address, such as `http://127.0.0.1:40001`, for all services.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn spawn() -> MiniStack {
        let cannot = |what: &str, error: std::io::Error| -> ! {
            panic!("MiniStack cannot be started: {what}: {error}")
        };
        let folder = TempDir::new().unwrap_or_else(|error| cannot("a folder", error));
        let log = File::create(log(&folder)).unwrap_or_else(|error| cannot("a log", error));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|e| cannot("a port", e));
        let port = listener.local_addr().unwrap_or_else(|error| cannot("a port", error)).port();
        let process = Command::new(PYTHON)
            .args(["-c", SERVE])
            .env_clear()
            .env("GATEWAY_PORT", port.to_string())
            .env("MINISTACK_HOST", "127.0.0.1")
            .env("BIND_HOST", "127.0.0.1")
            // Each of these would listen on a port of every interface.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env("LOG_LEVEL", "WARNING")
            .env("STATE_DIR", folder.path())
            .env("TMPDIR", folder.path())
            .stdin(OwnedFd::from(listener))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| cannot(&format!("{PYTHON}, of `make target/venv`"), error));
        MiniStack { process, url: format!("http://127.0.0.1:{port}"), folder }
    }
}

impl Drop for MiniStack {
    fn drop(&mut self) {
        // It has nothing to save.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn log(folder: &TempDir) -> impl AsRef<Path> {
    folder.path().join("log")
}

/// Whether it serves. It holds the listening socket from its first moment, so the question waits until it does.
async fn ready(url: &str) -> bool {
    const QUESTION: &[u8] =
        b"GET /_ministack/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let ask = async {
        let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await?;
        stream.write_all(QUESTION).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer.starts_with(b"HTTP/1.1 200 "))
    };
    ask.await.unwrap_or(false)
}
