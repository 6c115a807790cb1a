//! Benchmarks: each subject beside its floor, the least that the machine can do the same thing for, measured in turn with
//! it in the same run. docs/performance.md says how to read what is printed.
//!
//! The exit code is 0 unless something could not be measured: a figure over its budget is shown, and may be the
//! machine's fault.

mod cpu;
mod floor;
mod http1;
mod load;
mod measure;
mod plane;
mod report;
mod serve;
mod subject;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::note;
use crate::subject::Settings;

/// Whatever kept something from being measured.
type Failure = Box<dyn Error + Send + Sync>;

/// Benchmarks, each beside its floor.
#[derive(Parser)]
struct Args {
    /// Measure shortly, to see that it works: the figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Only the subjects whose name contains this text.
    #[arg(long)]
    only: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Be a server that is measured by the process that started it.
    #[command(hide = true)]
    Serve(serve::Args),
}

fn main() -> ExitCode {
    let Args { quick, only, command } = Args::parse();
    let done = match command {
        Some(Command::Serve(args)) => serve::run(args),
        None => run(quick, only.as_deref().unwrap_or_default()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            note(&format!("bench: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn run(quick: bool, only: &str) -> Result<(), Failure> {
    let settings = if quick { Settings::QUICK } else { Settings::FULL };
    let has = |name: &&str| name.contains(only);
    let chosen = subject::ALL.iter().filter(|subject| subject.names.iter().any(has));
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    for subject in chosen {
        note(&format!("measuring {}", subject.title));
        match (subject.measure)(&settings) {
            Ok(measured) => rows.extend(measured.into_iter().filter(|row| has(&row.subject))),
            Err(failure) => failed.push(format!("{}: {failure}", subject.title)),
        }
    }
    if rows.is_empty() && failed.is_empty() {
        return Err(format!("no subject has `{only}` in its name").into());
    }
    report::table(&rows);
    // Figures that mean nothing do not replace those of a real run.
    report::summary(&rows, if quick { "quick.json" } else { "summary.json" })?;
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ").into()) }
}
