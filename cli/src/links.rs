//! `turnpike links`: sign in again without starting anew.

use std::collections::BTreeMap;
use std::path::PathBuf;

use turnpike_runtime::args::ConfigArgs;
use turnpike_standalone::Config;
use turnpike_standalone::links::{self, Link};

use crate::{data_dir, output};

/// For whom, and from which process.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The id of one persona, such as `olga`; without it there is a link for each.
    persona: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
    /// The folder of the database of the running process.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Print one object of JSON: persona to link.
    #[arg(long)]
    json: bool,
}

/// Asks the running process, and prints.
///
/// # Errors
///
/// Why there are no links.
pub(crate) fn run(args: Args) -> Result<(), String> {
    let Args { persona, config, data_dir: folder, json } = args;
    let config: Config = config.load(data_dir::setting(folder)?).map_err(|e| e.to_string())?;
    let Some(folder) = config.links_folder() else {
        return Err("login links are printed at start only, unless links_dir is set".into());
    };
    let links = links::ask(folder, persona.as_deref()).map_err(|e| e.to_string())?;
    if json {
        let urls = by_persona(&links);
        output::line(&serde_json::to_string(&urls).map_err(|e| e.to_string())?);
    } else {
        output::line("");
        print(&links);
    }
    Ok(())
}

/// The address of each persona's link.
pub(crate) fn by_persona(links: &[Link]) -> BTreeMap<&str, &str> {
    links.iter().map(|link| (link.persona.as_str(), link.url.as_str())).collect()
}

/// Prints links for people.
pub(crate) fn print(links: &[Link]) {
    for Link { display_name, teams, url, .. } in links {
        output::line(&format!("  {display_name} ({})", teams.join(", ")));
        output::line(&format!("    {url}\n"));
    }
}
