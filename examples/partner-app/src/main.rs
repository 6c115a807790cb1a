//! What a partner of LJ Health Food runs to order there: a client of an API that Turnpike protects.
//!
//! An order is written down before it is sent, and marked after the answer. Whatever happens in
//! between, it is sent again under the same id, and placed once.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that is run by hand")]

mod orders_api;
mod outbox;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use serde_json::json;
use turnpike_sdk::client::TokenSource;

use crate::orders_api::OrdersApi;
use crate::outbox::{Order, Outbox, State};

/// Orders at LJ Health Food. The client's secret is read from the environment variable
/// PARTNER_APP_CLIENT_SECRET. Ends with 3 when the client or its token is not accepted, 4 when a scope
/// is missing, 5 when a server cannot be reached, 6 when an order is not accepted.
#[derive(Parser)]
struct Settings {
    #[command(subcommand)]
    command: Command,
    /// Where tokens come from.
    #[arg(
        long,
        env = "PARTNER_APP_TOKEN_ENDPOINT",
        default_value = "http://127.0.0.1:8080/oauth2/token"
    )]
    token_endpoint: String,
    #[arg(long, env = "PARTNER_APP_CLIENT_ID")]
    client_id: String,
    /// The scopes to ask for, with spaces between; all that are granted unless told.
    #[arg(long, env = "PARTNER_APP_SCOPES", default_value = "")]
    scopes: String,
    /// The orders API.
    #[arg(long, env = "PARTNER_APP_ORDERS_API", default_value = "http://127.0.0.1:8081")]
    orders_api: String,
    /// The file with what was ordered.
    #[arg(long, env = "PARTNER_APP_DATABASE", default_value = "partner-app.sqlite")]
    database: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Place an order, and those that still wait.
    Place {
        #[arg(long)]
        item: String,
        #[arg(long)]
        quantity: u32,
    },
    /// Send the orders that still wait.
    Send,
    /// List what was ordered, as the orders API knows it.
    List,
}

/// Why something was not done, in words for the person who called.
enum Failure {
    Forbidden(String),
    NotAccepted(String),
    OrderRefused(String),
    Other(String),
    Unreachable(String),
}

#[tokio::main]
async fn main() -> ExitCode {
    let (code, problem) = match run(Settings::parse()).await {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Other(problem)) => (1, problem),
        Err(Failure::NotAccepted(problem)) => (3, problem),
        Err(Failure::Forbidden(problem)) => (4, problem),
        Err(Failure::Unreachable(problem)) => (5, problem),
        Err(Failure::OrderRefused(problem)) => (6, problem),
    };
    eprintln!("partner-app: {problem}");
    ExitCode::from(code)
}

async fn run(settings: Settings) -> Result<(), Failure> {
    #[expect(clippy::disallowed_methods, reason = "clap would take it from a flag as well")]
    let secret = std::env::var("PARTNER_APP_CLIENT_SECRET")
        .map_err(|_| Failure::Other("set PARTNER_APP_CLIENT_SECRET".into()))?;
    // One for the whole program: it keeps the token, renews it before it ends, and asks for it once
    // for all who wait.
    let tokens = TokenSource::builder(settings.token_endpoint, settings.client_id, secret)
        .scopes(settings.scopes.split_whitespace())
        .build()
        .map_err(|error| Failure::Other(error.to_string()))?;
    let api = OrdersApi::new(&settings.orders_api, tokens)?;
    let outbox = Outbox::open(&settings.database)?;
    match settings.command {
        Command::Place { item, quantity } => {
            outbox.add(&item, quantity)?;
            send(&outbox, &api).await
        }
        Command::Send => send(&outbox, &api).await,
        Command::List => {
            println!("{}", api.list().await?);
            Ok(())
        }
    }
}

/// Sends what waits, oldest first. An order that the API will never take does not hold up the rest.
async fn send(outbox: &Outbox, api: &OrdersApi) -> Result<(), Failure> {
    let mut refused = Ok(());
    for order in outbox.waiting()? {
        let (state, stop) = match patiently(&order, api).await {
            Ok(()) => (State::Placed, None),
            Err(Failure::OrderRefused(problem)) => {
                refused = Err(Failure::OrderRefused(problem));
                (State::Refused, None)
            }
            Err(failure) => (State::Waiting, Some(failure)),
        };
        outbox.mark(&order.id, state)?;
        let Order { id, item, quantity } = order;
        let state = state.name();
        println!(
            "{}",
            json!({ "order_id": id, "item": item, "quantity": quantity, "state": state })
        );
        if let Some(failure) = stop {
            return Err(failure);
        }
    }
    refused
}

/// Three attempts, if the first ones end without an answer. It may be the answer that was lost, so
/// the API sees the same id each time.
async fn patiently(order: &Order, api: &OrdersApi) -> Result<(), Failure> {
    for pause in [Duration::from_millis(200), Duration::from_millis(800)] {
        match api.place(order).await {
            Err(Failure::Unreachable(_)) => tokio::time::sleep(pause).await,
            done => return done,
        }
    }
    api.place(order).await
}
