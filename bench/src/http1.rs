//! Form requests over HTTP/1.1, and what is sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Failure;
use crate::load::{CONNECTIONS, Caller, IN_FLIGHT};

/// One request, ready to be sent as often as needed.
#[derive(Clone)]
pub(crate) struct Form {
    pub(crate) path: String,
    pub(crate) authorization: HeaderValue,
    pub(crate) body: Bytes,
}

impl Form {
    /// As a request to that host, with that kind of body.
    pub(crate) fn request<B: From<Bytes>>(&self, host: &str) -> Result<Request<B>, Failure> {
        let request = Request::post(&self.path)
            .header(HOST, host)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(B::from(self.body.clone()))?;
        Ok(request)
    }
}

/// HTTP Basic of an id and a secret that need no encoding.
pub(crate) fn basic(id: &str, secret: &str) -> Result<HeaderValue, Failure> {
    Ok(format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))).parse()?)
}

/// Requests that are sent in turn, by all callers together.
#[derive(Clone)]
pub(crate) struct Forms {
    forms: Arc<[Form]>,
    next: Arc<AtomicUsize>,
    /// What a good answer contains.
    expected: &'static str,
}

impl Forms {
    pub(crate) fn new(forms: Vec<Form>, expected: &'static str) -> Self {
        Self { forms: forms.into(), next: Arc::default(), expected }
    }

    /// The next one.
    pub(crate) fn next(&self) -> &Form {
        &self.forms[self.next.fetch_add(1, Ordering::Relaxed) % self.forms.len()]
    }

    /// Whether it was answered well.
    pub(crate) fn check(&self, status: StatusCode, body: &[u8]) -> Result<(), Failure> {
        let has = |part: &str| body.windows(part.len().max(1)).any(|seen| seen == part.as_bytes());
        if status == StatusCode::OK && (self.expected.is_empty() || has(self.expected)) {
            return Ok(());
        }
        Err(format!("answered {status}: {}", String::from_utf8_lossy(body)).into())
    }
}

/// A connection with one request at a time.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: Arc<str>,
    forms: Forms,
}

/// As many connections as requests are in flight.
pub(crate) async fn connect(
    address: SocketAddr,
    forms: &Forms,
) -> Result<Vec<Connection>, Failure> {
    let host: Arc<str> = address.to_string().into();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS * IN_FLIGHT {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with its sender; what breaks it fails the request.
        tokio::spawn(connection);
        connections.push(Connection { sender, host: host.clone(), forms: forms.clone() });
    }
    Ok(connections)
}

impl Caller for Connection {
    async fn call(&mut self) -> Result<(), Failure> {
        self.sender.ready().await?;
        let request = self.forms.next().request(&self.host)?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        self.forms.check(status, &body)
    }
}
