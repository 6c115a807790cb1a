//! The two calls to the orders API, each with a token. Any HTTP client would do.

use std::net::IpAddr;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use turnpike_sdk::client::{Error, TokenSource};

use crate::Failure;
use crate::outbox::Order;

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ANSWER: usize = 1 << 20;

/// The orders API, called as one client.
pub(crate) struct OrdersApi {
    client: Client<HttpsConnector<HttpConnector>, String>,
    orders: Uri,
    tokens: TokenSource,
}

impl OrdersApi {
    pub(crate) fn new(url: &str, tokens: TokenSource) -> Result<Self, Failure> {
        let orders = format!("{}/orders", url.trim_end_matches('/')).parse().ok();
        let orders: Uri = orders
            .ok_or_else(|| Failure::Other("the orders API: not an http or https URL".into()))?;
        let connector = connector(&orders).map_err(Failure::Other)?;
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), orders, tokens })
    }

    pub(crate) async fn place(&self, order: &Order) -> Result<(), Failure> {
        let Order { id, item, quantity } = order;
        let order = json!({ "order_id": id, "item": item, "quantity": quantity });
        self.call(Method::POST, order.to_string()).await.map(drop)
    }

    /// The orders, in JSON.
    pub(crate) async fn list(&self) -> Result<String, Failure> {
        self.call(Method::GET, String::new()).await
    }

    async fn call(&self, method: Method, body: String) -> Result<String, Failure> {
        // Before each call; nearly always from memory.
        let token = self.tokens.token().await.map_err(no_token)?;
        let mut authorization = HeaderValue::try_from(token.authorization())
            .map_err(|error| Failure::Other(error.to_string()))?;
        authorization.set_sensitive(true);
        let request = Request::builder()
            .method(method)
            .uri(self.orders.clone())
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| Failure::Other(error.to_string()))?;
        let unreachable = || Failure::Unreachable("the orders API does not answer".into());
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|_| unreachable())?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|_| unreachable())?;
            Ok((head, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
        };
        let (head, text) =
            tokio::time::timeout(TIMEOUT, exchange).await.unwrap_or_else(|_| Err(unreachable()))?;
        let challenge = head.headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        let why = challenge.map_or_else(|| text.clone(), reason);
        let said = |what| format!("the orders API {what}: {why}");
        match head.status {
            StatusCode::OK | StatusCode::CREATED => Ok(text),
            StatusCode::UNAUTHORIZED => {
                Err(Failure::NotAccepted(said("does not accept the token")))
            }
            StatusCode::FORBIDDEN => Err(Failure::Forbidden(said("says that a scope is missing"))),
            StatusCode::TOO_MANY_REQUESTS => Err(unreachable()),
            status if status.is_server_error() => Err(Failure::Unreachable(format!(
                "the orders API cannot answer now: status {}",
                status.as_u16()
            ))),
            _ => Err(Failure::OrderRefused(said("does not take the order"))),
        }
    }
}

/// What a challenge says (RFC 6750 section 3), in a line.
fn reason(challenge: &str) -> String {
    let values = ["error", "error_description", "scope"].map(|name| {
        let (_, rest) = challenge.split_once(&format!(" {name}=\""))?;
        rest.split('"').next()
    });
    values.into_iter().flatten().collect::<Vec<_>>().join(": ")
}

fn no_token(error: Error) -> Failure {
    let text = error.to_string();
    match error {
        Error::Refused { error: "invalid_client" | "unauthorized_client", .. } => {
            Failure::NotAccepted(text)
        }
        Error::Refused { error: "invalid_scope", .. } | Error::ScopeMissing => {
            Failure::Forbidden(text)
        }
        error if error.is_retryable() => Failure::Unreachable(text),
        _ => Failure::Other(text),
    }
}

/// TLS, except to this machine: whoever reads a token on the way can use it.
fn connector(url: &Uri) -> Result<HttpsConnector<HttpConnector>, String> {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    let builder = HttpsConnectorBuilder::new();
    match url.scheme_str() {
        Some("https") => {
            let builder = builder.with_provider_and_native_roots(default_provider());
            let builder = builder.map_err(|error| format!("trusted certificates: {error}"))?;
            Ok(builder.https_only().enable_http1().build())
        }
        Some("http") if here => {
            let config = ClientConfig::builder_with_provider(default_provider().into())
                .with_safe_default_protocol_versions()
                .map_err(|error| error.to_string())?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth();
            Ok(builder.with_tls_config(config).https_or_http().enable_http1().build())
        }
        Some("http") => Err("the orders API: plain http to another machine".into()),
        _ => Err("the orders API: not an http or https URL".into()),
    }
}
