//! TeamService and SessionService, as a process of their own.

use std::process::ExitCode;

use turnpike_runtime::config::provided_teams;
use turnpike_runtime::service;

fn main() -> ExitCode {
    let about = "Says who owns what, and tells callers who they are.";
    service::main("turnpike-teams", about, async |core, config: &turnpike_teams::Config| {
        core.registry.provide_teams(&provided_teams(&config.teams)?).await?;
        Ok(turnpike_teams::parts(core))
    })
}
