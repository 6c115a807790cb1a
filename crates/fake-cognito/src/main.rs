//! A strict fake of Cognito's user pools in a process of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use serde_json::json;
use turnpike_domain::Timestamp;
use turnpike_domain::ports::Clock;
use turnpike_fake_cognito::{FakeCognito, Quotas, Rates, Settings};

/// A strict fake of Amazon Cognito's user pools. Prints its addresses as one line of JSON, and serves
/// until it is stopped. What it knows is in memory.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:9229")]
    listen: SocketAddr,
    /// Id of the pool that is there from the start.
    #[arg(long, default_value = "eu-central-1_Fake00001")]
    pool_id: String,
    /// `iss` of tokens; else made of the address and the pool's id.
    #[arg(long)]
    issuer: Option<String>,
    /// Refuse what comes faster than the real service allows.
    #[arg(long)]
    rates: bool,
    /// How many app clients the pool takes.
    #[arg(long, default_value_t = Quotas::default().clients)]
    clients: usize,
    /// How many resource servers the pool takes.
    #[arg(long, default_value_t = Quotas::default().resource_servers)]
    resource_servers: usize,
    /// How long every operation takes, in milliseconds.
    #[arg(long, default_value_t = 0)]
    latency: u64,
}

#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the fake's process is nobody's test clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let millis = since.map_or(0, |since| since.as_millis());
        Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "whoever starts it reads the addresses")]
async fn main() -> io::Result<()> {
    let Arguments { listen, pool_id, issuer, rates, clients, resource_servers, latency } =
        Arguments::parse();
    let settings = Settings {
        listen,
        pool_id,
        issuer,
        quotas: Quotas { clients, resource_servers },
        rates: rates.then(Rates::default),
        latency: Duration::from_millis(latency),
        ..Settings::new(Arc::new(SystemClock))
    };
    let fake = FakeCognito::start(settings).await?;
    println!(
        "{}",
        json!({
            "endpoint_url": fake.endpoint_url(),
            "region": fake.region(),
            "user_pool_id": fake.pool_id(),
            "issuer": fake.issuer(),
            "jwks_uri": fake.jwks_uri(),
            "token_endpoint": fake.token_endpoint(),
        })
    );
    tokio::signal::ctrl_c().await
}
