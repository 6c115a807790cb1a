//! The authorizer as Lambda runs it: a process that asks the runtime for events, with the issuer and the introspection
//! that the test plays. The events are of the shape that API Gateway sends; the tokens are made as the test runs.
#![expect(clippy::expect_used, reason = "helpers of tests stop where the set-up fails")]

use std::process::Stdio;
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use turnpike_sdk::test_util::Issuer;

const PLACE: &str = "lj-health-food/place-order";
const LIST: &str = "lj-health-food/list-orders";
const REST_V1: &str = include_str!("events/rest-v1.json");
const HTTP_V1: &str = include_str!("events/http-v1.json");
const HTTP_V2: &str = include_str!("events/http-v2.json");

/// Its address is written into tokens, so there is one for all tests. Making its key takes a moment.
static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::rs256("https://turnpike.example"));

/// Serves until the test ends; its address, without a scheme.
async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// The authorizer, and the Lambda that it runs in.
struct Function {
    events: Sender<String>,
    answers: Receiver<Result<Value, Value>>,
    _process: Child,
}

/// Lambda's runtime API: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
#[derive(Clone)]
struct Lambda {
    events: Arc<tokio::sync::Mutex<Receiver<String>>>,
    answers: Sender<Result<Value, Value>>,
}

async fn next(State(lambda): State<Lambda>) -> impl IntoResponse {
    let event = lambda.events.lock().await.recv().await;
    let headers = [
        ("lambda-runtime-aws-request-id", "00000000-0000-0000-0000-000000000000"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:123456789012:function:f"),
    ];
    (headers, event.unwrap_or_default())
}

async fn done(
    State(lambda): State<Lambda>,
    Path((_, how)): Path<(String, String)>,
    body: String,
) -> StatusCode {
    let body = serde_json::from_str(&body).expect("JSON");
    let answer = if how == "response" { Ok(body) } else { Err(body) };
    lambda.answers.send(answer).await.expect("somebody waits");
    StatusCode::ACCEPTED
}

impl Function {
    /// With these settings beside issuer and key set.
    async fn start(settings: &[(&str, &str)]) -> Self {
        let (events, taken) = channel(1);
        let (said, answers) = channel(1);
        let lambda = Lambda { events: Arc::new(taken.into()), answers: said };
        let lambda = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{how}", post(done))
            .with_state(lambda);
        let keys = Router::new().route("/jwks.json", get(|| async { ISSUER.jwks() }));
        let process = Command::new(env!("CARGO_BIN_EXE_lambda-authorizer"))
            .env("AWS_LAMBDA_RUNTIME_API", serve(lambda).await)
            .env("AWS_LAMBDA_FUNCTION_NAME", "lambda-authorizer")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AUTHORIZER_ISSUER", ISSUER.url())
            .env("AUTHORIZER_JWKS", format!("http://{}/jwks.json", serve(keys).await))
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        Self { events, answers, _process: process }
    }

    /// What it answers, or how it fails.
    async fn decide(&mut self, event: &Value) -> Result<Value, Value> {
        self.events.send(event.to_string()).await.expect("it runs");
        self.answers.recv().await.expect("it answers")
    }

    /// The same, of a request with this token.
    async fn ask(&mut self, event: &str, token: &str) -> Result<Value, Value> {
        self.decide(&with(event, &format!("Bearer {token}"))).await
    }
}

/// An event with this for its `Authorization`.
fn with(event: &str, authorization: &str) -> Value {
    serde_json::from_str(&event.replace("AUTHORIZATION", authorization)).expect("JSON")
}

/// An event of a request without the header.
fn without(event: &str) -> Value {
    let mut event = with(event, "");
    for headers in ["headers", "multiValueHeaders"] {
        if let Some(headers) = event[headers].as_object_mut() {
            headers.retain(|name, _| !name.eq_ignore_ascii_case("authorization"));
        }
    }
    event
}

fn arn(event: &str) -> Value {
    let event = with(event, "");
    event.get("methodArn").or_else(|| event.get("routeArn")).expect("an ARN").clone()
}

fn policy(event: &str, effect: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Action": ["execute-api:Invoke"],
            "Effect": effect,
            "Resource": [arn(event)],
        }],
    })
}

fn unauthorized() -> Result<Value, Value> {
    Err(json!({ "errorType": "Unauthorized", "errorMessage": "Unauthorized" }))
}

fn now() -> i64 {
    use turnpike_sdk::Clock as _;
    turnpike_sdk::SystemClock.now()
}

