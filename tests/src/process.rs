//! A process of a plane: started, heard when it listens, ended.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::plane::bin;

/// How long a process may take to listen, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running process; it ends with this.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    /// What it said when it listened.
    pub(crate) said: Value,
}

/// How a process is started.
pub(crate) struct Start<'a> {
    pub(crate) name: &'static str,
    /// What stands before the common flags: a subcommand.
    pub(crate) args: &'a [&'a str],
    pub(crate) listen: String,
    pub(crate) config: &'a Path,
    pub(crate) environment: &'a [(&'static str, String)],
}

impl Start<'_> {
    /// Starts it and waits until it listens.
    pub(crate) async fn run(self) -> Process {
        let Self { name, args, listen, config, environment } = self;
        let mut child = command(name)
            .args(args)
            .args(["--json", "--log", "error", "--listen", &listen, "--config"])
            .arg(config)
            .envs(environment.iter().map(|(key, value)| (*key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line())
            .await
            .unwrap_or_else(|_| panic!("{name} did not say that it listens"))
            .unwrap()
            .unwrap_or_else(|| panic!("{name} ended before it listened"));
        Process { name, child, said: serde_json::from_str(&line).unwrap() }
    }
}

impl Process {
    /// The name of its program.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        self.said["url"].as_str().unwrap().to_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Ends it at once, as a crash would.
    pub(crate) async fn kill(&mut self) {
        // One that has ended by itself cannot be killed, and is as dead.
        let _ = self.child.start_kill();
        self.child.wait().await.unwrap();
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self) {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it does not end").unwrap();
    }

    /// Ends it as its operator does, and waits for it.
    pub(crate) async fn stop(&mut self) {
        let command = format!("kill -TERM {}", self.pid());
        let sent = Command::new("sh").args(["-c", &command]).status().await.unwrap();
        assert!(sent.success());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        assert!(ended.expect("it does not end").unwrap().success());
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

/// A command that runs a binary of ours, without what the environment of the tests says: to a program of ours each
/// `TURNPIKE_` variable is a setting.
pub fn command(name: &str) -> Command {
    let mut command = Command::new(bin(name));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("TURNPIKE_") {
            command.env_remove(variable);
        }
    }
    command
}
