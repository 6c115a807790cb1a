//! The listener, and what each call goes through: log, fault, rate, conflict, then the operation.

use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::admin;
use crate::error::ApiError;
use crate::faults::{FaultKind, Journal};
use crate::input::Input;
use crate::operations::{self, Category, Operation};
use crate::rates::Meter;
use crate::reply::{self, Cut, Reply};
use crate::settings::Settings;
use crate::token;
use crate::world::World;

const TARGET: &str = "AWSCognitoIdentityProviderService.";
const BODY_BYTES: usize = 1 << 20;
/// How long a call hangs that shall hang, should its caller be more patient than that.
const HANG: Duration = Duration::from_secs(120);

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) address: SocketAddr,
    world: Mutex<World>,
    meter: Mutex<Meter>,
    journal: Mutex<Journal>,
    /// Clients that are being changed.
    changing: Mutex<HashSet<String>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(settings: Settings, address: SocketAddr, world: World) -> Self {
        Self {
            meter: Mutex::new(Meter::new(settings.rates)),
            settings,
            address,
            world: Mutex::new(world),
            journal: Mutex::default(),
            changing: Mutex::default(),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        locked(&self.world)
    }

    pub(crate) fn meter(&self) -> MutexGuard<'_, Meter> {
        locked(&self.meter)
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        locked(&self.journal)
    }

    pub(crate) fn issuer(&self, pool_id: &str) -> String {
        match &self.settings.issuer {
            Some(issuer) if *pool_id == self.settings.pool_id => issuer.clone(),
            _ => format!("http://{}/{pool_id}", self.address),
        }
    }

    pub(crate) fn rotate_keys(&self, pool_id: &str) -> Result<(), ApiError> {
        // Made outside of the lock: it takes its time.
        let keys = self.world().pool(pool_id)?.keys.clone();
        let rotated = keys.rotated()?;
        self.world().pool(pool_id)?.keys = rotated;
        Ok(())
    }
}

/// Serves for ever.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let shared = shared.clone();
        connections.spawn(async move {
            let service = service_fn(|request| handle(&shared, request));
            // A connection that breaks, on purpose or not, is its caller's to notice.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn handle(shared: &Shared, request: Request<Incoming>) -> Result<Reply, Cut> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_BYTES).collect().await else {
        return Ok(reply::plain(413, "too large"));
    };
    let body = body.to_bytes();
    let path = parts.uri.path();
    if let Some(path) = path.strip_prefix("/_fake/") {
        return Ok(admin::handle(shared, &parts.method, path, &body));
    }
    match (&parts.method, path) {
        (&Method::POST, "/") => api(shared, &parts.headers, &body).await,
        (&Method::POST, "/oauth2/token") => token(shared, &parts.headers, &body).await,
        (&Method::GET, path) => published(shared, path).await,
        _ => Ok(reply::plain(404, "not found")),
    }
}

async fn api(shared: &Shared, headers: &HeaderMap, body: &Bytes) -> Result<Reply, Cut> {
    let (operation, input) = match opened(headers, body) {
        Ok(opened) => opened,
        Err(error) => return Ok(reply::api_refusal(&error)),
    };
    let (number, fault) = shared.journal().enter(operation.name, without_secrets(&input));
    let perform = async {
        match perform(shared, operation, input).await {
            Ok(value) => (reply::api_answer(&value), "ok".to_owned()),
            Err(error) => (reply::api_refusal(&error), error.code.into_owned()),
        }
    };
    faulty(shared, number, fault, reply::api_refusal, perform).await
}

/// An operation that goes its way.
async fn perform(
    shared: &Shared,
    operation: &'static Operation,
    input: Value,
) -> Result<Value, ApiError> {
    let pool_id = input["UserPoolId"].as_str().unwrap_or_default().to_owned();
    if !shared.meter().admits(operation, &pool_id, Instant::now()) {
        return Err(ApiError::too_many_requests());
    }
    let _changing = if operation.conflicts {
        let client = format!("{pool_id}/{}", input["ClientId"]);
        Some(Changing::begin(shared, client).ok_or_else(ApiError::conflict)?)
    } else {
        None
    };
    if !shared.settings.latency.is_zero() {
        sleep(shared.settings.latency).await;
    }
    (operation.run)(&mut shared.world(), Input::new(input)?)
}

async fn token(shared: &Shared, headers: &HeaderMap, body: &Bytes) -> Result<Reply, Cut> {
    let form = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let form = form.is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"));
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let request = if form {
        token::Request::read(body, authorization)
    } else {
        Err(token::Refused("invalid_request"))
    };
    let log = match &request {
        Ok(request) => json!({ "client_id": request.client_id, "scope": request.scope }),
        Err(_) => Value::Null,
    };
    let (number, fault) = shared.journal().enter("Token", log);
    let perform = async {
        if !shared.meter().admits_category(Category::ClientAuthentication, Instant::now()) {
            let error = ApiError::too_many_requests();
            return (reply::injected_token_refusal(&error), error.code.into_owned());
        }
        let issuer = |pool_id: &str| shared.issuer(pool_id);
        match request.and_then(|request| shared.world().token(&request, issuer)) {
            Ok(value) => (reply::token_answer(&value), "ok".to_owned()),
            Err(refused) => (reply::token_refusal(&refused), refused.0.to_owned()),
        }
    };
    faulty(shared, number, fault, reply::injected_token_refusal, perform).await
}

