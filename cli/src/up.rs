//! `turnpike up`: everything in one process.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use turnpike_runtime::args::Args as Common;
use turnpike_runtime::config::{Configuration as _, dump};
use turnpike_runtime::program;
use turnpike_standalone::{Config, Ready};

use crate::{data_dir, links, output};

/// How to run it.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// The folder of the database.
    #[arg(long)]
    data_dir: Option<PathBuf>,
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
    let Args { common, data_dir: folder } = args;
    let config: Config = common.load(data_dir::setting(folder)?).map_err(|e| e.to_string())?;
    if common.dump_config {
        output::line(&dump(&config).map_err(|e| e.to_string())?);
        return Ok(());
    }
    program::block_on("turnpike", config.log(), config.otlp(), async {
        let ready = turnpike_standalone::start(&config).await.map_err(|e| e.to_string())?;
        announce(&ready, common.json)?;
        ready.serve(program::stopped()).await.map_err(|e| e.to_string())
    })?
}

fn announce(ready: &Ready, json: bool) -> Result<(), String> {
    let listening = Listening { url: ready.url(), links: links::by_persona(ready.links()) };
    if json {
        output::line(&serde_json::to_string(&listening).map_err(|e| e.to_string())?);
        return Ok(());
    }
    output::line(&format!("\n  Turnpike listens on {}\n", ready.url()));
    output::line("  Sign in with a link, each works once and for 15 minutes:\n");
    links::print(ready.links());
    output::line("  New ones while it runs: `turnpike links`, or `make links`\n");
    Ok(())
}
