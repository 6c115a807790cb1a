//! What gets through to a service, and what does not.

use http::Method;
use tonic::Code;

use crate::client::{Client, frame};
use crate::harness::{world, world_with};

const ECHO: &str = "/test.Puppet/Echo";

#[tokio::test]
async fn calls_pass_in_three_forms() {
    let w = world().await;
    let over_h2 = w.h2().await.call(ECHO).message("one").await;
    assert_eq!(over_h2.grpc().code(), Code::Ok);
    assert_eq!(over_h2.trailers["x-trailer"], "kept");
    assert_eq!(over_h2.messages(), ["one"]);
    let over_h1 = w.h1().await.call(ECHO).message("two").await;
    assert_eq!((over_h1.grpc().code(), over_h1.messages()), (Code::Ok, vec!["two".into()]));
    let mut h2 = w.h2().await;
    let web = h2.post(ECHO).header("content-type", "application/grpc-web+proto").message("3").await;
    assert_eq!((web.grpc().code(), web.messages()), (Code::Ok, vec!["3".into()]));
}

#[tokio::test]
async fn a_refusal_of_a_service_passes_as_it_is() {
    let w = world().await;
    for mut client in [w.h1().await, w.h2().await] {
        let answer = client.call("/test.Puppet/Refuse").message("").await;
        let status = answer.grpc();
        assert_eq!(
            (status.code(), status.message()),
            (Code::FailedPrecondition, "not now: größer")
        );
        assert_eq!(answer.header("x-own"), Some("kept"));
        assert_eq!(answer.header("set-cookie"), None, "cookies are the gateway's");
        assert_eq!(answer.header("x-turnpike-inner"), None);
    }
}

#[tokio::test]
async fn only_grpc_reaches_a_service() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    for content_type in [
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json",
        "application/grpc+json",
        "application/grpc-web-text",
        "application/grpc-web-text+proto",
    ] {
        for mut client in [w.h1().await, w.h2().await] {
            let call = client.post(ECHO).header("cookie", &cookie);
            let answer = call.header("content-type", content_type).message("x").await;
            assert_eq!(answer.status, 415, "{content_type}: {answer:?}");
        }
    }
    let without = w.h2().await.post(ECHO).header("cookie", &cookie).message("x").await;
    assert_eq!(without.status, 415);
    let two = w.h2().await.call(ECHO).header("content-type", "text/plain").message("x").await;
    assert_eq!(two.status, 415);
    let old = w.h1().await.post(ECHO).header("content-type", "application/grpc").message("x").await;
    assert_eq!(old.status, 415);
    assert!(w.puppet.seen().is_empty(), "nothing of it arrived");
}

#[tokio::test]
async fn content_types_may_have_parameters() {
    let w = world().await;
    let with = "application/grpc-web+proto; charset=utf-8";
    let answer = w.h1().await.post(ECHO).header("content-type", with).message("x").await;
    assert_eq!(answer.grpc().code(), Code::Ok);
    assert_eq!(w.puppet.only().headers["content-type"], "application/grpc");
    let with = "Application/gRPC;a=b";
    let answer = w.h2().await.post(ECHO).header("content-type", with).message("x").await;
    assert_eq!(answer.grpc().code(), Code::Ok);
}

#[tokio::test]
async fn text_is_not_spoken_even_if_asked_for() {
    let w = world().await;
    let text = "application/grpc-web-text";
    let answer = w.h1().await.call(ECHO).header("accept", text).message("x").await;
    assert_eq!((answer.grpc().code(), answer.messages()), (Code::Ok, vec!["x".into()]));
}

#[tokio::test]
async fn calls_are_sent_with_post() {
    let w = world().await;
    for method in [Method::GET, Method::PUT, Method::OPTIONS, Method::DELETE] {
        let mut client = w.h2().await;
        let call = client.request(method.clone(), ECHO).header("content-type", "application/grpc");
        let answer = call.send("").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("allow")),
            (405, Some("POST")),
            "{method}"
        );
    }
    assert!(w.puppet.seen().is_empty());
}

#[tokio::test]
async fn a_service_sees_what_it_should_and_no_more() {
    let w = world().await;
    let theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = w
        .h1()
        .await
        .call("/test.Puppet/Echo?token=secret")
        .header("accept-encoding", "gzip")
        .header("authorization", "Bearer t")
        .header("baggage", "a=b")
        .header("grpc-timeout", "10S")
        .header("origin", w.origin())
        .header("referer", "http://a/b?c")
        .header("sec-fetch-site", "same-origin")
        .header("traceparent", theirs)
        .header("tracestate", "a=b")
        .header("x-forwarded-for", "1.2.3.4")
        .header("x-grpc-web", "1")
        .header("x-my-metadata", "kept")
        .header("x-request-id", "theirs")
        .header("x-turnpike-identity", "forged")
        .header("X-Turnpike-Identity-Bin", "Zm9yZ2Vk")
        .message("x")
        .await;
    assert_eq!(answer.grpc().code(), Code::Ok);
    let seen = w.puppet.only();
    let mut names: Vec<&str> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let expected = [
        "accept",
        "authorization",
        "content-type",
        "grpc-timeout",
        "te",
        "traceparent",
        "x-my-metadata",
        "x-request-id",
    ];
    assert_eq!(names, expected);
    assert_eq!(seen.path, ECHO);
    assert_eq!(seen.headers["authorization"], "Bearer t");
    assert_eq!(seen.headers["x-request-id"], answer.header("x-request-id").unwrap());
    assert_ne!(seen.headers["x-request-id"], "theirs");
    let ours = seen.headers["traceparent"].to_str().unwrap();
    assert!(!ours.contains("0af7651916cd43dd8448eb211c80319c"), "a trace begins here: {ours}");
}

