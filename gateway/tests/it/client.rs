//! A caller that sends exactly what it is told.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

type Body = Full<Bytes>;

pub struct Client {
    address: SocketAddr,
    connection: Connection,
}

enum Connection {
    Http1(hyper::client::conn::http1::SendRequest<Body>),
    Http2(hyper::client::conn::http2::SendRequest<Body>),
}

impl Client {
    pub async fn h1(address: SocketAddr) -> Self {
        let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        Self { address, connection: Connection::Http1(sender) }
    }

    pub async fn h2(address: SocketAddr) -> Self {
        let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        Self { address, connection: Connection::Http2(sender) }
    }

    /// Whether the connection takes no further request, once it has had the time to learn it.
    pub async fn is_closed(&mut self) -> bool {
        match &mut self.connection {
            Connection::Http1(sender) => sender.ready().await.is_err(),
            Connection::Http2(sender) => {
                while !sender.is_closed() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                true
            }
        }
    }

    pub fn get(&mut self, path: &str) -> Call<'_> {
        self.request(Method::GET, path)
    }

    pub fn post(&mut self, path: &str) -> Call<'_> {
        self.request(Method::POST, path)
    }

    /// A call in gRPC over HTTP/2 and in gRPC-web over HTTP/1.1.
    pub fn call(&mut self, path: &str) -> Call<'_> {
        let content_type = match self.connection {
            Connection::Http1(_) => "application/grpc-web+proto",
            Connection::Http2(_) => "application/grpc",
        };
        self.post(path).header("content-type", content_type).header("te", "trailers")
    }

    pub fn request(&mut self, method: Method, path: &str) -> Call<'_> {
        let mut request = Request::new(());
        *request.method_mut() = method;
        let authority = self.address.to_string();
        match self.connection {
            Connection::Http1(_) => {
                *request.uri_mut() = path.parse().unwrap();
                request.headers_mut().insert("host", authority.parse().unwrap());
            }
            Connection::Http2(_) => {
                *request.uri_mut() = format!("http://{authority}{path}").parse().unwrap();
            }
        }
        Call { client: self, request }
    }
}

pub struct Call<'a> {
    client: &'a mut Client,
    request: Request<()>,
}

impl Call<'_> {
    pub fn header(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.request.headers_mut().append(name, value.as_ref().parse().unwrap());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.request.headers_mut().remove(name);
        self
    }

    /// A browser's call with a session, from our own page.
    pub fn with_session(self, cookie: &str) -> Self {
        self.header("cookie", cookie)
            .header("x-turnpike-csrf", "1")
            .header("sec-fetch-site", "same-origin")
    }

    /// Sends another name than the one connected to.
    pub fn named(mut self, host: &str) -> Self {
        match self.client.connection {
            Connection::Http1(_) => {
                self.request.headers_mut().insert("host", host.parse().unwrap());
            }
            Connection::Http2(_) => {
                let path = self.request.uri().path().to_owned();
                *self.request.uri_mut() = format!("http://{host}{path}").parse().unwrap();
            }
        }
        self
    }

    /// Sends one message.
    pub async fn message(self, message: impl AsRef<[u8]>) -> Answer {
        self.send(frame(message)).await
    }

    pub async fn send(self, body: impl Into<Bytes>) -> Answer {
        Answer::read(self.begin(body).await).await
    }

    /// Sends, and leaves the answer's body to the test.
    pub async fn begin(self, body: impl Into<Bytes>) -> http::Response<Incoming> {
        let request = self.request.map(|()| Full::new(body.into()));
        match &mut self.client.connection {
            Connection::Http1(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
            Connection::Http2(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
        }
    }
}

/// A message as gRPC frames it.
pub fn frame(message: impl AsRef<[u8]>) -> Vec<u8> {
    let message = message.as_ref();
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: HeaderMap,
    /// The connection or stream broke before the end.
    pub cut: bool,
}

impl Answer {
    pub async fn read(response: http::Response<Incoming>) -> Self {
        let (head, mut body) = response.into_parts();
        let mut answer = Self {
            status: head.status,
            headers: head.headers,
            body: Bytes::new(),
            trailers: HeaderMap::new(),
            cut: false,
        };
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => match frame.into_data() {
                    Ok(data) => bytes.extend_from_slice(&data),
                    Err(frame) => answer.trailers = frame.into_trailers().unwrap(),
                },
                Err(_) => {
                    answer.cut = true;
                    break;
                }
            }
        }
        answer.body = bytes.freeze();
        answer
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The frames of the body: flag and content. Panics if the body ends within one.
    fn frames(&self) -> Vec<(u8, Bytes)> {
        let (mut rest, mut frames) = (self.body.clone(), Vec::new());
        while !rest.is_empty() {
            let head = rest.split_to(5);
            let length = u32::from_be_bytes(head[1..].try_into().unwrap());
            frames.push((head[0], rest.split_to(length as usize)));
        }
        frames
    }

    /// The messages, whole ones only.
    pub fn messages(&self) -> Vec<Bytes> {
        self.frames().into_iter().filter(|(flag, _)| *flag == 0).map(|(_, m)| m).collect()
    }

    /// The one status of the answer, wherever the protocol puts it.
    pub fn grpc(&self) -> Status {
        assert!(!self.cut, "cut off: {self:?}");
        assert_eq!(self.status, 200, "{self:?}");
        let mut found = Vec::new();
        found.extend(Status::from_header_map(&self.headers));
        found.extend(Status::from_header_map(&self.trailers));
        if self.header("content-type") == Some("application/grpc-web+proto") {
            assert!(self.trailers.is_empty(), "a browser cannot read them");
            let frames = self.frames();
            for (at, (flag, text)) in frames.iter().enumerate() {
                if *flag == 0x80 {
                    assert_eq!(at, frames.len() - 1, "trailers are the last frame");
                    found.extend(Status::from_header_map(&web_trailers(text)));
                }
            }
        } else {
            assert_eq!(self.header("content-type"), Some("application/grpc"), "{self:?}");
        }
        assert_eq!(found.len(), 1, "one status: {self:?}");
        found.remove(0)
    }

    /// Checks code and reason of an error of the gateway, and that it has all an error must have.
    pub fn refused(&self, code: Code, reason: &str) -> ErrorDetails {
        let status = self.grpc();
        assert_eq!(status.code(), code, "{status:?}");
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason, "turnpike.v1"));
        let id = self.header("x-request-id").unwrap();
        assert_eq!(details.request_info().unwrap().request_id, id);
        assert_eq!(details.retry_info().is_some(), code == Code::Unavailable);
        details
    }

    /// The cookie that the answer sets, as `Cookie` sends it.
    pub fn cookie(&self) -> Option<String> {
        let cookie = self.header("set-cookie")?;
        Some(cookie.split(';').next().unwrap().to_owned())
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:?} {:?}", self.status, self.headers, self.body, self.trailers)
    }
}

fn web_trailers(text: &[u8]) -> HeaderMap {
    let lines = std::str::from_utf8(text).unwrap().split("\r\n").filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.parse::<http::HeaderName>().unwrap(), value.trim().parse().unwrap())
        })
        .collect()
}
