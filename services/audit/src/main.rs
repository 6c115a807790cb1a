//! AuditService and SessionService, as a process of their own.

use std::process::ExitCode;

use turnpike_runtime::service;

fn main() -> ExitCode {
    let about = "Reads, verifies and exports the log, and tells callers who they are.";
    service::main("turnpike-audit", about, async |core, config: &turnpike_audit::Config| {
        turnpike_audit::parts(core, &config.teams)
    })
}
