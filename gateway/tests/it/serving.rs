//! The listener: slow callers, shutdown, the access log.

use std::time::Duration;

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use crate::client::{Answer, frame};
use crate::harness::{world, world_with};
use crate::log::Log;

#[tokio::test]
async fn who_connects_and_says_nothing_is_shown_out() {
    let brief = Duration::from_millis(50);
    let w = world_with(|config| config.server.first_bytes_timeout = brief, |builder| builder).await;
    for word in ["", "PRI * HTTP/2.0"] {
        let mut stream = TcpStream::connect(w.address).await.unwrap();
        stream.write_all(word.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Ends, or is reset: what matters is that it does not stay.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{word}");
    }
    let mut client = w.h1().await;
    assert_eq!(client.get("/").send("").await.status, 200);
    tokio::time::sleep(2 * brief).await;
    assert_eq!(client.get("/").send("").await.status, 200, "who has spoken may pause");
}

#[tokio::test]
async fn who_sends_a_form_drop_by_drop_is_not_waited_for() {
    let brief = Duration::from_millis(50);
    let w = world_with(|config| config.calls.timeout = brief, |builder| builder).await;
    let mut stream = TcpStream::connect(w.address).await.unwrap();
    let request = format!(
        "POST /login HTTP/1.1\r\nhost: {}\r\nx-turnpike-csrf: 1\r\ncontent-length: 9\r\n\
         content-type: application/x-www-form-urlencoded\r\nconnection: close\r\n\r\ncode",
        w.address
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 504"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn an_old_connection_is_asked_to_go_and_its_calls_end_well() {
    let brief = Duration::from_millis(50);
    let w = world_with(|config| config.server.connection_age = brief, |builder| builder).await;
    let mut client = w.h2().await;
    let slow = client.call("/test.Puppet/Slow").message("x").await;
    assert_eq!((slow.grpc().code(), slow.messages()), (Code::Ok, vec!["slow".into()]));
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_asked_to_go() {
    let brief = Duration::from_millis(50);
    let w = world_with(|config| config.server.idle_timeout = brief, |builder| builder).await;
    let mut client = w.h2().await;
    let mut stream = client.call("/test.Puppet/Forever").begin(frame("x")).await.into_body();
    assert!(stream.frame().await.unwrap().unwrap().is_data());
    let more = tokio::time::timeout(3 * brief, stream.frame()).await;
    assert!(more.is_err(), "a stream is a use: {more:?}");
    drop(stream);
    assert!(client.is_closed().await);
    // Nor is one kept of somebody who does not even say goodbye.
    let mut stream = TcpStream::connect(w.address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.is_empty());
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_one_that_is_idle() {
    let w = world_with(|config| config.server.connections = 1, |builder| builder).await;
    let mut first = w.h2().await;
    let stream = first.call("/test.Puppet/Forever").begin(frame("x")).await;
    let mut second = w.h1().await;
    let waiting = tokio::spawn(async move { second.get("/").send("").await.status });
    assert_eq!(first.get("/").send("").await.status, 200);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished(), "whoever does something stays");
    drop(stream);
    assert_eq!(waiting.await.unwrap(), 200);
    assert!(first.is_closed().await);
}

#[tokio::test]
async fn one_address_has_its_share_of_connections() {
    let w = world_with(|config| config.server.connections_per_address = 1, |builder| builder).await;
    let mut first = w.h2().await;
    let stream = first.call("/test.Puppet/Forever").begin(frame("x")).await;
    let mut second = TcpStream::connect(w.address).await.unwrap();
    assert!(matches!(second.read(&mut [0]).await, Ok(0) | Err(_)), "it is closed");
    assert_eq!(first.get("/").send("").await.status, 200);
    drop(stream);
    // Of its own, one that is idle makes place.
    loop {
        let mut third = TcpStream::connect(w.address).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", w.address);
        let _ = third.write_all(request.as_bytes()).await;
        if matches!(third.read(&mut [0]).await, Ok(1)) {
            break;
        }
    }
    assert!(first.is_closed().await);
}

#[tokio::test]
async fn stopping_lets_calls_end_and_streams_know() {
    let mut w = world().await;
    let (mut h1, mut h2, mut other) = (w.h1().await, w.h2().await, w.h2().await);
    let mut web = h1.call("/test.Puppet/Forever").begin(frame("x")).await.into_body();
    assert!(web.frame().await.unwrap().unwrap().is_data());
    let stream = h2.call("/test.Puppet/Forever").begin(frame("x")).await;
    let slow = tokio::spawn(async move { other.call("/test.Puppet/Slow").message("x").await });
    while w.puppet.seen().len() < 3 {
        tokio::task::yield_now().await;
    }
    w.stop.take().unwrap().send(()).unwrap();
    let slow = slow.await.unwrap();
    assert_eq!((slow.grpc().code(), slow.messages()), (Code::Ok, vec!["slow".into()]));
    Answer::read(stream).await.refused(Code::Unavailable, "UNAVAILABLE");
    let last = web.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(last.starts_with(&[0x80]) && last.windows(14).any(|w| w == b"grpc-status:14"));
    drop((h1, h2));
    (&mut w.served).await.unwrap().unwrap();
    assert!(TcpStream::connect(w.address).await.is_err());
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let brief = Duration::from_millis(50);
    let mut w = world_with(|config| config.server.drain = brief, |builder| builder).await;
    let mut client = w.h2().await;
    let call = tokio::spawn(async move {
        client.call("/test.Puppet/Sleep").begin(frame("x")).await;
    });
    while w.puppet.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    w.stop.take().unwrap().send(()).unwrap();
    (&mut w.served).await.unwrap().unwrap();
    call.abort();
}

#[tokio::test]
async fn the_log_has_a_line_for_each_request_and_no_secret() {
    let log = Log::listen();
    let w = world().await;
    let code = w.code("olga");
    w.h1().await.get(&format!("/login?code={code}")).send("").await;
    let cookie = w.sign_in("olga").await;
    let sealed = cookie.split_once('=').unwrap().1;
    let mut client = w.h1().await;
    client.call("/test.Puppet/Echo?q=visible").with_session(&cookie).message("x").await;
    let refused =
        client.call("/test.Puppet/Fail").header("authorization", "Bearer t0ken").message("x").await;
    drop(client);
    tokio::task::yield_now().await;
    let access = log.lines("turnpike::access");
    assert_eq!(access.len(), 4, "{}", log.text());
    let last = &access[3]["fields"];
    assert_eq!(last["url.path"], "/test.Puppet/Fail");
    assert_eq!(last["rpc.status_code"], 14);
    assert_eq!(last["http.response.status_code"], 200);
    assert_eq!(last["request.id"], refused.header("x-request-id").unwrap());
    assert_eq!(last["client.address"], "127.0.0.1");
    let assertion = w.puppet.seen()[0].headers["x-turnpike-identity"].to_str().unwrap().to_owned();
    let ours = log.ours();
    for secret in [code.as_str(), sealed, "t0ken", "visible", &assertion] {
        assert!(!ours.contains(secret), "{secret} in the log");
    }
}
