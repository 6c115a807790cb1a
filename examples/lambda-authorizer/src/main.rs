//! A Lambda authorizer for Amazon API Gateway: decides about requests to the orders API before they reach it.
//!
//! [`authorizer`] decides, by `turnpike-sdk`'s verifier; [`event`] reads what the gateway asks and writes what it
//! understands. The rest of this file is settings.
#![expect(clippy::print_stderr, reason = "what a function writes there is its log")]

mod authorizer;
mod event;

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use turnpike_sdk::Verifier;
use turnpike_sdk::introspection::Introspection;
use turnpike_sdk::jwks::JwksSource;

use crate::authorizer::{Authorizer, Decision};
use crate::event::{Answers, Question, Reply, Trouble};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lambda-authorizer: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    let answers = match setting("AUTHORIZER_ANSWERS").as_deref() {
        None | Some("policy") => Answers::Policy,
        Some("simple") => Answers::Simple,
        Some(other) => {
            return Err(format!("AUTHORIZER_ANSWERS is `{other}`: policy or simple").into());
        }
    };
    let identifier = setting("AUTHORIZER_IDENTIFIER").unwrap_or_else(|| "lj-health-food".into());
    let authorizer = Authorizer::new(verifier(&identifier)?, &identifier)?;
    let authorizer = &authorizer;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        answer(authorizer, answers, event.payload).await
    }))
    .await
}

async fn answer(authorizer: &Authorizer, answers: Answers, event: Value) -> Result<Reply, Trouble> {
    let question = Question::read(event)?;
    let decision = authorizer.decide(&question).await;
    if let Decision::Refused(refusal) | Decision::NotAllowed(_, refusal) = &decision {
        // Its words are fixed: nothing of the token is in them.
        eprintln!("lambda-authorizer: refused: {}", refusal.reason());
    }
    question.reply(decision, answers)
}

/// Accepts the tokens of an issuer. With its key set alone, which is all that Amazon Cognito has, a token is good until
/// it ends; with introspection, for as long as Turnpike says.
fn verifier(identifier: &str) -> Result<Verifier, Error> {
    let keys = JwksSource::builder(need("AUTHORIZER_JWKS")?).build()?;
    let verifier = Verifier::builder(need("AUTHORIZER_ISSUER")?).jwks(keys);
    let Some(address) = setting("AUTHORIZER_INTROSPECTION") else { return Ok(verifier.build()?) };
    let secret = need("AUTHORIZER_SECRET")?;
    let introspection = Introspection::builder(address, identifier, secret).build()?;
    Ok(verifier.introspection(introspection).build()?)
}

fn need(name: &str) -> Result<String, Error> {
    setting(name).ok_or_else(|| format!("set {name}").into())
}

/// A function has no command line: its settings are its environment.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
