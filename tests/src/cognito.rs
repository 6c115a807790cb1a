//! Cognito as our strict fake plays it, in a process of its own.

use std::process::Stdio;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::http::{Answer, Http};
use crate::process::command;

/// A running fake; it ends with this.
#[derive(Debug)]
pub struct Cognito {
    _process: Child,
    said: Value,
}

impl Cognito {
    /// Starts one with an empty pool.
    pub async fn start() -> Self {
        let mut process = command("fake-cognito")
            .args(["--listen", "127.0.0.1:0", "--resource-servers", "300"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let line = BufReader::new(process.stdout.take().unwrap()).lines().next_line().await;
        let said = serde_json::from_str(&line.unwrap().unwrap()).unwrap();
        Self { _process: process, said }
    }

    /// Where it is: its API, its token endpoint and its keys.
    pub fn url(&self) -> &str {
        self.said("endpoint_url")
    }

    fn said(&self, key: &str) -> &str {
        self.said[key].as_str().unwrap()
    }

    /// Variables by which a process of ours has this pool, and all of its rates.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        self.environment_at(self.url())
    }

    /// The same for one that finds it elsewhere: behind a door.
    pub fn environment_at(&self, url: &str) -> Vec<(&'static str, String)> {
        let said = |key| self.said(key).to_owned();
        let there = |key| self.said(key).replace(self.url(), url);
        vec![
            ("TURNPIKE_AUTHORIZATION_SERVER__KIND", "cognito".to_owned()),
            ("TURNPIKE_AUTHORIZATION_SERVER__USER_POOL_ID", said("user_pool_id")),
            ("TURNPIKE_AUTHORIZATION_SERVER__REGION", said("region")),
            ("TURNPIKE_AUTHORIZATION_SERVER__ENDPOINT_URL", there("endpoint_url")),
            ("TURNPIKE_AUTHORIZATION_SERVER__ISSUER", said("issuer")),
            ("TURNPIKE_AUTHORIZATION_SERVER__JWKS_URI", there("jwks_uri")),
            ("TURNPIKE_AUTHORIZATION_SERVER__TOKEN_ENDPOINT", there("token_endpoint")),
            ("TURNPIKE_AUTHORIZATION_SERVER__REQUESTS_PER_SECOND__CLIENT_READ", "15".to_owned()),
            ("TURNPIKE_AUTHORIZATION_SERVER__REQUESTS_PER_SECOND__CLIENT_UPDATE", "15".to_owned()),
            ("TURNPIKE_AUTHORIZATION_SERVER__REQUESTS_PER_SECOND__RESOURCE_READ", "20".to_owned()),
            (
                "TURNPIKE_AUTHORIZATION_SERVER__REQUESTS_PER_SECOND__RESOURCE_UPDATE",
                "15".to_owned(),
            ),
            ("TURNPIKE_AUTHORIZATION_SERVER__REQUESTS_PER_SECOND__OPERATION", "5".to_owned()),
        ]
    }

    /// Asks the pool something, as its own console would; answers with what it says.
    pub async fn ask(&self, operation: &str, input: Value) -> Value {
        self.find(operation, input).await.unwrap_or_else(|| panic!("{operation}: it is not there"))
    }

    /// The same of what may not be there: `None` then.
    pub async fn find(&self, operation: &str, mut input: Value) -> Option<Value> {
        input["UserPoolId"] = self.said["user_pool_id"].clone();
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=test/20260101/any/cognito-idp/aws4_request",
            ),
        ];
        let http = Http::new(self.url());
        let answer = http.send(Method::POST, "/", &headers, input.to_string()).await;
        let said = answer.json();
        if said["__type"] == "ResourceNotFoundException" {
            return None;
        }
        assert_eq!(answer.status, StatusCode::OK, "{operation}: {said}");
        Some(said)
    }

    /// All of a list: `operation`, how many it gives at once, and what it calls them.
    pub async fn list(&self, operation: &str, at_once: u32, items: &str) -> Vec<Value> {
        let (mut all, mut input) = (Vec::new(), json!({ "MaxResults": at_once }));
        loop {
            let mut answer = self.ask(operation, input.clone()).await;
            all.append(answer[items].as_array_mut().unwrap());
            match answer.get("NextToken").and_then(Value::as_str) {
                Some(next) => input["NextToken"] = next.into(),
                None => return all,
            }
        }
    }

    /// From now on nothing goes wrong that is not asked for.
    pub async fn heal(&self) {
        self.steer(Method::DELETE, "faults", "").await;
    }

    /// Lets something go wrong: a fault of the fake's, in JSON.
    pub async fn fail(&self, fault: Value) {
        self.steer(Method::POST, "faults", &fault.to_string()).await;
    }

    /// The calls of its API since the last time, each with its `operation` and `outcome`.
    pub async fn calls(&self) -> Vec<Value> {
        let mut calls = self.steer(Method::GET, "calls", "").await;
        self.steer(Method::DELETE, "calls", "").await;
        let mut calls = std::mem::take(calls.as_array_mut().unwrap());
        calls.retain(|call| call["operation"] != "Token" && call["operation"] != "Jwks");
        calls
    }

    /// What its own token endpoint answers to a client.
    pub async fn token(&self, client_id: &str, secret: &str) -> Answer {
        let http = Http::new(self.url());
        http.token(client_id, secret, "").await
    }

    /// Whether it refuses what comes faster than Cognito takes it.
    pub async fn keep_rates(&self, real: bool) {
        self.steer(Method::PUT, "rates", if real { "true" } else { "false" }).await;
    }

    async fn steer(&self, method: Method, what: &str, body: &str) -> Value {
        let http = Http::new(self.url());
        let answer = http.send(method, &format!("/_fake/{what}"), &[], body.to_owned()).await;
        assert_eq!(answer.status, StatusCode::OK, "{what}: {}", answer.text());
        answer.json()
    }
}
