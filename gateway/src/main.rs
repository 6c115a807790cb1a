//! The gateway, as a process of its own.

use std::process::ExitCode;

use turnpike_gateway::process;
use turnpike_runtime::program;

fn main() -> ExitCode {
    let about = "The door of a Turnpike: portal, sessions, gRPC-web, and the way to the services.";
    program::main("turnpike-gateway", about, process::serve)
}
