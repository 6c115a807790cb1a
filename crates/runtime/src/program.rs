//! A program: reads its configuration, starts, says where it listens, serves until it is told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};
use tokio::net::TcpListener;

use crate::args::Args;
use crate::config::{self, Configuration};
use crate::{shutdown, start, telemetry};

/// The command line of a program that has no other.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(flatten)]
    args: Args,
}

/// Runs a program to its end. `serve` starts it and serves; it gets the configuration, and says through [`Announce`]
/// where it listens.
pub fn main<C, F>(
    name: &'static str,
    about: &'static str,
    serve: impl FnOnce(C, Announce) -> F,
) -> ExitCode
where
    C: Configuration,
    F: Future<Output = Result<(), start::Error>>,
{
    let matches = Command::command().name(name).about(about).get_matches();
    let args = Command::from_arg_matches(&matches).map(|command| command.args);
    let done = args.map_err(|error| error.to_string()).and_then(|args| run(name, &args, serve));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            note(&format!("{name}: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn run<C, F>(
    name: &'static str,
    args: &Args,
    serve: impl FnOnce(C, Announce) -> F,
) -> Result<(), String>
where
    C: Configuration,
    F: Future<Output = Result<(), start::Error>>,
{
    let config: C = args.load([]).map_err(|error| error.to_string())?;
    if args.dump_config {
        line(&config::dump(&config).map_err(|error| error.to_string())?);
        return Ok(());
    }
    let announce = Announce { name, json: args.json };
    let (log, otlp) = (config.log().clone(), config.otlp().clone());
    block_on(name, &log, &otlp, serve(config, announce))?.map_err(|error| error.to_string())
}

/// Starts telemetry for the program `name` and runs it on a runtime of its own.
///
/// # Errors
///
/// What kept telemetry or the runtime from starting.
pub fn block_on<F: Future>(
    name: &'static str,
    log: &config::Log,
    otlp: &config::Otlp,
    program: F,
) -> Result<F::Output, String> {
    #[cfg(feature = "fault-points")]
    arm();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let within = runtime.enter();
    let traces = telemetry::start(name, log, otlp)?;
    drop(within);
    let done = runtime.block_on(program);
    traces.end();
    Ok(done)
}

/// From now on the folder that the environment names has the places at which a test ends this process.
#[cfg(feature = "fault-points")]
#[expect(clippy::disallowed_methods, reason = "a setting of tests, in what does not ship")]
fn arm() {
    if let Some(folder) = std::env::var_os("FAULT_POINTS") {
        turnpike_registry::fault::arm(folder.into());
    }
}

/// Waits until the process is told to stop.
pub async fn stopped() {
    if let Err(error) = shutdown::requested().await {
        tracing::error!(error = %error, "shutdown.no_signals");
        std::future::pending::<()>().await;
    }
}

/// Binds a listener.
///
/// # Errors
///
/// [`start::Error::Listen`].
pub async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), start::Error> {
    let failed = |source| start::Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Says where a program listens, to whoever started it.
#[derive(Clone, Copy, Debug)]
pub struct Announce {
    name: &'static str,
    json: bool,
}

impl Announce {
    /// It listens there: one line on standard output, of JSON if so asked for. `more` are further members of it.
    pub fn listening(
        &self,
        url: &str,
        more: impl IntoIterator<Item = (&'static str, serde_json::Value)>,
    ) {
        if !self.json {
            line(&format!("{} listens on {url}", self.name));
            return;
        }
        let mut object = serde_json::Map::new();
        object.insert("url".to_owned(), url.into());
        object.extend(more.into_iter().map(|(key, value)| (key.to_owned(), value)));
        line(&serde_json::Value::Object(object).to_string());
    }

    /// A further line, for people.
    pub fn say(&self, text: &str) {
        if !self.json {
            line(text);
        }
    }
}

#[expect(clippy::print_stdout, reason = "whoever started the program reads it")]
fn line(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "whoever started the program reads it")]
fn note(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Command::command().debug_assert();
    }
}
