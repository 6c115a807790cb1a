//! AuditService, as a process of its own.

use std::process::ExitCode;

use turnpike_runtime::service;

fn main() -> ExitCode {
    let about = "Reads, verifies and exports the log.";
    service::main("turnpike-audit", about, async |core, _: &turnpike_audit::Config| {
        Ok(turnpike_audit::parts(core))
    })
}
