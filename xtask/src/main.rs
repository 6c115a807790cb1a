//! Tasks of this repository: `cargo xtask <task>`.

mod arrows;
mod generate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Tasks of this repository")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Hold the dependencies between our crates against the permitted arrows.
    Arrows,
    /// Write the Rust code and the descriptor set of proto/ anew.
    Generate {
        /// Write nothing; fail if what is committed differs.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let done = match Args::parse().task {
        Task::Arrows => arrows::run(),
        Task::Generate { check } => generate::run(check),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            report(&problem);
            ExitCode::FAILURE
        }
    }
}

/// Tells the person at the terminal what went wrong.
#[expect(clippy::print_stderr, reason = "a task talks to a terminal")]
fn report(problem: &str) {
    eprintln!("xtask: {problem}");
}

/// The root of the repository.
fn root() -> &'static std::path::Path {
    std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
