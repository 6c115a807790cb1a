//! A server in a process of its own, so that what it spends can be told from what its callers spend.

mod child;

use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub(crate) use child::{Args, run};

use crate::Failure;

/// How often a client may get a token in a second, and at once: as often as the token endpoint can tell.
pub(crate) const FAST: NonZeroU32 = match NonZeroU32::new(1000) {
    Some(rate) => rate,
    None => NonZeroU32::MIN,
};

/// Where a server listens.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Listening {
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
}

/// A server that was started; it ends with this.
pub(crate) struct Server {
    process: Child,
    pub(crate) listening: Listening,
    /// From before the program was executed until it had said that it listens.
    pub(crate) start: Duration,
}

impl Server {
    /// The floor: fixed answers.
    pub(crate) fn floor() -> Result<Self, Failure> {
        Self::start(&["floor"])
    }

    /// The introspection service alone, over the data in a folder.
    pub(crate) fn introspection(data: &Path) -> Result<Self, Failure> {
        Self::over(data, "introspection")
    }

    /// Everything, as `turnpike up` runs it, over the data in a folder.
    pub(crate) fn up(data: &Path) -> Result<Self, Failure> {
        Self::over(data, "up")
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    fn over(data: &Path, what: &str) -> Result<Self, Failure> {
        let data = data.to_str().ok_or("the folder's name is not UTF-8")?;
        Self::start(&[what, "--data", data])
    }

    fn start(args: &[&str]) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve").args(args);
        // Its log costs what it costs to write, and goes nowhere.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let began = Instant::now();
        let mut process = command.spawn()?;
        let mut line = String::new();
        let output = process.stdout.take().ok_or("no output")?;
        let read = BufReader::new(output).read_line(&mut line);
        let start = began.elapsed();
        match read.and_then(|_| serde_json::from_str(&line).map_err(io::Error::from)) {
            Ok(listening) => Ok(Self { process, listening, start }),
            Err(error) => {
                end(&mut process);
                Err(format!("{args:?} did not start: {error}: {}", line.trim()).into())
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

fn end(process: &mut Child) {
    // One that is gone already has ended.
    let _ = process.kill();
    let _ = process.wait();
}
