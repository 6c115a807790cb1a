//! A service that does what the name of the method says.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Status};
use tower::{BoxError, Service};
use turnpike_rpc::oauth::Peer;

use crate::client::frame;

/// Notes what it was asked; clones share the notes.
#[derive(Clone, Default)]
pub struct Puppet {
    seen: Arc<Mutex<Vec<Seen>>>,
    trailers_seen: Arc<AtomicBool>,
    bytes_seen: Arc<AtomicUsize>,
    /// What each answer that somebody still has keeps one more of.
    answers: Arc<Token>,
}

/// Shared by clones of a puppet: itself, and what it hands out.
#[derive(Default)]
struct Token(Arc<()>);

/// A request as a service sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
    pub peer: Option<Peer>,
}

impl Puppet {
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The one request there was.
    pub fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }

    /// Whether a request ended with trailers.
    pub fn trailers_seen(&self) -> bool {
        self.trailers_seen.load(Ordering::SeqCst)
    }

    /// Waits until so many bytes of requests were there.
    pub async fn has_seen(&self, bytes: usize) {
        while self.bytes_seen.load(Ordering::SeqCst) < bytes {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until nobody has any answer of it.
    pub async fn is_rid_of_its_answers(&self) {
        while Arc::strong_count(&self.answers.0) > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The same puppet across a network.
    pub async fn remote(&self) -> (Line, Channel) {
        remote(self.clone()).await
    }
}

/// A network between the gateway and a service: it can be cut.
pub struct Line(JoinHandle<()>);

impl Line {
    pub fn cut(self) {
        self.0.abort();
    }
}

/// A service in another process, as it were: behind a channel and a line.
pub async fn remote<S>(service: S) -> (Line, Channel)
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Into<BoxError> + Send + 'static,
    S::Future: Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let far = listener.local_addr().unwrap();
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    tokio::spawn(Server::builder().serve_with_incoming(service, incoming));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = listener.local_addr().unwrap();
    let line = tokio::spawn(async move {
        let mut pairs = JoinSet::new();
        while let Ok((mut gateway, _)) = listener.accept().await {
            let mut service = TcpStream::connect(far).await.unwrap();
            pairs.spawn(
                async move { tokio::io::copy_bidirectional(&mut gateway, &mut service).await },
            );
        }
    });
    let endpoint = Endpoint::from_shared(format!("http://{near}")).unwrap();
    (Line(line), endpoint.connect_lazy())
}

impl Service<Request<Body>> for Puppet {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let peer = head.extensions.get().copied();
        self.seen.lock().unwrap().push(Seen { path: path.clone(), headers: head.headers, peer });
        let (trailers_seen, bytes_seen) = (self.trailers_seen.clone(), self.bytes_seen.clone());
        let kept = self.answers.0.clone();
        Box::pin(async move {
            let method = path.rsplit('/').next().unwrap().to_owned();
            let noting = body.map_frame(move |frame| {
                trailers_seen.fetch_or(frame.is_trailers(), Ordering::SeqCst);
                bytes_seen.fetch_add(frame.data_ref().map_or(0, Bytes::len), Ordering::SeqCst);
                frame
            });
            let answer = perform(&method, Body::new(noting)).await?;
            Ok(answer.map(|body| Body::new(Kept { body, _kept: kept })))
        })
    }
}

struct Kept {
    body: Body,
    _kept: Arc<()>,
}

impl http_body::Body for Kept {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

async fn perform(method: &str, body: Body) -> Result<Response<Body>, BoxError> {
    match method {
        // Gives back what it was given, in one message, however large.
        "Echo" => {
            let body = body.collect().await?.to_bytes();
            Ok(answer(stream::iter([data(body), ok()]).boxed()))
        }
        "Sleep" => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            Err("slept".into())
        }
        "Panic" => panic!("the secret words of a panic"),
        "PanicLater" => {
            let panic = stream::once(async { panic!("the secret words of a panic") });
            Ok(answer(stream::iter([data(frame("one"))]).chain(panic).boxed()))
        }
        "Fail" => Err("dial 10.0.0.7: the secret words of an error".into()),
        "BadGateway" => {
            Ok(Response::builder().status(502).body(Body::new("<html>".to_owned())).unwrap())
        }
        "Html" => Ok(Response::builder()
            .header("content-type", "text/html")
            .body(Body::new("<html>".to_owned()))
            .unwrap()),
        // One whole message, half of another, and the line is dead.
        "Die" => {
            let half = frame("two")[..6].to_vec();
            let dead = stream::once(async { Err(Status::internal("h2 protocol error")) });
            Ok(answer(stream::iter([data(frame("one")), data(half)]).chain(dead).boxed()))
        }
        "NoStatus" => Ok(answer(stream::iter([data(frame("one"))]).boxed())),
        "Nonsense" => Ok(answer(stream::iter([data("HTTP/1.1 502\r\n"), ok()]).boxed())),
        // A message cut into single bytes.
        "Crumbs" => {
            let bytes = [frame("one"), frame(""), frame("three")].concat();
            let crumbs: Vec<_> = bytes.into_iter().map(|byte| data(vec![byte])).collect();
            Ok(answer(stream::iter(crumbs).chain(stream::iter([ok()])).boxed()))
        }
        "Forever" => {
            let first = stream::iter([data(frame("one"))]);
            Ok(answer(first.chain(stream::pending()).boxed()))
        }
        // More than any buffer between here and there holds.
        "Flood" => {
            let message = Bytes::from(frame(vec![7; 64 * 1024]));
            Ok(answer(stream::repeat_with(move || data(message.clone())).boxed()))
        }
        // Reads all it gets, and is content with that.
        "Hasty" => {
            let read = stream::once(async { drop(body.collect().await) }).map(|()| ok());
            Ok(answer(read.boxed()))
        }
        // Takes a while, and then is fine.
        "Slow" => {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(answer(stream::iter([data(frame("slow")), ok()]).boxed()))
        }
        // What tonic answers when `grpc-timeout` ends at its side.
        "TimesOut" => Ok(Status::cancelled("Timeout expired").into_http()),
        "Refuse" => {
            let mut response: Response<Body> =
                Status::new(Code::FailedPrecondition, "not now: größer").into_http();
            let headers = response.headers_mut();
            headers.insert("x-own", HeaderValue::from_static("kept"));
            headers.insert("set-cookie", HeaderValue::from_static("a=b"));
            headers.insert("x-turnpike-inner", HeaderValue::from_static("a"));
            Ok(response)
        }
        _ => Ok(Status::unimplemented("").into_http()),
    }
}

type Frames = BoxStream<'static, Result<Frame<Bytes>, Status>>;

fn answer(frames: Frames) -> Response<Body> {
    let body = Body::new(StreamBody::new(frames));
    Response::builder().header("content-type", "application/grpc").body(body).unwrap()
}

fn data(bytes: impl Into<Bytes>) -> Result<Frame<Bytes>, Status> {
    Ok(Frame::data(bytes.into()))
}

fn ok() -> Result<Frame<Bytes>, Status> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers.insert("x-trailer", HeaderValue::from_static("kept"));
    Ok(Frame::trailers(trailers))
}
