//! Deadlines, panics and services that die: always one status, and the right one.

use std::time::Duration;

use http_body_util::BodyExt;
use tonic::Code;
use tonic::transport::{Endpoint, Server};

use crate::client::{Answer, frame};
use crate::harness::{World, world, world_with};
use crate::service::Puppet;

/// Calls in gRPC and in gRPC-web.
async fn both(w: &World, path: &str) -> [Answer; 2] {
    let (mut h2, mut h1) = (w.h2().await, w.h1().await);
    [h2.call(path).message("x").await, h1.call(path).message("x").await]
}

#[tokio::test]
async fn the_callers_deadline_is_deadline_exceeded() {
    let w = world().await;
    for mut client in [w.h1().await, w.h2().await] {
        for timeout in ["50m", "0n"] {
            let call = client.call("/test.Puppet/Sleep").header("grpc-timeout", timeout);
            call.message("x").await.refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
        }
    }
}

#[tokio::test]
async fn our_deadline_is_deadline_exceeded() {
    let short = Duration::from_millis(50);
    let w = world_with(|config| config.calls.timeout = short, |builder| builder).await;
    for answer in both(&w, "/test.Puppet/Sleep").await {
        answer.refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    }
    let mut client = w.h2().await;
    let longer = client.call("/test.Puppet/Sleep").header("grpc-timeout", "9H").message("x").await;
    longer.refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    // A stream whose answer has begun goes on.
    for answer in [w.h1().await, w.h2().await].iter_mut() {
        let mut stream = answer.call("/test.Puppet/Forever").begin("").await.into_body();
        assert!(stream.frame().await.unwrap().unwrap().is_data());
        let more = tokio::time::timeout(2 * short, stream.frame()).await;
        assert!(more.is_err(), "{more:?}");
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_deadline_too() {
    let short = Duration::from_millis(50);
    let w = world_with(|config| config.calls.stream_timeout = short, |builder| builder).await;
    for answer in both(&w, "/test.Puppet/Forever").await {
        answer.refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
        assert_eq!(answer.messages(), ["one"]);
    }
    let w = world().await;
    for mut client in [w.h1().await, w.h2().await] {
        let call = client.call("/test.Puppet/Forever").header("grpc-timeout", "50m");
        let answer = call.message("x").await;
        answer.refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
        assert_eq!(answer.messages(), ["one"]);
    }
}

#[tokio::test]
async fn a_deadline_further_in_is_not_a_cancellation() {
    let (_line, channel) = Puppet::default().remote().await;
    // A client that gives up first, with an error of its own.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    tokio::spawn(Server::builder().serve_with_incoming(Puppet::default(), incoming));
    let impatient = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let impatient = impatient.timeout(Duration::from_millis(50)).connect_lazy();
    let w = world_with(
        |_| {},
        |builder| builder.upstream("test.Remote", channel).upstream("test.Impatient", impatient),
    )
    .await;
    for answer in both(&w, "/test.Impatient/Sleep").await {
        answer.refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    }
    for answer in both(&w, "/test.Puppet/TimesOut").await {
        answer.refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    }
    for mut client in [w.h1().await, w.h2().await] {
        let call = client.call("/test.Remote/Sleep").header("grpc-timeout", "50m");
        call.message("x").await.refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    }
}

#[tokio::test]
async fn a_timeout_that_is_none_is_refused() {
    let w = world().await;
    for timeout in ["", "1", "S", "1s", "-1S", "1.5S", "123456789S", "soon"] {
        let mut client = w.h2().await;
        let call = client.call("/test.Puppet/Echo").header("grpc-timeout", timeout);
        call.message("x").await.refused(Code::InvalidArgument, "MALFORMED_REQUEST");
    }
    assert!(w.puppet.seen().is_empty());
}

#[tokio::test]
async fn a_panic_is_internal_and_hurts_nobody_else() {
    let w = world().await;
    for path in ["/test.Puppet/Panic", "/test.Puppet/PanicLater"] {
        for mut client in [w.h1().await, w.h2().await] {
            let answer = client.call(path).message("x").await;
            answer.refused(Code::Internal, "INTERNAL_ERROR");
            assert!(!format!("{answer:?}").contains("secret"));
            let next = client.call("/test.Puppet/Echo").message("x").await;
            assert_eq!(next.grpc().code(), Code::Ok, "the connection lives");
        }
    }
}

#[tokio::test]
async fn a_service_that_dies_in_mid_stream_is_unavailable() {
    let w = world().await;
    for path in ["/test.Puppet/Die", "/test.Puppet/NoStatus"] {
        for answer in both(&w, path).await {
            answer.refused(Code::Unavailable, "UNAVAILABLE");
            assert_eq!(answer.messages(), ["one"], "whole messages only");
        }
    }
    for answer in both(&w, "/test.Puppet/Nonsense").await {
        answer.refused(Code::Unavailable, "UNAVAILABLE");
        assert!(answer.messages().is_empty());
    }
}

#[tokio::test]
async fn a_process_that_dies_in_mid_stream_is_unavailable() {
    for web in [false, true] {
        let (line, channel) = Puppet::default().remote().await;
        let w = world_with(|_| {}, |builder| builder.upstream("test.Remote", channel)).await;
        let mut client = if web { w.h1().await } else { w.h2().await };
        let mut response = client.call("/test.Remote/Forever").begin(frame("x")).await;
        let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, frame("one"));
        line.cut();
        Answer::read(response).await.refused(Code::Unavailable, "UNAVAILABLE");
        let answer = client.call("/test.Remote/Echo").message("x").await;
        answer.refused(Code::Unavailable, "UNAVAILABLE");
    }
}

#[tokio::test]
async fn messages_arrive_whole_however_they_were_cut() {
    let w = world().await;
    for answer in both(&w, "/test.Puppet/Crumbs").await {
        assert_eq!(answer.grpc().code(), Code::Ok);
        assert_eq!(answer.messages(), ["one", "", "three"]);
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unavailable_in_neutral_words() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let nobody = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let w = world_with(|_| {}, |builder| builder.upstream("test.Nobody", nobody)).await;
    for path in
        ["/test.Nobody/Echo", "/test.Puppet/Fail", "/test.Puppet/BadGateway", "/test.Puppet/Html"]
    {
        for answer in both(&w, path).await {
            answer.refused(Code::Unavailable, "UNAVAILABLE");
            assert_eq!(answer.grpc().message(), "temporarily unavailable: try again", "{path}");
        }
    }
}
