//! The token endpoint, as a process of its own.

use std::process::ExitCode;

use turnpike_runtime::service;

fn main() -> ExitCode {
    let about = "Issues tokens, and says where and with which keys.";
    service::main("turnpike-tokens", about, async |core, config: &turnpike_tokens::Config| {
        turnpike_tokens::parts(core, config.limits, &config.authorization_server, config.broker)
    })
}