async fn published(shared: &Shared, path: &str) -> Result<Reply, Cut> {
    let found = path.strip_prefix('/').and_then(|path| path.split_once("/.well-known/"));
    let Some((pool_id, document)) = found else { return Ok(reply::plain(404, "not found")) };
    let Some(keys) = shared.world().pools.get(pool_id).map(|pool| pool.keys.clone()) else {
        return Ok(reply::plain(404, "no such pool"));
    };
    match document {
        "jwks.json" => {
            let (number, fault) = shared.journal().enter("Jwks", Value::Null);
            let perform = async {
                match keys.jwks() {
                    Ok(jwks) => (reply::json_answer(&jwks), "ok".to_owned()),
                    Err(error) => (reply::api_refusal(&error), error.code.into_owned()),
                }
            };
            faulty(shared, number, fault, reply::api_refusal, perform).await
        }
        "openid-configuration" => {
            let base = format!("http://{}", shared.address);
            Ok(reply::json_answer(&json!({
                "issuer": shared.issuer(pool_id),
                "jwks_uri": format!("{base}/{pool_id}/.well-known/jwks.json"),
                "token_endpoint": format!("{base}/oauth2/token"),
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported":
                    ["client_secret_basic", "client_secret_post"],
            })))
        }
        _ => Ok(reply::plain(404, "not found")),
    }
}

/// Lets `perform` go its way, or wrong.
async fn faulty(
    shared: &Shared,
    number: usize,
    fault: Option<FaultKind>,
    refuse: fn(&ApiError) -> Reply,
    perform: impl Future<Output = (Reply, String)>,
) -> Result<Reply, Cut> {
    let leave = |outcome: &str| shared.journal().leave(number, outcome);
    let Some(fault) = fault else {
        let (reply, outcome) = perform.await;
        leave(&outcome);
        return Ok(reply);
    };
    if let Some(error) = fault.refusal() {
        leave(&error.code);
        return Ok(refuse(&error));
    }
    match fault {
        FaultKind::HangBefore => {
            leave("hung before");
            sleep(HANG).await;
            return Err(Cut);
        }
        FaultKind::ResetBefore => {
            leave("reset before");
            return Err(Cut);
        }
        FaultKind::Garbage => {
            leave("garbage");
            return Ok(reply::html(200));
        }
        FaultKind::Unavailable => {
            leave("unavailable");
            return Ok(reply::html(503));
        }
        FaultKind::Delay(millis) => sleep(Duration::from_millis(millis)).await,
        _ => {}
    }
    let (reply, outcome) = perform.await;
    match fault {
        FaultKind::HangAfter => {
            leave(&format!("{outcome}, hung after"));
            sleep(HANG).await;
            Err(Cut)
        }
        FaultKind::ResetAfter => {
            leave(&format!("{outcome}, reset after"));
            Err(Cut)
        }
        FaultKind::ErrorAfter => {
            leave(&format!("{outcome}, error after"));
            Ok(refuse(&ApiError::internal()))
        }
        _ => {
            leave(&outcome);
            Ok(reply)
        }
    }
}

/// The operation that is asked for, if this is the protocol.
fn opened(headers: &HeaderMap, body: &Bytes) -> Result<(&'static Operation, Value), ApiError> {
    let text = |name: header::HeaderName| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let operation = target
        .and_then(|target| target.strip_prefix(TARGET))
        .and_then(operations::find)
        .ok_or_else(|| ApiError::new("UnknownOperationException", "unknown operation"))?;
    if text(header::CONTENT_TYPE) != "application/x-amz-json-1.1" {
        return Err(ApiError::serialization("unknown content type"));
    }
    // Whose the signature is, and whether it is right, needs keys that a fake does not have.
    if !text(header::AUTHORIZATION).starts_with("AWS4-HMAC-SHA256 Credential=") {
        let words = "Missing Authentication Token";
        return Err(ApiError::new("MissingAuthenticationTokenException", words));
    }
    let input = serde_json::from_slice(body)
        .map_err(|_| ApiError::serialization("the body is not JSON"))?;
    Ok((operation, input))
}

fn without_secrets(input: &Value) -> Value {
    let mut input = input.clone();
    if let Some(secret) = input.get_mut("ClientSecret") {
        *secret = Value::String("***".to_owned());
    }
    input
}

/// A client that is being changed, as long as this lives.
struct Changing<'a> {
    shared: &'a Shared,
    client: String,
}

impl<'a> Changing<'a> {
    /// `None` if somebody else is at it.
    fn begin(shared: &'a Shared, client: String) -> Option<Self> {
        let free = locked(&shared.changing).insert(client.clone());
        free.then_some(Self { shared, client })
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        locked(&self.shared.changing).remove(&self.client);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
