//! `turnpike up`: everything in one process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Serialize;
use turnpike_runtime::config::Config;
use turnpike_runtime::{shutdown, telemetry};
use turnpike_standalone::Ready;

use crate::output;

/// How to run it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A configuration file; --dump-config shows every key.
    #[arg(long, env = "TURNPIKE_CONFIG")]
    config: Option<PathBuf>,
    /// Where to listen, such as 127.0.0.1:8080; port 0 takes a free one.
    #[arg(long, env = "TURNPIKE_LISTEN")]
    listen: Option<SocketAddr>,
    /// The folder of the database.
    #[arg(long, env = "TURNPIKE_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Which log lines, such as `warn` or `info,hyper=debug`.
    #[arg(long, env = "TURNPIKE_LOG")]
    log: Option<String>,
    /// Print one line of JSON once it listens, instead of words.
    #[arg(long)]
    json: bool,
    /// Print the whole configuration and end.
    #[arg(long)]
    dump_config: bool,
}

#[derive(Serialize)]
struct Listening<'a> {
    url: &'a str,
    links: BTreeMap<&'a str, &'a str>,
}

/// Runs until it is told to stop.
///
/// # Errors
///
/// Why it did not start, or stopped.
pub(crate) fn run(args: Args) -> Result<(), String> {
    let Args { config, listen, data_dir, log, json, dump_config } = args;
    let mut config = match config {
        Some(path) => Config::from_file(&path).map_err(|e| e.to_string())?,
        None => Config::default(),
    };
    config.listen = listen.unwrap_or(config.listen);
    config.data_dir = data_dir.unwrap_or(config.data_dir);
    config.log.filter = log.unwrap_or(config.log.filter);
    config.check().map_err(|e| e.to_string())?;
    if dump_config {
        output::line(&config.dump().map_err(|e| e.to_string())?);
        return Ok(());
    }
    telemetry::start(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let ready = turnpike_standalone::start(&config).await.map_err(|e| e.to_string())?;
        announce(&ready, json)?;
        let stop = async {
            if let Err(error) = shutdown::requested().await {
                output::note(&format!("turnpike: cannot listen for signals: {error}"));
            }
        };
        ready.serve(stop).await.map_err(|e| e.to_string())
    })
}

fn announce(ready: &Ready, json: bool) -> Result<(), String> {
    let links = ready.links().iter().map(|l| (l.persona.id.as_str(), l.expose())).collect();
    let listening = Listening { url: ready.url(), links };
    if json {
        output::line(&serde_json::to_string(&listening).map_err(|e| e.to_string())?);
        return Ok(());
    }
    output::line(&format!("\n  Turnpike listens on {}\n", ready.url()));
    output::line("  Sign in with a link, each works once and for 15 minutes:\n");
    for link in ready.links() {
        let persona = &link.persona;
        let teams: Vec<&str> = persona.teams.iter().map(|team| team.as_str()).collect();
        output::line(&format!("  {} ({})", persona.display_name, teams.join(", ")));
        output::line(&format!("    {}\n", link.expose()));
    }
    Ok(())
}
