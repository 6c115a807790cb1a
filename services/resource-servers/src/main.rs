//! ResourceServerService, as a process of its own.

use std::process::ExitCode;

use turnpike_runtime::service;

fn main() -> ExitCode {
    let about = "Registers APIs and their scopes.";
    service::main(
        "turnpike-resource-servers",
        about,
        async |core, config: &turnpike_resource_servers::Config| {
            core.registry.provide_built_in(&config.platform_team()?).await?;
            Ok(turnpike_resource_servers::parts(core))
        },
    )
}
