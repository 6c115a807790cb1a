//! The partner's program, beside a token endpoint and an orders API that the test plays.
#![expect(clippy::expect_used, reason = "helpers of tests stop where the set-up fails")]

use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, LazyLock, Mutex};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;
use turnpike_sdk::axum::verify;
use turnpike_sdk::test_util::Issuer;
use turnpike_sdk::{Require, Verified, Verifier};

const SECRET: &str = "tp_of_the_partner";
const PLACE: &str = "lj-health-food/place-order";

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::rs256("https://turnpike.example"));

/// Both servers, and what they were asked.
#[derive(Clone, Default)]
struct Servers {
    address: String,
    /// The `scope` of each token request, empty when there is none.
    asked: Arc<Mutex<Vec<String>>>,
    /// Each order as it came in, kept or not.
    came: Arc<Mutex<Vec<Value>>>,
    /// What the orders API does with the next orders, before it takes them.
    does: Arc<Mutex<VecDeque<u16>>>,
    /// The token endpoint's error, if it has one.
    refuses: Arc<Mutex<Option<&'static str>>>,
}

impl Servers {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let servers = Self { address, ..Self::default() };
        let verifier = Verifier::builder(ISSUER.url()).keys(ISSUER.keys()).build();
        let place = Require::all_of([PLACE]).expect("a scope");
        let app = Router::new()
            .route("/orders", post(take).get(list))
            .layer(verify(verifier.expect("a verifier"), place))
            .route("/oauth2/token", post(token))
            .route("/healthz", get(|| async {}))
            .with_state(servers.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        servers
    }

    fn does(&self, statuses: &[u16]) {
        self.does.lock().expect("no panic").extend(statuses);
    }

    fn refuses(&self, error: Option<&'static str>) {
        *self.refuses.lock().expect("no panic") = error;
    }

    fn tokens(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }

    fn orders(&self) -> Vec<Value> {
        self.came.lock().expect("no panic").clone()
    }

    async fn run(&self, folder: &Path, args: &[&str]) -> Ended {
        run(&self.address, folder, args).await
    }
}

async fn token(
    State(servers): State<Servers>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let value = |name| form.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
    assert_eq!(value("grant_type").as_deref(), Some("client_credentials"));
    // `partner:` and the secret.
    assert_eq!(headers[header::AUTHORIZATION], "Basic cGFydG5lcjp0cF9vZl90aGVfcGFydG5lcg==");
    let scope = value("scope").unwrap_or_default();
    servers.asked.lock().expect("no panic").push(scope.clone());
    if let Some(error) = *servers.refuses.lock().expect("no panic") {
        let answer = json!({ "error": error, "error_description": "the words of the server" });
        return (StatusCode::BAD_REQUEST, Json(answer)).into_response();
    }
    let scope = if scope.is_empty() { PLACE.to_owned() } else { scope };
    let token = ISSUER.token("partner", &scope);
    let answer = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 });
    Json(answer).into_response()
}

async fn take(
    State(servers): State<Servers>,
    caller: Verified,
    Json(order): Json<Value>,
) -> Response {
    assert_eq!(caller.client_id(), "partner");
    servers.came.lock().expect("no panic").push(order.clone());
    match servers.does.lock().expect("no panic").pop_front() {
        Some(401) => {
            let challenge =
                "Bearer error=\"invalid_token\", error_description=\"it is not active\"";
            let headers = [(header::WWW_AUTHENTICATE, challenge)];
            (StatusCode::UNAUTHORIZED, headers).into_response()
        }
        Some(status) => {
            (StatusCode::from_u16(status).expect("a status"), "not today").into_response()
        }
        None => (StatusCode::CREATED, Json(order)).into_response(),
    }
}

async fn list(State(servers): State<Servers>) -> Json<Value> {
    Json(Value::Array(servers.orders()))
}

struct Ended {
    code: i32,
    /// The lines on standard output, each JSON.
    lines: Vec<Value>,
    said: String,
}

impl Ended {
    fn states(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line["state"].as_str().expect("a state")).collect()
    }
}

async fn run(address: &str, folder: &Path, args: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_partner-app"))
        .args(args)
        .env("PARTNER_APP_TOKEN_ENDPOINT", format!("{address}/oauth2/token"))
        .env("PARTNER_APP_ORDERS_API", address)
        .env("PARTNER_APP_CLIENT_ID", "partner")
        .env("PARTNER_APP_CLIENT_SECRET", SECRET)
        .env("PARTNER_APP_DATABASE", folder.join("partner.sqlite"))
        .stdin(Stdio::null())
        .output()
        .await
        .expect("its end");
    let text = String::from_utf8(output.stdout).expect("text");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(!said.contains(SECRET) && !text.contains(SECRET));
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    Ended { code: output.status.code().expect("a code"), lines, said }
}

const BARS: [&str; 5] = ["place", "--item", "oat bars", "--quantity", "12"];
const NUTS: [&str; 5] = ["place", "--item", "walnuts", "--quantity", "3"];