#[tokio::test]
async fn each_request_has_its_own_id() {
    let w = world().await;
    let mut client = w.h2().await;
    let first = client.call(ECHO).message("").await;
    let second = client.call(ECHO).message("").await;
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    let page = client.get("/").send("").await;
    assert!(page.header("x-request-id").is_some(), "pages too");
}

#[tokio::test]
async fn a_message_may_be_as_large_as_the_limit() {
    let w = world_with(|config| config.calls.message_bytes = 100_000, |builder| builder).await;
    let (fits, too_large) = (vec![7; 100_000], vec![7; 100_001]);
    for mut client in [w.h1().await, w.h2().await] {
        let answer = client.call(ECHO).message(&fits).await;
        assert_eq!((answer.grpc().code(), answer.messages()[0].len()), (Code::Ok, 100_000));
        let answer = client.call(ECHO).message(&too_large).await;
        let details = answer.refused(Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
        assert_eq!(details.error_info().unwrap().metadata["limit_bytes"], "100000");
        // Announced, not sent.
        let answer = client.call(ECHO).send(vec![0, 255, 255, 255, 255]).await;
        answer.refused(Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
    }
}

#[tokio::test]
async fn the_default_limit_is_four_mebibytes() {
    let w = world().await;
    let fits = w.h2().await.call(ECHO).message(vec![7; 4 * 1024 * 1024]).await;
    assert_eq!(fits.grpc().code(), Code::Ok);
    let beyond = w.h2().await.call(ECHO).message(vec![7; 4 * 1024 * 1024 + 1]).await;
    beyond.refused(Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
}

#[tokio::test]
async fn what_is_not_framed_is_the_callers_fault() {
    // A real service: its own word for all of these is INTERNAL.
    let (_, health) = tonic_health::server::health_reporter();
    let here = tonic::service::Routes::new(health);
    let (_line, there) = crate::service::remote(here.clone()).await;
    for remote in [false, true] {
        let (here, there) = (here.clone(), there.clone());
        let name = "grpc.health.v1.Health";
        let w = world_with(
            |_| {},
            |builder| {
                if remote { builder.upstream(name, there) } else { builder.upstream(name, here) }
            },
        )
        .await;
        for client in [w.h1().await, w.h2().await] {
            malformed_messages(client).await;
        }
    }
}

async fn malformed_messages(mut client: Client) {
    let path = "/grpc.health.v1.Health/Check";
    assert_eq!(client.call(path).message("").await.grpc().code(), Code::Ok);
    for (name, body) in [
        ("empty", vec![]),
        ("half a header", vec![0, 0, 0]),
        ("half a message", frame("abc")[..6].to_vec()),
        ("announced only", vec![0, 0, 0, 0, 9]),
        ("a strange flag", vec![7, 0, 0, 0, 0]),
        ("trailers", vec![0x80, 0, 0, 0, 0]),
        ("compressed by surprise", vec![1, 0, 0, 0, 0]),
        ("a second message cut off", [frame(""), vec![0, 0]].concat()),
    ] {
        let answer = client.call(path).send(body).await;
        assert_eq!(answer.grpc().code(), Code::InvalidArgument, "{name}: {answer:?}");
        answer.refused(Code::InvalidArgument, "MALFORMED_REQUEST");
    }
}

#[tokio::test]
async fn unknown_services_are_unimplemented_in_grpc() {
    let w = world().await;
    for path in [
        "/turnpike.v1.NoService/Get",
        "/test.Puppet",
        "/test.Puppet/",
        "/test.Puppet/Echo/More",
        "/test.puppet/Echo",
        "/test%2EPuppet/Echo",
        "/",
        "/login/x",
        "/oauth2/token",
    ] {
        for mut client in [w.h1().await, w.h2().await] {
            let answer = client.call(path).message("x").await;
            answer.refused(Code::Unimplemented, "UNKNOWN_SERVICE");
        }
    }
    assert!(w.puppet.seen().is_empty());
    let method = w.h2().await.call("/test.Puppet/NoMethod").message("x").await;
    assert_eq!(method.grpc().code(), Code::Unimplemented, "the service's own word");
}