/// Tokens that are nobody's, and why.
fn bad_tokens() -> Vec<(&'static str, String)> {
    let draft = || ISSUER.draft("shop", PLACE, now());
    let good = draft();
    let stranger = Issuer::rs256(ISSUER.url());
    vec![
        ("garbage", "garbage".into()),
        ("the same claims, by another key", {
            stranger.token_of(good.header_text(), good.claims_text())
        }),
        ("another key by its name", stranger.token("shop", PLACE)),
        ("expired", draft().claim("iat", now() - 7200).claim("exp", now() - 3600).token()),
        ("another issuer", draft().claim("iss", "\"https://turnpike.example/\"").token()),
        ("an ID token", draft().claim("token_use", "\"id\"").token()),
    ]
}

#[tokio::test]
async fn a_rest_api_gets_a_policy_for_the_request() {
    let mut function = Function::start(&[]).await;
    for event in [REST_V1, HTTP_V1] {
        let token = ISSUER.token("shop", &format!("{PLACE} {LIST}"));
        let allowed = function.ask(event, &token).await.expect("a policy");
        assert_eq!(allowed["principalId"], "shop");
        assert_eq!(allowed["policyDocument"], policy(event, "Allow"));
        assert_eq!(
            allowed["context"],
            json!({ "clientId": "shop", "scope": format!("{PLACE} {LIST}") })
        );

        for scope in [LIST, "other/place-order", "lj-health-food/place-orders"] {
            let denied = function.ask(event, &ISSUER.token("shop", scope)).await.expect("a policy");
            assert_eq!(denied["principalId"], "shop");
            assert_eq!(denied["policyDocument"], policy(event, "Deny"), "{scope}");
            assert_eq!(denied["context"], json!({}));
        }
        for (what, token) in bad_tokens() {
            assert_eq!(function.ask(event, &token).await, unauthorized(), "{what}");
        }
        assert_eq!(function.decide(&without(event)).await, unauthorized());
        assert_eq!(function.decide(&with(event, "Basic YTpi")).await, unauthorized());
    }
}

#[tokio::test]
async fn an_http_api_gets_a_policy_or_a_yes_or_no() {
    let mut policies = Function::start(&[]).await;
    let mut simple = Function::start(&[("AUTHORIZER_ANSWERS", "simple")]).await;
    let (places, lists) = (ISSUER.token("shop", PLACE), ISSUER.token("shop", LIST));
    let context = json!({ "clientId": "shop", "scope": PLACE });

    assert_eq!(
        policies.ask(HTTP_V2, &places).await,
        Ok(json!({
            "principalId": "shop",
            "policyDocument": policy(HTTP_V2, "Allow"),
            "context": context,
        }))
    );
    assert_eq!(
        simple.ask(HTTP_V2, &places).await,
        Ok(json!({ "isAuthorized": true, "context": context }))
    );

    let no = Ok(json!({ "isAuthorized": false, "context": {} }));
    let denied = |principal: &str| {
        Ok(json!({
            "principalId": principal,
            "policyDocument": policy(HTTP_V2, "Deny"),
            "context": {},
        }))
    };
    assert_eq!(policies.ask(HTTP_V2, &lists).await, denied("shop"));
    assert_eq!(simple.ask(HTTP_V2, &lists).await, no);
    for (what, token) in bad_tokens() {
        assert_eq!(policies.ask(HTTP_V2, &token).await, denied("nobody"), "{what}");
        assert_eq!(simple.ask(HTTP_V2, &token).await, no, "{what}");
    }
    // Two headers come as one text, with a comma.
    let twice = with(HTTP_V2, &format!("Bearer {places},Bearer {places}"));
    for event in [without(HTTP_V2), with(HTTP_V2, "Basic YTpi"), twice] {
        assert_eq!(policies.decide(&event).await, denied("nobody"));
        assert_eq!(simple.decide(&event).await, no);
    }
}

#[tokio::test]
async fn each_route_needs_its_scope_and_an_unknown_one_is_nobodys() {
    let mut function = Function::start(&[]).await;
    let token = ISSUER.token("shop", PLACE);
    let effect = |answer: Result<Value, Value>| {
        let answer = answer.expect("a policy");
        answer["policyDocument"]["Statement"][0]["Effect"].as_str().map(str::to_owned)
    };
    for (method, resource, expected) in [
        ("POST", "/orders", "Allow"),
        ("GET", "/orders", "Deny"),
        ("DELETE", "/orders", "Deny"),
        ("POST", "/orders/{id}", "Deny"),
        ("POST", "/{proxy+}", "Deny"),
    ] {
        let mut event = with(REST_V1, &format!("Bearer {token}"));
        event["httpMethod"] = method.into();
        event["resource"] = resource.into();
        assert_eq!(effect(function.decide(&event).await).as_deref(), Some(expected));
        let mut event = with(HTTP_V2, &format!("Bearer {token}"));
        event["routeKey"] = format!("{method} {resource}").into();
        assert_eq!(effect(function.decide(&event).await).as_deref(), Some(expected));
    }
    let mut event = with(HTTP_V2, &format!("Bearer {token}"));
    event["routeKey"] = "$default".into();
    assert_eq!(effect(function.decide(&event).await).as_deref(), Some("Deny"));

    // Of two headers a REST API shows one in `headers`.
    let mut event = with(REST_V1, &format!("Bearer {token}"));
    event["multiValueHeaders"]["Authorization"] = json!([format!("Bearer {token}"), "Bearer x"]);
    assert_eq!(function.decide(&event).await, unauthorized());
}

