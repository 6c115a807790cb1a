//! The orders API in other languages, as processes: `examples/*-orders-api`.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use crate::program::OrdersApi;

/// In which language an orders API is written, and how it decides about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Go, with `golang-jwt` and `keyfunc`.
    Go,
    /// Java, with Spring Security, which asks about each token.
    JavaAsking,
    /// Java, with Spring Security, by the issuer's keys.
    JavaVerifying,
    /// Node.js, with `aws-jwt-verify`.
    NodeAwsJwtVerify,
    /// Node.js, with `jose`.
    NodeJose,
    /// Python, with `PyJWT`.
    Python,
}

/// Where an orders API finds what it needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    /// What stands in tokens as `iss`.
    pub issuer: &'a str,
    /// The address of the key set.
    pub jwks: &'a str,
    /// Of introspection: the address, and the API's secret.
    pub introspection: (&'a str, &'a str),
}

impl Language {
    /// Those that verify a token by themselves, and know nothing of what happened since it was signed.
    pub const VERIFYING: [Self; 5] =
        [Self::Go, Self::JavaVerifying, Self::NodeAwsJwtVerify, Self::NodeJose, Self::Python];

    /// Starts the API.
    pub async fn start(self, trust: Trust<'_>) -> OrdersApi {
        let mut command = self.command();
        let Trust { issuer, jwks, introspection: (introspection, secret) } = trust;
        command
            .env("ORDERS_API_ISSUER", issuer)
            .env("ORDERS_API_JWKS", jwks)
            .env("ORDERS_API_LISTEN", "127.0.0.1:0");
        match self {
            Self::JavaAsking => command
                .env("ORDERS_API_MODE", "opaque")
                .env("ORDERS_API_INTROSPECTION", introspection)
                .env("ORDERS_API_SECRET", secret),
            _ => &mut command,
        };
        OrdersApi::run(command, TempDir::new().unwrap()).await
    }

    fn command(self) -> Command {
        match self {
            Self::Go => Command::new(built("target/examples/go-orders-api")),
            Self::JavaAsking | Self::JavaVerifying => {
                let mut command = Command::new("java");
                // By itself it takes a quarter of a machine that it has not for itself, and compiles what runs for seconds.
                command.args(["-Xmx256m", "-XX:TieredStopAtLevel=1", "-jar"]);
                command.arg(built("examples/java-orders-api/target/orders-api.jar"));
                command
            }
            Self::NodeAwsJwtVerify => node("with-aws-jwt-verify.mjs"),
            Self::NodeJose => node("with-jose.mjs"),
            Self::Python => {
                let mut command = Command::new(built("target/venv/bin/python"));
                command.arg(built("examples/python-orders-api/main.py"));
                command
            }
        }
    }
}

fn node(file: &str) -> Command {
    // Without its packages it would end with the loader's own words.
    built("examples/node-orders-api/node_modules");
    let mut command = Command::new("node");
    command.arg(built("examples/node-orders-api").join(file));
    command
}

/// A file of the workspace that `make examples` makes, or that is there.
fn built(path: &str) -> PathBuf {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    assert!(whole.exists(), "{path} is not there: run `make examples`");
    whole
}