#[tokio::test]
async fn an_order_is_placed_and_listed() {
    let (servers, folder) = (Servers::start().await, tempfile::tempdir().expect("a folder"));
    let placed = servers.run(folder.path(), &BARS).await;
    assert_eq!((placed.code, placed.said.as_str()), (0, ""));
    let line = &placed.lines[0];
    assert_eq!((&line["item"], &line["quantity"]), (&json!("oat bars"), &json!(12)));
    assert_eq!(placed.states(), ["placed"]);
    assert_eq!(servers.orders()[0]["order_id"], line["order_id"]);

    let listed = servers.run(folder.path(), &["list"]).await;
    assert_eq!((listed.code, &listed.lines[0][0]["item"]), (0, &json!("oat bars")));
    let sent = servers.run(folder.path(), &["send"]).await;
    assert_eq!((sent.code, sent.lines.len(), servers.orders().len()), (0, 0, 1));
}

#[tokio::test]
async fn what_gets_no_answer_is_sent_again_as_the_same_order() {
    let (servers, folder) = (Servers::start().await, tempfile::tempdir().expect("a folder"));
    // Taken, and the answer lost: three times, so the program gives up for now.
    servers.does(&[502, 503, 500]);
    let failed = servers.run(folder.path(), &BARS).await;
    assert_eq!((failed.code, failed.states()), (5, vec!["waiting"]));
    assert!(failed.said.contains("cannot answer now: status 500"), "{}", failed.said);
    // The next order takes the first one along, with one token for both.
    let tokens = servers.tokens().len();
    servers.does(&[503]);
    let placed = servers.run(folder.path(), &NUTS).await;
    assert_eq!((placed.code, placed.states()), (0, vec!["placed", "placed"]));
    assert_eq!(servers.tokens().len(), tokens + 1);
    let ids: Vec<_> = servers.orders().iter().map(|order| order["order_id"].clone()).collect();
    assert_eq!(ids.len(), 6);
    assert!(ids[..5].iter().all(|id| *id == ids[0]) && ids[5] != ids[0], "{ids:?}");
}

#[tokio::test]
async fn each_failure_has_its_code() {
    let (servers, folder) = (Servers::start().await, tempfile::tempdir().expect("a folder"));
    for (status, code, says) in [
        (401, 3, "does not accept the token: invalid_token: it is not active"),
        (403, 4, "a scope is missing"),
    ] {
        servers.does(&[status]);
        let ended = servers.run(folder.path(), &["send"]).await;
        assert_eq!((ended.code, ended.lines.len()), (0, 0), "nothing waits yet");
        let ended = servers.run(folder.path(), &BARS).await;
        assert_eq!((ended.code, ended.states()), (code, vec!["waiting"]), "{}", ended.said);
        assert!(ended.said.contains(says), "{}", ended.said);
        let sent = servers.run(folder.path(), &["send"]).await;
        assert_eq!((sent.code, sent.states()), (0, vec!["placed"]));
    }
    // What the API will never take is not sent again, and holds up nothing.
    servers.does(&[503, 503, 503, 422]);
    assert_eq!(servers.run(folder.path(), &BARS).await.code, 5);
    let ended = servers.run(folder.path(), &NUTS).await;
    assert_eq!((ended.code, ended.states()), (6, vec!["refused", "placed"]));
    assert!(ended.said.contains("does not take the order: not today"), "{}", ended.said);
    assert_eq!(servers.run(folder.path(), &["send"]).await.lines.len(), 0);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let (servers, folder) = (Servers::start().await, tempfile::tempdir().expect("a folder"));
    for (error, code) in [("invalid_client", 3), ("invalid_scope", 4), ("invalid_request", 1)] {
        servers.refuses(Some(error));
        let ended = servers.run(folder.path(), &["list"]).await;
        assert_eq!(ended.code, code, "{}", ended.said);
        let said = format!("{error}: the words of the server");
        assert!(ended.said.contains(&said), "{}", ended.said);
    }
    assert!(servers.orders().is_empty());
    servers.refuses(None);
    // The API has the last word on scopes.
    let list = ["--scopes", "lj-health-food/list-orders", "list"];
    let ended = servers.run(folder.path(), &list).await;
    assert_eq!(ended.code, 4, "{}", ended.said);
    assert!(ended.said.contains("insufficient_scope"), "{}", ended.said);
    assert_eq!(servers.tokens().last().map(String::as_str), Some("lj-health-food/list-orders"));

    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", closed.local_addr().expect("an address"));
    drop(closed);
    let ended = run(&address, folder.path(), &["list"]).await;
    assert_eq!(ended.code, 5, "{}", ended.said);
    let far = ["--orders-api", "http://orders.example", "list"];
    let ended = servers.run(folder.path(), &far).await;
    assert_eq!(ended.code, 1);
    assert!(ended.said.contains("plain http to another machine"), "{}", ended.said);
}