#[tokio::test]
async fn introspection_has_the_last_word() {
    let says = Arc::new(Mutex::new((StatusCode::OK, json!({ "active": true, "scope": PLACE }))));
    let said = Arc::clone(&says);
    let introspect = async move || {
        let (status, answer) = said.lock().expect("no panic").clone();
        (status, answer.to_string())
    };
    let address = serve(Router::new().route("/oauth2/introspect", post(introspect))).await;
    let mut function = Function::start(&[
        ("AUTHORIZER_INTROSPECTION", &format!("http://{address}/oauth2/introspect")),
        ("AUTHORIZER_SECRET", "tp_of_the_orders_api"),
    ])
    .await;
    // A token each, because what was said of one is kept for a moment.
    let token = || ISSUER.token("shop", &format!("{PLACE} {LIST}"));

    let allowed = function.ask(REST_V1, &token()).await.expect("a policy");
    assert_eq!(allowed["policyDocument"], policy(REST_V1, "Allow"));
    assert_eq!(allowed["context"]["scope"], PLACE);

    let set = |status, answer| *says.lock().expect("no panic") = (status, answer);
    set(StatusCode::OK, json!({ "active": true, "scope": LIST }));
    let denied = function.ask(REST_V1, &token()).await.expect("a policy");
    assert_eq!(denied["policyDocument"], policy(REST_V1, "Deny"));

    set(StatusCode::OK, json!({ "active": false }));
    assert_eq!(function.ask(REST_V1, &token()).await, unauthorized());

    // Nobody is let in, and nobody is told to get another token.
    set(StatusCode::INTERNAL_SERVER_ERROR, json!({}));
    for event in [REST_V1, HTTP_V2] {
        let failed = function.ask(event, &token()).await.expect_err("no answer");
        assert_eq!(failed["errorMessage"], "introspection_unavailable");
    }
}

#[tokio::test]
async fn without_keys_or_a_request_there_is_no_answer() {
    let gone = serve(Router::new()).await;
    let jwks = format!("http://{gone}/jwks.json");
    let mut function = Function::start(&[("AUTHORIZER_JWKS", &jwks)]).await;
    let failed = function.ask(HTTP_V2, &ISSUER.token("shop", PLACE)).await.expect_err("no answer");
    assert_eq!(failed["errorMessage"], "keys_unavailable");

    for event in [json!({}), json!({ "version": "2.0" }), json!([]), json!("event")] {
        let failed = function.decide(&event).await.expect_err("no request");
        assert_eq!(failed["errorType"], "NoRequest", "{failed}");
    }
    for missing in ["methodArn", "resource", "httpMethod"] {
        let mut event = with(REST_V1, "Bearer x");
        event.as_object_mut().expect("an object").remove(missing);
        let failed = function.decide(&event).await.expect_err("no request");
        assert_eq!(failed["errorMessage"], format!("{missing} is missing"));
    }
}

#[tokio::test]
async fn without_what_it_needs_it_does_not_start() {
    for (setting, value, words) in [
        ("AUTHORIZER_ISSUER", "", "set AUTHORIZER_ISSUER"),
        ("AUTHORIZER_JWKS", "", "set AUTHORIZER_JWKS"),
        ("AUTHORIZER_INTROSPECTION", "http://127.0.0.1:9/", "set AUTHORIZER_SECRET"),
        ("AUTHORIZER_ANSWERS", "yes", "policy or simple"),
    ] {
        let ended = Command::new(env!("CARGO_BIN_EXE_lambda-authorizer"))
            .env("AUTHORIZER_ISSUER", ISSUER.url())
            .env("AUTHORIZER_JWKS", "http://127.0.0.1:9/jwks.json")
            .env(setting, value)
            .output()
            .await
            .expect("its end");
        assert_eq!(ended.status.code(), Some(1));
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(said.contains(words), "{said}");
    }
}
