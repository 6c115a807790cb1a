//! ClientService, GrantService and ReconcileService, as a process of their own.

use std::process::ExitCode;

use turnpike_runtime::service;

fn main() -> ExitCode {
    let about = "Registers clients, manages their secrets, and decides what they are granted.";
    service::main("turnpike-clients", about, async |core, _: &turnpike_clients::Config| {
        core.sweep();
        Ok(turnpike_clients::parts(core))
    })
}
