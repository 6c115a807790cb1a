//! `turnpike audit`: an exported log, offline.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

use turnpike_registry::Chain;

use crate::output;

/// What to do with an exported log.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Recompute the chain of hashes of an export: one event a line, from a file or standard input.
    Verify {
        /// The file; `-` is standard input.
        file: PathBuf,
        /// Expect the last event to have this hash.
        #[arg(long)]
        expect_hash: Option<String>,
    },
}

/// Does it.
///
/// # Errors
///
/// What is wrong with the file or the chain.
pub(crate) fn run(command: &Command) -> Result<(), String> {
    let Command::Verify { file, expect_hash } = command;
    let reader: Box<dyn BufRead> = match file.to_str() {
        Some("-") => Box::new(io::stdin().lock()),
        _ => Box::new(BufReader::new(
            File::open(file).map_err(|e| format!("{}: {e}", file.display()))?,
        )),
    };
    let mut chain = Chain::new();
    for line in reader.lines() {
        let line = line.map_err(|e| format!("{}: {e}", file.display()))?;
        chain.follow(&line).map_err(|broken| broken.to_string())?;
    }
    let (sequence, hash) = chain.last().ok_or("the file has no event")?;
    if expect_hash.as_ref().is_some_and(|expected| !expected.eq_ignore_ascii_case(hash)) {
        return Err(format!("event {sequence} has the hash {hash}, not the expected one"));
    }
    output::line(&format!("{} events intact, up to {sequence}: {hash}", chain.count()));
    Ok(())
}
