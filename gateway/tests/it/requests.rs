//! What gets through to a service, and what does not.

use http::Method;
use http_body::Body;
use prost::Message as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use turnpike_domain::ports::Entropy;
use turnpike_rpc::oauth::Peer;

use crate::client::{Client, frame};
use crate::harness::{SystemEntropy, world, world_with};

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
        // It has none of the details that a refusal has: the gateway adds them.
        answer.refused(Code::FailedPrecondition, "FAILED_PRECONDITION");
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
    assert_eq!(seen.peer, Some(Peer(w.address.ip())), "of the connection, whatever a header says");
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
async fn the_default_limit_is_256_kibibytes() {
    let w = world().await;
    let fits = w.h2().await.call(ECHO).message(vec![7; 256 * 1024]).await;
    assert_eq!(fits.grpc().code(), Code::Ok);
    let beyond = w.h2().await.call(ECHO).message(vec![7; 256 * 1024 + 1]).await;
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
        ("no message of that type", frame([0xff; 12])),
        ("a field of another type", frame([0x08, 0x01])),
        ("text that is no text", frame([0x0a, 0x01, 0xff])),
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
    for mut client in [w.h1().await, w.h2().await] {
        let method = client.call("/test.Puppet/NoMethod").message("x").await;
        method.refused(Code::Unimplemented, "UNKNOWN_METHOD");
    }
}

#[tokio::test]
async fn what_a_library_refuses_has_details_too() {
    let (_, health) = tonic_health::server::health_reporter();
    let routes = tonic::service::Routes::new(health);
    let w = world_with(|_| {}, |builder| builder.upstream("grpc.health.v1.Health", routes)).await;
    let path = "/grpc.health.v1.Health/Check";
    for mut client in [w.h1().await, w.h2().await] {
        let unknown = HealthCheckRequest { service: "b".to_owned() }.encode_to_vec();
        client.call(path).message(&unknown).await.refused(Code::NotFound, "NOT_FOUND");
        for encoding in ["gzip", "br", "nonsense"] {
            let call = client.call(path).header("grpc-encoding", encoding);
            call.message(&unknown).await.refused(Code::Unimplemented, "UNSUPPORTED");
        }
        client
            .call("/grpc.health.v1.Health/Peek")
            .message("")
            .await
            .refused(Code::Unimplemented, "UNKNOWN_METHOD");
    }
}

#[tokio::test]
async fn noise_is_never_our_defect() {
    let (_, health) = tonic_health::server::health_reporter();
    let routes = tonic::service::Routes::new(health);
    let w = world_with(|_| {}, |builder| builder.upstream("grpc.health.v1.Health", routes)).await;
    let (mut h1, mut h2) = (w.h1().await, w.h2().await);
    for round in 0..150 {
        let mut noise = [0u8; 64];
        SystemEntropy.fill(&mut noise);
        let mut body = noise[1..1 + usize::from(noise[0] % 63)].to_vec();
        if round % 2 == 0 {
            body = frame(body);
        }
        for client in [&mut h1, &mut h2] {
            let answer = client.call("/grpc.health.v1.Health/Check").send(body.clone()).await;
            let code = answer.grpc().code();
            let fine = [
                Code::Ok,
                Code::NotFound,
                Code::InvalidArgument,
                Code::ResourceExhausted,
                Code::Unimplemented,
            ];
            assert!(fine.contains(&code), "{body:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_grpc_client_is_at_home() {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("a", tonic_health::ServingStatus::Serving).await;
    let routes = tonic::service::Routes::new(health);
    let w = world_with(|_| {}, |builder| builder.upstream("grpc.health.v1.Health", routes)).await;
    let channel = Endpoint::from_shared(w.origin()).unwrap().connect().await.unwrap();
    let mut client = HealthClient::new(channel);
    let request = || HealthCheckRequest { service: "a".to_owned() };
    assert_eq!(client.check(request()).await.unwrap().into_inner().status, 1);
    let mut watch = client.watch(request()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status, 1);
    reporter.set_service_status("a", tonic_health::ServingStatus::NotServing).await;
    assert_eq!(watch.message().await.unwrap().unwrap().status, 2);
    let other = HealthCheckRequest { service: "b".to_owned() };
    assert_eq!(client.check(other).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_refusal_over_http2_ends_with_its_headers() {
    let w = world().await;
    for path in ["/test.Puppet/Refuse", "/test.None/Get", "/test.Puppet/Panic"] {
        let response = w.h2().await.call(path).begin(frame("x")).await;
        assert!(response.headers().contains_key("grpc-status"));
        assert!(response.body().is_end_stream(), "trailers-only: {path}");
    }
}

#[tokio::test]
async fn trailers_of_a_request_are_no_metadata() {
    let w = world().await;
    let mut stream = TcpStream::connect(w.address).await.unwrap();
    let request = format!(
        "POST {ECHO} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/grpc-web+proto\r\n\
         transfer-encoding: chunked\r\ntrailer: x-turnpike-identity\r\nconnection: close\r\n\r\n\
         6\r\n\0\0\0\0\x01x\r\n0\r\nx-turnpike-identity: forged\r\n\r\n",
        w.address
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    assert!(!w.puppet.trailers_seen(), "{:?}", w.puppet.seen());
}
