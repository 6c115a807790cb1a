//! The inside of such a process.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use clap::Subcommand;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::transport::server::{Server, TcpIncoming};
use turnpike_domain::authorization_server::AuthorizationServer as _;
use turnpike_introspection::Introspection;
use turnpike_issuer_embedded::Algorithm;
use turnpike_proto::v1::introspection_service_server::IntrospectionServiceServer;
use turnpike_registry::Follower;
use turnpike_rpc::Gate;
use turnpike_rpc::assertion::AssertionKeys;
use turnpike_rpc::authenticate::Authenticator;
use turnpike_rpc::limits::{Limits, Rate};
use turnpike_rpc::metrics::Metrics;
use turnpike_rpc::oauth::{SecretHolders, SecretUses, TokenVerifiers};
use turnpike_rpc::page_token::PageTokens;
use turnpike_runtime::clock::SystemClock;
use turnpike_runtime::config::{
    AuthorizationServer, Embedded, Limits as Rates, Log, Otlp, Server as Listens, Sqlite, Store,
};
use turnpike_runtime::entropy::SystemEntropy;
use turnpike_runtime::telemetry;
use turnpike_sdk::{KeySet, Keys};
use turnpike_standalone::Config;

use crate::plane::{self, ISSUER};
use crate::serve::{FAST, Listening};
use crate::{Failure, floor};

/// Which server to be.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Fixed answers over gRPC and HTTP.
    Floor,
    /// The introspection service over gRPC and HTTP.
    Introspection {
        /// The folder of the database.
        #[arg(long)]
        data: PathBuf,
    },
    /// Everything.
    Up {
        /// The folder of the database.
        #[arg(long)]
        data: PathBuf,
    },
}

/// Serves until whoever started it closes its standard input, or ends.
pub(crate) fn run(args: Args) -> Result<(), Failure> {
    std::thread::spawn(|| {
        // Nothing is ever sent: it comes to an end when the sender does.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.what {
            What::Floor => serve_floor().await,
            What::Introspection { data } => serve_introspection(&data).await,
            What::Up { data } => serve_up(data).await,
        }
    })
}

async fn serve_floor() -> Result<(), Failure> {
    let service = IntrospectionServiceServer::new(floor::FixedAnswer);
    serve(Routes::new(service), floor::router()).await
}

async fn serve_up(data: PathBuf) -> Result<(), Failure> {
    let embedded = Embedded { issuer: ISSUER.to_owned(), ..Embedded::default() };
    let config = Config {
        server: Listens::at(0),
        authorization_server: AuthorizationServer::Embedded(embedded),
        store: Store::Sqlite(Sqlite { data_dir: data }),
        limits: Rates { tokens_per_second: FAST, ..Rates::default() },
        ..Config::default()
    };
    telemetry::start("turnpike", &config.log, &config.otlp)?;
    let ready = turnpike_standalone::start(&config).await?;
    let address = ready.address();
    announce(Listening { grpc: address, http: address })?;
    Ok(ready.serve(pending()).await?)
}

/// The service as `turnpike up` puts it together, without what stands before it there.
async fn serve_introspection(data: &Path) -> Result<(), Failure> {
    telemetry::start("turnpike", &Log::default(), &Otlp::default())?;
    let registry = plane::registry(data).await?;
    let issuer = plane::issuer(&registry, Algorithm::Rs256).await?;
    let follower = Follower::start(registry.clone()).await?;
    let policy = follower.policy();
    tokio::spawn(follower.run());

    let jwks = issuer.keys().await?.jwks;
    let keys = Keys::new(KeySet::from_jwks(&jwks)?);
    let (_, published) = watch::channel(Arc::from(&*jwks));
    let clock = Arc::new(SystemClock);
    let verifiers = TokenVerifiers::new(ISSUER, &keys, policy.clone(), clock.clone())?;
    let secrets = SecretHolders::new(policy.clone(), SecretUses::start(registry.clone()));
    let (_, assertions) = AssertionKeys::generate(clock, Arc::new(SystemEntropy))?;
    let decides = verifiers.decides().clone();
    let rate = Rate { per_second: FAST, burst: FAST };
    let metrics = Metrics::new()?;
    let gate = Gate::new(
        Authenticator::new(assertions, decides, policy.clone(), secrets.clone())?,
        registry.clone(),
        PageTokens::new(&registry.system_key("page-tokens").await?)?,
        Limits::new(rate, rate),
        metrics.clone(),
    );
    let introspection =
        Introspection::new(registry, policy, verifiers, secrets, published, metrics);
    let service = turnpike_introspection::service(gate, introspection.clone());
    serve(Routes::new(service), turnpike_introspection::router(introspection)).await
}

/// Serves gRPC and HTTP, on a port each.
async fn serve(grpc: Routes, http: Router) -> Result<(), Failure> {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let of_grpc = TcpListener::bind(loopback).await?;
    let of_http = TcpListener::bind(loopback).await?;
    announce(Listening { grpc: of_grpc.local_addr()?, http: of_http.local_addr()? })?;
    let incoming = TcpIncoming::from(of_grpc).with_nodelay(Some(true));
    let http = tokio::spawn(axum::serve(of_http, http).into_future());
    Server::builder().add_routes(grpc).serve_with_incoming(incoming).await?;
    Ok(http.await??)
}

#[expect(clippy::print_stdout, reason = "whoever started it waits for this line")]
fn announce(listening: Listening) -> Result<(), Failure> {
    println!("{}", serde_json::to_string(&listening)?);
    Ok(())
}
