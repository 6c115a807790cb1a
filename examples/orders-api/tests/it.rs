//! The orders API as a process, beside an issuer and an introspection that the test plays.
#![expect(clippy::expect_used, reason = "helpers of tests stop where the set-up fails")]

use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use turnpike_sdk::test_util::Issuer;

const SECRET: &str = "tp_of_the_orders_api";
const PLACE: &str = "lj-health-food/place-order";
const LIST: &str = "lj-health-food/list-orders";

/// Its address is written into tokens, so there is one for all tests. Making its key takes a moment.
static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::rs256("https://turnpike.example"));

/// What introspection answers with: status and body. One of its own for each test.
#[derive(Clone)]
struct Turnpike {
    address: String,
    says: Arc<Mutex<(StatusCode, Value)>>,
}

impl Turnpike {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let says = (StatusCode::OK, active(&format!("{PLACE} {LIST}")));
        let turnpike = Self { address, says: Arc::new(Mutex::new(says)) };
        let app = Router::new()
            .route("/.well-known/jwks.json", get(|| async { ISSUER.jwks() }))
            .route("/oauth2/introspect", post(introspect))
            .with_state(turnpike.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        turnpike
    }

    fn says(&self, status: StatusCode, answer: Value) {
        *self.says.lock().expect("no panic") = (status, answer);
    }
}

async fn introspect(
    State(turnpike): State<Turnpike>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let basic = format!("Basic {}", STANDARD.encode(format!("lj-health-food:{SECRET}")));
    if headers[header::AUTHORIZATION] != basic.as_str() || form[0].0 != "token" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let (status, answer) = turnpike.says.lock().expect("no panic").clone();
    (status, answer.to_string()).into_response()
}

fn active(scope: &str) -> Value {
    json!({ "active": true, "scope": scope })
}

struct Api {
    process: Child,
    url: String,
}

struct Answer {
    status: u16,
    challenge: String,
    text: String,
}

fn command(turnpike: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orders-api"));
    command
        .args(["--issuer", ISSUER.url(), "--listen", "127.0.0.1:0"])
        .args(["--jwks", &format!("{turnpike}/.well-known/jwks.json")])
        .args(["--introspection", &format!("{turnpike}/oauth2/introspect")])
        .arg("--database")
        .arg(folder.join("orders.sqlite"))
        .env("ORDERS_API_SECRET", SECRET)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

impl Api {
    async fn start(turnpike: &Turnpike, folder: &Path) -> Self {
        let mut command = command(&turnpike.address, folder);
        let mut process = command.stdout(Stdio::piped()).spawn().expect("a process");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let line = lines.next_line().await.expect("text").expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("one line of JSON");
        Self { process, url: ready["url"].as_str().expect("a url").to_owned() }
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).expect("a request");
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (parts, body) = client.request(request).await.expect("an answer").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let challenge = parts.headers.get(header::WWW_AUTHENTICATE);
        let challenge = challenge.map(|value| value.to_str().expect("text").to_owned());
        Answer {
            status: parts.status.as_u16(),
            challenge: challenge.unwrap_or_default(),
            text: String::from_utf8(body.to_vec()).expect("text"),
        }
    }

    async fn place(&self, token: &str, order: Value) -> Answer {
        self.call(Method::POST, "/orders", token, &order.to_string()).await
    }

    async fn list(&self, token: &str) -> Answer {
        self.call(Method::GET, "/orders", token, "").await
    }

    /// Ends it as an operator does.
    async fn stop(mut self) -> Option<i32> {
        let id = self.process.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill");
        assert!(sent.success());
        self.process.wait().await.expect("its end").code()
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }
}

fn order(id: &str) -> Value {
    json!({ "order_id": id, "item": "oat bars", "quantity": 12 })
}

#[tokio::test]
async fn each_route_needs_its_scope() {
    let folder = tempfile::tempdir().expect("a folder");
    let turnpike = Turnpike::start().await;
    let api = Api::start(&turnpike, folder.path()).await;
    let (places, lists) = (ISSUER.token("shop", PLACE), ISSUER.token("shop", LIST));

    let placed = api.place(&places, order("1")).await;
    assert_eq!((placed.status, &placed.json()["item"]), (201, &json!("oat bars")));
    let refused = api.list(&places).await;
    assert_eq!(refused.status, 403);
    assert!(refused.challenge.contains("error=\"insufficient_scope\""), "{}", refused.challenge);
    assert!(refused.challenge.contains(LIST), "{}", refused.challenge);
    assert_eq!(api.place(&lists, order("2")).await.status, 403);
    assert_eq!(api.list(&lists).await.json().as_array().map(Vec::len), Some(1));

    let refused = api.list("").await;
    assert_eq!((refused.status, refused.challenge.as_str()), (401, "Bearer realm=\"turnpike\""));
    let stranger = Issuer::rs256(ISSUER.url()).token("shop", PLACE);
    let foreign = ISSUER.token("shop", "other/place-order");
    for (token, status) in [("garbage", 401), (&stranger, 401), (&foreign, 403)] {
        assert_eq!(api.place(token, order("2")).await.status, status);
    }
    assert_eq!(api.call(Method::GET, "/healthz", "", "").await.text, "ok\n");
}

