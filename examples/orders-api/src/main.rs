//! The orders API of LJ Health Food: a resource server that Turnpike protects.
//!
//! `POST /orders` needs the scope `place-order`, `GET /orders` needs `list-orders`. The rest of this
//! file is what any small web service has: settings, two handlers, and an orderly end.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that is run by hand")]

mod orders;

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use turnpike_sdk::axum::{require_scopes, verify};
use turnpike_sdk::feed::Feed;
use turnpike_sdk::introspection::Introspection;
use turnpike_sdk::jwks::JwksSource;
use turnpike_sdk::{Require, Verified, Verifier};

use crate::orders::{NewOrder, Order, Orders, Placed};

/// How long it waits for Turnpike before it begins all the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// The orders API of LJ Health Food. Its secret is read from the environment variable
/// ORDERS_API_SECRET, or from a file: what is written on a command line, every process can read.
#[derive(Parser)]
struct Settings {
    /// Where Turnpike is. It tells whose tokens are accepted, the keys, and what changes; nothing else is needed.
    #[arg(long, env = "ORDERS_API_TURNPIKE", required_unless_present_all = ["issuer", "jwks", "introspection"])]
    turnpike: Option<String>,
    /// Without Turnpike's stream: whose tokens are accepted, exactly what stands in them as `iss`.
    #[arg(long, env = "ORDERS_API_ISSUER", requires = "jwks", conflicts_with = "turnpike")]
    issuer: Option<String>,
    /// Without it: where the issuer's keys are.
    #[arg(long, env = "ORDERS_API_JWKS", requires = "introspection")]
    jwks: Option<String>,
    /// Without it: where to ask about each token whether it is still good (RFC 7662).
    #[arg(long, env = "ORDERS_API_INTROSPECTION", requires = "issuer")]
    introspection: Option<String>,
    /// As what this API is registered: the part of its scopes before the last slash.
    #[arg(long, env = "ORDERS_API_IDENTIFIER", default_value = "lj-health-food")]
    identifier: String,
    /// A file with the secret, in place of ORDERS_API_SECRET.
    #[arg(long, env = "ORDERS_API_SECRET_FILE")]
    secret_file: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "ORDERS_API_LISTEN", default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// The file with the orders.
    #[arg(long, env = "ORDERS_API_DATABASE", default_value = "orders.sqlite")]
    database: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Settings::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("orders-api: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings) -> Result<(), Box<dyn Error>> {
    let orders = Orders::open(&settings.database)?;
    let app = app(&settings.identifier, verifier(&settings).await?, orders)?;
    let listener = TcpListener::bind(settings.listen).await?;
    println!("{}", serde_json::json!({ "url": format!("http://{}", listener.local_addr()?) }));

    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    Ok(axum::serve(listener, app).with_graceful_shutdown(stop).await?)
}

/// Accepts the tokens that the issuer signed and that are still good: as Turnpike tells all the time, or, for any other
/// authorization server, as introspection answered at most half a second ago.
async fn verifier(settings: &Settings) -> Result<Verifier, Box<dyn Error>> {
    let secret = secret(settings)?;
    let Settings { turnpike, issuer, jwks, introspection, identifier, .. } = settings;
    if let Some(turnpike) = turnpike {
        let feed = Feed::builder(turnpike, identifier, secret).start()?;
        // Until it knows everything it refuses with 503; so a moment of patience, and no failure without it.
        if tokio::time::timeout(PATIENCE, feed.ready()).await.is_err() {
            eprintln!("orders-api: still without a policy: {:?}", feed.status().error);
        }
        return Ok(feed.verifier().build()?);
    }
    let unset = || "set --turnpike, or --issuer, --jwks and --introspection";
    let introspection = introspection.as_ref().ok_or_else(unset)?;
    let introspection = Introspection::builder(introspection, identifier, secret).build()?;
    let keys = JwksSource::builder(jwks.as_ref().ok_or_else(unset)?).build()?;
    let issuer = issuer.as_ref().ok_or_else(unset)?;
    Ok(Verifier::builder(issuer).jwks(keys).introspection(introspection).build()?)
}

fn secret(settings: &Settings) -> Result<String, String> {
    let secret = match &settings.secret_file {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?
        }
        #[expect(clippy::disallowed_methods, reason = "clap would take it from a flag as well")]
        None => std::env::var("ORDERS_API_SECRET").unwrap_or_default(),
    };
    match secret.trim() {
        "" => Err("no secret: set ORDERS_API_SECRET or --secret-file".into()),
        secret => Ok(secret.into()),
    }
}

/// The routes, each with the scope that it needs.
fn app(identifier: &str, verifier: Verifier, orders: Orders) -> Result<Router, Box<dyn Error>> {
    let place = format!("{identifier}/place-order");
    let list = format!("{identifier}/list-orders");
    Ok(Router::new()
        .route("/orders", post(place_order).layer(require_scopes(Require::all_of([&place])?)))
        .route("/orders", get(list_orders).layer(require_scopes(Require::all_of([&list])?)))
        // Around both: nobody without a scope of this API, whatever a route forgets to ask.
        .layer(verify(verifier, Require::any_of([&place, &list])?))
        .layer(DefaultBodyLimit::max(16 * 1024))
        .route("/healthz", get(|| async { "ok\n" }))
        .with_state(orders))
}

/// What is answered to a request that is not done.
type Problem = (StatusCode, String);

/// Places an order for the client that calls. The same order again is answered like the first time,
/// so a caller that got no answer may repeat it.
async fn place_order(
    State(orders): State<Orders>,
    caller: Verified,
    Json(order): Json<NewOrder>,
) -> Result<(StatusCode, Json<Order>), Problem> {
    order.check().map_err(|problem| (StatusCode::UNPROCESSABLE_ENTITY, problem.into()))?;
    let client_id = caller.client_id().to_owned();
    match blocking(move || orders.place(&client_id, order)).await? {
        Placed::Now(order) => Ok((StatusCode::CREATED, Json(order))),
        Placed::Before(order) => Ok((StatusCode::OK, Json(order))),
        Placed::Otherwise => Err((StatusCode::CONFLICT, "order_id is another order's".into())),
    }
}

/// The newest orders of the client that calls.
async fn list_orders(
    State(orders): State<Orders>,
    caller: Verified,
) -> Result<Json<Vec<Order>>, Problem> {
    let client_id = caller.client_id().to_owned();
    Ok(Json(blocking(move || orders.of_client(&client_id)).await?))
}

/// SQLite waits for the disk, which must hold up no other request.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await.map_err(Box::<dyn Error>::from);
    done.and_then(|done| Ok(done?)).map_err(|error| {
        eprintln!("orders-api: {error}");
        (StatusCode::INTERNAL_SERVER_ERROR, "the order book cannot be reached".into())
    })
}
