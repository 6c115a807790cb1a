//! The `turnpike` command. Data goes to standard output, everything else to standard error.

mod audit;
mod data_dir;
mod health;
mod links;
mod output;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// One place for machine-to-machine access.
#[derive(Parser)]
#[command(
    name = "turnpike",
    version,
    about = "One place for machine-to-machine access. Begin with `turnpike up`."
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Work with an exported log.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Ask a process of this machine how it is; fails unless it is well.
    Health(health::Args),
    /// Print new login links of the `turnpike up` that runs over the data folder.
    Links(links::Args),
    /// Run everything in one process, over the embedded issuer and SQLite.
    Up(up::Args),
}

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Audit(command) => audit::run(&command),
        Command::Health(args) => health::run(&args),
        Command::Links(args) => links::run(args),
        Command::Up(args) => up::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            output::note(&format!("turnpike: {problem}"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Args::command().debug_assert();
    }
}