#[tokio::test]
async fn a_token_is_refused_when_introspection_says_so_or_says_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let turnpike = Turnpike::start().await;
    let api = Api::start(&turnpike, folder.path()).await;
    // A token each, because what was said of one is kept for a moment.
    let token = || ISSUER.token("shop", &format!("{PLACE} {LIST}"));

    turnpike.says(StatusCode::OK, json!({ "active": false }));
    let refused = api.place(&token(), order("1")).await;
    assert_eq!(refused.status, 401);
    assert!(refused.challenge.contains("error=\"invalid_token\""), "{}", refused.challenge);

    turnpike.says(StatusCode::OK, active(PLACE));
    let narrowed = token();
    assert_eq!(api.list(&narrowed).await.status, 403);
    assert_eq!(api.place(&narrowed, order("1")).await.status, 201);

    turnpike.says(StatusCode::INTERNAL_SERVER_ERROR, active(PLACE));
    assert_eq!(api.place(&token(), order("2")).await.status, 503);
    turnpike.says(StatusCode::OK, active(LIST));
    assert_eq!(api.list(&token()).await.json().as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_order_is_placed_once_and_its_client_alone_sees_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let turnpike = Turnpike::start().await;
    let api = Api::start(&turnpike, folder.path()).await;
    let token = |client: &str| ISSUER.token(client, &format!("{PLACE} {LIST}"));
    let (shop, other) = (token("shop"), token("other"));

    let first = api.place(&shop, order("1")).await;
    let again = api.place(&shop, order("1")).await;
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.json(), again.json());
    let mut changed = order("1");
    changed["quantity"] = json!(13);
    assert_eq!(api.place(&shop, changed.clone()).await.status, 409);
    // Another client's ids are its own.
    assert_eq!(api.place(&other, changed).await.status, 201);
    assert_eq!(api.place(&shop, order("2")).await.status, 201);

    let ids = |answer: Answer| {
        let list = answer.json();
        let ids = list.as_array().expect("a list").iter().map(|order| order["order_id"].clone());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(api.list(&shop).await), ["2", "1"]);
    assert_eq!(ids(api.list(&other).await), ["1"]);

    // Told to stop, it ends by itself; what it said is kept is kept.
    assert_eq!(api.stop().await, Some(0));
    let api = Api::start(&turnpike, folder.path()).await;
    assert_eq!(ids(api.list(&shop).await), ["2", "1"]);
    assert_eq!(api.place(&shop, order("1")).await.status, 200);
}

#[tokio::test]
async fn what_is_no_order_is_not_placed() {
    let folder = tempfile::tempdir().expect("a folder");
    let turnpike = Turnpike::start().await;
    let api = Api::start(&turnpike, folder.path()).await;
    let token = ISSUER.token("shop", &format!("{PLACE} {LIST}"));
    let with = |name: &str, value: Value| {
        let mut order = order("1");
        order[name] = value;
        order.to_string()
    };
    for (body, status) in [
        (String::new(), 400),
        ("{".into(), 400),
        ("[]".into(), 422),
        ("{}".into(), 422),
        (with("order_id", json!("")), 422),
        (with("order_id", json!("x".repeat(65))), 422),
        (with("item", json!(" ")), 422),
        (with("item", json!("x".repeat(201))), 422),
        (with("quantity", json!(0)), 422),
        (with("quantity", json!(1001)), 422),
        (with("quantity", json!(-1)), 422),
        (with("quantity", json!("12")), 422),
        (with("client_id", json!("other")), 422),
        (with("item", json!("x".repeat(17 * 1024))), 413),
    ] {
        let answer = api.call(Method::POST, "/orders", &token, &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
    }
    assert_eq!(api.list(&token).await.json(), json!([]));
}

#[tokio::test]
async fn without_what_it_needs_it_does_not_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = async |change: &dyn Fn(&mut Command)| -> Output {
        let mut command = command("http://127.0.0.1:9", folder.path());
        change(&mut command);
        command.output().await.expect("its end")
    };
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();

    let ended = run(&|command| {
        command.env_remove("ORDERS_API_SECRET");
    })
    .await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(said(&ended).contains("set ORDERS_API_SECRET or --secret-file"), "{}", said(&ended));
    let file = folder.path().join("secret");
    let ended = run(&|command| {
        command.arg("--secret-file").arg(&file);
    })
    .await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(said(&ended).contains("secret"), "{}", said(&ended));
    std::fs::write(&file, " \n").expect("a file");
    let ended = run(&|command| {
        command.arg("--secret-file").arg(&file);
    })
    .await;
    assert!(said(&ended).contains("no secret"), "{}", said(&ended));
    let ended = command("http://turnpike.example", folder.path()).output().await.expect("its end");
    assert!(said(&ended).contains("plain http to another machine"), "{}", said(&ended));

    // Nothing is derived unless asked for, and no flag takes the secret.
    let bare = Command::new(env!("CARGO_BIN_EXE_orders-api")).output().await.expect("its end");
    assert_eq!(bare.status.code(), Some(2));
    assert!(said(&bare).contains("--turnpike"), "{}", said(&bare));
    let help = run(&|command| {
        command.arg("--help");
    })
    .await;
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.contains("--secret-file") && !help.contains("--secret <"), "{help}");
    assert!(!help.contains(SECRET), "{help}");
}
