//! The command line that every program of ours has.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::{self, Configuration, Sources};

/// Where the configuration comes from.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct ConfigArgs {
    /// A configuration file; `up --dump-config` shows every key.
    #[arg(long, env = "TURNPIKE_CONFIG")]
    config: Option<PathBuf>,
    /// One key of the configuration, such as `server.drain_seconds=30`. The environment has the same keys as
    /// TURNPIKE_SERVER__DRAIN_SECONDS and so on.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
}

/// How to run a program.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Where to listen, such as 127.0.0.1:8080; port 0 takes a free one.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Which log lines, such as `warn` or `info,hyper=debug`.
    #[arg(long)]
    log: Option<String>,
    /// Print one line of JSON once it listens, instead of words.
    #[arg(long)]
    pub json: bool,
    /// Print the whole configuration and end.
    #[arg(long)]
    pub dump_config: bool,
}

impl Args {
    /// The configuration that file, environment and flags make. `more` are flags of this program alone.
    ///
    /// # Errors
    ///
    /// [`config::Error`].
    pub fn load<C: Configuration>(
        &self,
        more: impl IntoIterator<Item = (String, String)>,
    ) -> Result<C, config::Error> {
        let Self { config, listen, log, json: _, dump_config: _ } = self;
        let mut flags = Vec::new();
        flags.extend(listen.map(|listen| ("server.listen".to_owned(), listen.to_string())));
        flags.extend(log.clone().map(|log| ("log.filter".to_owned(), log)));
        flags.extend(more);
        config.load(flags)
    }
}

impl ConfigArgs {
    /// The configuration that file, environment and flags make. `more` are flags of the program.
    ///
    /// # Errors
    ///
    /// [`config::Error`].
    pub fn load<C: Configuration>(
        &self,
        more: impl IntoIterator<Item = (String, String)>,
    ) -> Result<C, config::Error> {
        let Self { config, set } = self;
        let mut flags = set.clone();
        flags.extend(more);
        // What is not text cannot be a setting, and is nobody's business here.
        let variables = std::env::vars_os();
        let environment = variables
            .filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
        let sources = Sources { file: config.clone(), environment: environment.collect(), flags };
        config::load(&sources)
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
