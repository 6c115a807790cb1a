//! Those who take more than they are given: requests that never end, answers that nobody reads.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tonic::Code;
use turnpike_domain::Actor;
use turnpike_domain::id::ClientId;
use turnpike_gateway::GatewayConfig;
use turnpike_rpc::limits::{InFlight, Limits, Rate};
use turnpike_rpc::methods::Limit;

use crate::client::{Answer, frame};
use crate::harness::{World, world, world_with};

const ECHO: &str = "/test.Puppet/Echo";
/// The same under a name of ours.
const OURS: &str = "/turnpike.v1.Puppet/Echo";

type Chunks = Pin<Box<dyn futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send>>;

/// A caller whose requests end when it says so, and who allows what it says of each answer.
struct Slow {
    address: std::net::SocketAddr,
    sender: SendRequest<StreamBody<Chunks>>,
}

/// A request that has begun.
struct Begun(mpsc::UnboundedSender<Bytes>);

impl Slow {
    async fn connect(w: &World, window: u32) -> Self {
        let io = TokioIo::new(TcpStream::connect(w.address).await.unwrap());
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(window)
            .handshake(io)
            .await
            .unwrap();
        tokio::spawn(connection);
        Self { address: w.address, sender }
    }

    /// Begins a call; the request goes on as the test says.
    fn begin(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (Begun, impl Future<Output = Response<Incoming>> + use<>) {
        let (chunks, mut told) = mpsc::unbounded_channel();
        let body: Chunks = Box::pin(
            stream::poll_fn(move |cx| told.poll_recv(cx)).map(|chunk| Ok(Frame::data(chunk))),
        );
        let mut request = Request::post(format!("http://{}{path}", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(StreamBody::new(body)).unwrap();
        let answer = self.sender.send_request(request);
        (Begun(chunks), async move { answer.await.unwrap() })
    }

    /// A whole call, of whose answer only the beginning is taken.
    async fn call(&mut self, path: &str, headers: &[(&str, &str)]) -> Response<Incoming> {
        let (begun, answer) = self.begin(path, headers);
        begun.says(&frame(vec![7; 100_000]));
        drop(begun);
        answer.await
    }
}

impl Begun {
    fn says(&self, bytes: &[u8]) {
        self.0.send(Bytes::copy_from_slice(bytes)).unwrap();
    }
}

async fn ours(configure: impl FnOnce(&mut GatewayConfig)) -> World {
    let puppet = crate::service::Puppet::default();
    world_with(configure, |builder| builder.upstream("turnpike.v1.Puppet", puppet)).await
}

const PROGRAM: (&str, &str) = ("authorization", "Bearer t");

#[tokio::test]
async fn a_stranger_is_refused_before_anything_is_read() {
    let w = ours(|_| {}).await;
    let mut slow = Slow::connect(&w, 65_535).await;
    let (begun, answer) = slow.begin(OURS, &[]);
    begun.says(&frame(vec![7; 1000])[..900]);
    Answer::read(answer.await).await.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
    let known = w.h2().await.call(OURS).header(PROGRAM.0, PROGRAM.1).message("x").await;
    assert_eq!(known.grpc().code(), Code::Ok);
    let cookie = w.sign_in("olga").await;
    let known = w.h1().await.call(OURS).with_session(&cookie).message("x").await;
    assert_eq!(known.grpc().code(), Code::Ok);
    let nowhere = w.h2().await.call("/turnpike.v1.None/Get").message("x").await;
    nowhere.refused(Code::Unimplemented, "UNKNOWN_SERVICE");
}

#[tokio::test]
async fn a_method_of_ours_takes_one_message() {
    let w = ours(|_| {}).await;
    let two = [frame("one"), frame("two")].concat();
    for mut client in [w.h1().await, w.h2().await] {
        let call = client.call(OURS).header(PROGRAM.0, PROGRAM.1);
        call.send(two.clone()).await.refused(Code::InvalidArgument, "MALFORMED_REQUEST");
    }
}

#[tokio::test]
async fn a_message_that_does_not_come_is_not_waited_for() {
    let brief = Duration::from_millis(50);
    let w = ours(|config| config.calls.message_timeout = brief).await;
    let mut slow = Slow::connect(&w, 65_535).await;
    for path in [OURS, ECHO] {
        let (begun, answer) = slow.begin(path, &[PROGRAM]);
        begun.says(&frame("whole")[..7]);
        Answer::read(answer.await).await.refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    }
    // Also where the service is done with it, and has said that all is well.
    let (begun, answer) = slow.begin("/test.Puppet/Hasty", &[]);
    begun.says(&frame("whole")[..7]);
    Answer::read(answer.await).await.refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    // Between messages a stream may pause.
    let (begun, answer) = slow.begin(ECHO, &[]);
    begun.says(&frame("one"));
    tokio::time::sleep(3 * brief).await;
    begun.says(&frame("two"));
    drop(begun);
    let answer = Answer::read(answer.await).await;
    assert_eq!(
        (answer.grpc().code(), answer.messages()),
        (Code::Ok, vec!["one".into(), "two".into()])
    );
}

#[tokio::test]
async fn a_connection_holds_so_much_that_is_not_whole() {
    let w = ours(|config| config.server.connection_request_bytes = 10_000).await;
    let mut slow = Slow::connect(&w, 65_535).await;
    let (message, headers) = (frame(vec![7; 8_000]), [PROGRAM]);
    let (first, answer) = slow.begin(OURS, &headers);
    first.says(&message[..6_000]);
    let (second, refused) = slow.begin(OURS, &headers);
    second.says(&message[..6_000]);
    Answer::read(refused.await).await.refused(Code::Unavailable, "UNAVAILABLE");
    let (small, whole) = slow.begin(ECHO, &[]);
    small.says(&frame(vec![7; 5_000]));
    drop(small);
    let whole = whole.await;
    assert_eq!(Answer::read(whole).await.grpc().code(), Code::Ok, "what is whole is not held");
    first.says(&message[6_000..]);
    drop(first);
    let answer = Answer::read(answer.await).await;
    assert_eq!((answer.grpc().code(), answer.messages()[0].len()), (Code::Ok, 8_000));
    let (third, answer) = slow.begin(OURS, &headers);
    third.says(&message[..6_000]);
    third.says(&message[6_000..]);
    drop(third);
    assert_eq!(Answer::read(answer.await).await.grpc().code(), Code::Ok, "it has its room again");
}

#[tokio::test]
async fn strangers_take_nothing_from_those_who_are_known() {
    let w = world_with(|config| config.server.request_bytes = 10_000, |builder| builder).await;
    let message = frame(vec![7; 8_000]);
    let mut strangers = Slow::connect(&w, 65_535).await;
    let (stranger, _answer) = strangers.begin(ECHO, &[PROGRAM]);
    stranger.says(&message[..6_000]);
    w.puppet.has_seen(6_000).await;
    let mut others = Slow::connect(&w, 65_535).await;
    let (other, refused) = others.begin(ECHO, &[PROGRAM]);
    other.says(&message[..6_000]);
    Answer::read(refused.await).await.refused(Code::Unavailable, "UNAVAILABLE");
    let cookie = w.sign_in("olga").await;
    let person = [("cookie", cookie.as_str()), ("x-turnpike-csrf", "1")];
    let (olga, answer) = others.begin(ECHO, &person);
    olga.says(&message[..6_000]);
    w.puppet.has_seen(12_000).await;
    olga.says(&message[6_000..]);
    drop(olga);
    assert_eq!(Answer::read(answer.await).await.grpc().code(), Code::Ok);
}

/// The answer has begun and is broken off; what made it is gone.
async fn is_broken_off(w: &World, answer: Response<Incoming>) {
    assert!(answer.headers().get("grpc-status").is_none(), "{answer:?}");
    w.puppet.is_rid_of_its_answers().await;
    assert!(Answer::read(answer).await.cut);
}

#[tokio::test]
async fn a_deadline_holds_for_who_does_not_read() {
    let w = world().await;
    for window in [0, 1, 20_000] {
        for path in [ECHO, "/test.Puppet/Flood"] {
            let mut slow = Slow::connect(&w, window).await;
            let answer = slow.call(path, &[("grpc-timeout", "200m")]).await;
            is_broken_off(&w, answer).await;
        }
    }
}

#[tokio::test]
async fn a_session_ends_for_who_does_not_read() {
    let brief = Duration::from_millis(500);
    let w = world_with(|config| config.session.lifetime = brief, |builder| builder).await;
    let cookie = w.sign_in("olga").await;
    let mut slow = Slow::connect(&w, 0).await;
    let person = [("cookie", cookie.as_str()), ("x-turnpike-csrf", "1")];
    let answer = slow.call(ECHO, &person).await;
    is_broken_off(&w, answer).await;
}

#[tokio::test]
async fn who_takes_nothing_is_not_waited_for() {
    let brief = Duration::from_millis(100);
    let w = world_with(|config| config.server.stall_timeout = brief, |builder| builder).await;
    let mut slow = Slow::connect(&w, 0).await;
    let answer = slow.call(ECHO, &[]).await;
    is_broken_off(&w, answer).await;
    // The connection is as it was.
    let empty = slow.begin("/test.Puppet/Refuse", &[]).1.await;
    Answer::read(empty).await.refused(Code::FailedPrecondition, "FAILED_PRECONDITION");
}

/// Asks over HTTP/1.1 for more than all buffers hold, and reads nothing.
async fn floods(w: &World, header: &str) -> TcpStream {
    let mut stream = TcpStream::connect(w.address).await.unwrap();
    let request = format!(
        "POST /test.Puppet/Flood HTTP/1.1\r\nhost: {}\r\ncontent-type: application/grpc-web+proto\r\n\
         {header}content-length: 5\r\n\r\n\0\0\0\0\0",
        w.address
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    while w.puppet.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    stream
}

#[tokio::test]
async fn over_http1_the_connection_ends() {
    let w = world().await;
    let _stream = floods(&w, "grpc-timeout: 200m\r\n").await;
    w.puppet.is_rid_of_its_answers().await;
    let brief = Duration::from_millis(100);
    let w = world_with(|config| config.server.stall_timeout = brief, |builder| builder).await;
    let _stream = floods(&w, "").await;
    w.puppet.is_rid_of_its_answers().await;
}

/// Sends, and then more a moment later; what comes until the answer's end, or the connection's.
async fn sends_late(stream: &mut TcpStream, first: &str, later: &[u8], end: &[u8]) -> String {
    stream.write_all(first.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    stream.write_all(later).await.unwrap();
    let (mut answer, mut byte) = (Vec::new(), [0]);
    while !answer.ends_with(end) && stream.read(&mut byte).await.unwrap() > 0 {
        answer.push(byte[0]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_connection_goes_on_after_a_refusal_or_says_that_it_does_not() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    let (name, _) = cookie.split_once('=').unwrap();
    let request = |more: &str, length: usize| {
        format!(
            "POST /test.Puppet/Echo HTTP/1.1\r\nhost: {}\r\ncontent-type: application/grpc-web+proto\r\n\
             x-turnpike-csrf: 1\r\ncookie: {name}=x\r\n{more}content-length: {length}\r\n\r\n",
            w.address
        )
    };
    let mut stream = TcpStream::connect(w.address).await.unwrap();
    for _ in 0..3 {
        let answer = sends_late(&mut stream, &request("", 5), &[0; 5], b"\r\n\r\n").await;
        assert!(answer.contains("grpc-status: 16"), "{answer}");
        assert!(!answer.contains("connection: close"), "{answer}");
    }
    for (more, length) in [("", 5_000_000), ("expect: 100-continue\r\n", 5)] {
        let mut stream = TcpStream::connect(w.address).await.unwrap();
        let later = vec![0; if more.is_empty() { 300_000 } else { 0 }];
        let answer = sends_late(&mut stream, &request(more, length), &later, b"\r\n\r\n").await;
        assert!(answer.contains("grpc-status: 16"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn what_is_no_path_is_nowhere() {
    let w = world().await;
    let port = w.address.port();
    for target in ["*", "127.0.0.1:80"] {
        let mut stream = TcpStream::connect(w.address).await.unwrap();
        let method = if target == "*" { "GET" } else { "CONNECT" };
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: localhost:{port}\r\naccept: text/html\r\n\r\n"
        );
        let answer = sends_late(&mut stream, &request, b"", b"path").await;
        assert!(answer.starts_with("HTTP/1.1 4") && !answer.contains("location"), "{answer}");
    }
}

#[tokio::test]
async fn a_call_is_in_flight_until_its_answer_is_taken() {
    let one = NonZeroU32::MIN;
    let rate = Rate { per_second: NonZeroU32::MAX, burst: NonZeroU32::MAX };
    let bounds = InFlight { reads: one, changes: one, exports: one, watches: one };
    let limits = Limits::new(rate, rate).in_flight(bounds);
    let olga = Actor::Client(ClientId::parse("olga").unwrap());
    let admitted = limits.admit(Limit::Read, &olga).unwrap().map(Arc::new);
    let admitted = Arc::new(Mutex::new(admitted));
    let answer = axum::routing::post(async move || {
        let mut answer = Response::new(axum::body::Body::from(vec![7; 100_000]));
        answer.extensions_mut().insert(admitted.lock().unwrap().take().unwrap());
        answer
    });
    let routes = axum::Router::new().route("/counted", answer);
    let w = world_with(|_| {}, |builder| builder.routes(routes)).await;
    let mut slow = Slow::connect(&w, 0).await;
    let unread = slow.begin("/counted", &[]).1.await;
    assert_eq!(unread.status(), 200);
    limits.admit(Limit::Read, &olga).unwrap_err();
    drop(unread);
    while limits.admit(Limit::Read, &olga).is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
