//! Services in processes of their own: replicas that come, go and die.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::{Code, Status};
use tower::ServiceExt;
use turnpike_gateway::{Replicas, Target};
use turnpike_runtime::server::{self, Drain, Settings};

use crate::client::frame;
use crate::harness::{World, world_with};
use crate::service::Puppet;

/// A replica of the puppet, behind the server that every process has.
struct Replica {
    puppet: Puppet,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Replica {
    async fn start() -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    async fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let puppet = Puppet::default();
        let asked = puppet.clone();
        let router = Router::new().fallback(async move |request: axum::extract::Request| {
            let answer = asked.oneshot(request.map(tonic::body::Body::new)).await;
            answer.unwrap().map(axum::body::Body::new)
        });
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let served = server::serve(listener, router, Settings::default(), Drain::new(), shutdown);
        Self { puppet, address, stop: Some(stop), served: tokio::spawn(served) }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it as an operator would.
    async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.served.await.unwrap();
    }

    /// Ends it as a crash would.
    async fn kill(self) -> SocketAddr {
        self.served.abort();
        let _ = self.served.await;
        self.address
    }
}

fn connect(urls: &[String]) -> Replicas {
    let targets = urls.iter().map(|url| Target::parse(url).unwrap()).collect();
    Replicas::connect("puppets", targets, None, Duration::from_secs(1))
}

async fn connected(replicas: &Replicas) {
    while !replicas.is_connected() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A gateway before these replicas, as `test.Remote`.
async fn gateway(replicas: &Replicas) -> World {
    let replicas = replicas.clone();
    world_with(|_| {}, |builder| builder.upstream("test.Remote", replicas)).await
}

async fn code(w: &World, method: &str) -> Code {
    w.h2().await.call(&format!("/test.Remote/{method}")).message("x").await.grpc().code()
}

#[tokio::test]
async fn calls_spread_over_replicas_and_go_round_one_that_died() {
    let (one, two) = (Replica::start().await, Replica::start().await);
    let replicas = connect(&[one.url(), two.url()]);
    let w = gateway(&replicas).await;
    while one.puppet.seen().is_empty() || two.puppet.seen().is_empty() {
        assert_eq!(code(&w, "Echo").await, Code::Ok);
    }
    one.kill().await;
    // At most the calls that were under way are lost, and none was.
    for n in 0..50 {
        assert_eq!(code(&w, "Echo").await, Code::Ok, "{n}");
    }
    assert!(replicas.is_connected());
    two.kill().await;
    let answer = w.h2().await.call("/test.Remote/Echo").message("x").await;
    let details = answer.refused(Code::Unavailable, "UNAVAILABLE");
    assert!(details.retry_info().is_some());
}

#[tokio::test]
async fn a_connection_outlives_any_number_of_calls() {
    let one = Replica::start().await;
    let replicas = connect(&[one.url()]);
    connected(&replicas).await;
    for n in 0..300 {
        // Most clients end a call with an empty frame of its own.
        let frames =
            [frame("x"), Vec::new()].map(|data| Ok::<_, Status>(Frame::data(Bytes::from(data))));
        let body = StreamBody::new(tokio_stream::iter(frames));
        let request = http::Request::post("/test.Remote/Echo")
            .header("content-type", "application/grpc")
            .body(tonic::body::Body::new(body))
            .unwrap();
        let answer = replicas.send(request).await.unwrap_or_else(|error| panic!("{n}: {error}"));
        answer.into_body().collect().await.unwrap();
    }
}

#[tokio::test]
async fn a_replica_that_is_stopped_loses_no_call() {
    let (one, two) = (Replica::start().await, Replica::start().await);
    let replicas = connect(&[one.url(), two.url()]);
    let w = Arc::new(gateway(&replicas).await);
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let w = w.clone();
            tokio::spawn(async move {
                let mut codes = BTreeSet::new();
                for _ in 0..40 {
                    codes.insert(code(&w, "Echo").await as i32);
                }
                codes
            })
        })
        .collect();
    while one.puppet.seen().len() < 10 {
        tokio::task::yield_now().await;
    }
    one.stop().await;
    for caller in callers {
        assert_eq!(caller.await.unwrap(), BTreeSet::from([Code::Ok as i32]));
    }
}

#[tokio::test]
async fn a_service_that_comes_back_is_found_again() {
    let one = Replica::start().await;
    let replicas = connect(&[one.url()]);
    let w = gateway(&replicas).await;
    assert_eq!(code(&w, "Echo").await, Code::Ok);
    let address = one.kill().await;
    while code(&w, "Echo").await != Code::Unavailable {}
    assert!(!replicas.is_connected());
    let again = Replica::at(address).await;
    connected(&replicas).await;
    assert_eq!(code(&w, "Echo").await, Code::Ok);
    assert_eq!(again.puppet.seen().len(), 1);
}

#[tokio::test]
async fn a_stream_whose_replica_dies_ends_with_a_status() {
    let one = Replica::start().await;
    let replicas = connect(&[one.url()]);
    let w = gateway(&replicas).await;
    let (mut h1, mut h2) = (w.h1().await, w.h2().await);
    let mut web = h1.call("/test.Remote/Forever").begin(frame("x")).await.into_body();
    let mut native = h2.call("/test.Remote/Forever").begin(frame("x")).await.into_body();
    for body in [&mut web, &mut native] {
        assert!(body.frame().await.unwrap().unwrap().is_data());
    }
    one.kill().await;
    let last = web.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(last.starts_with(&[0x80]) && last.windows(14).any(|w| w == b"grpc-status:14"));
    let trailers = native.frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(trailers["grpc-status"], "14");
}

#[tokio::test]
async fn what_a_service_is_told_is_what_it_is_told_in_one_process() {
    let one = Replica::start().await;
    let replicas = connect(&[one.url()]);
    let w = gateway(&replicas).await;
    let cookie = w.sign_in("olga").await;
    let mut client = w.h2().await;
    let call = client.call("/test.Remote/Echo").with_session(&cookie).header("grpc-timeout", "5S");
    assert_eq!(call.message("x").await.messages(), ["x"]);
    let seen = one.puppet.only();
    let assertion = seen.headers["x-turnpike-identity"].to_str().unwrap();
    assert_eq!(w.verifier.verify(assertion, "/test.Remote/Echo").unwrap().id, "olga");
    assert_eq!(seen.headers["grpc-timeout"], "5250m");
    assert!(!seen.headers.contains_key("cookie"));
    // A deadline ends the call at the service too: nobody waits for it any more.
    let sleeping = client.call("/test.Remote/Sleep").header("grpc-timeout", "50m");
    sleeping.message("x").await.refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn readers_that_stand_still_hold_up_nobody_else() {
    let one = Replica::start().await;
    let replicas = connect(&[one.url()]);
    let w = gateway(&replicas).await;
    let large = frame("x".repeat(3_000_000));
    let mut stalled = Vec::new();
    for _ in 0..5 {
        let mut client = w.h2().await;
        let answer = client.call("/test.Remote/Echo").begin(large.clone()).await;
        stalled.push((client, answer));
    }
    assert_eq!(code(&w, "Echo").await, Code::Ok);
}
