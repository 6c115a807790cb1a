//! Introspection, as a process of its own.

use std::process::ExitCode;

use turnpike_runtime::service;

fn main() -> ExitCode {
    let about = "Says whether a token is good now.";
    service::main(
        "turnpike-introspection",
        about,
        async |core, _: &turnpike_introspection::Config| Ok(turnpike_introspection::parts(core)),
    )
}
