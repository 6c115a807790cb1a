//! Requests that are none: RFC 6749 section 3.2, and HTTP.

use axum::body::Body;
use http::{Method, Request};

use crate::world::{FORM, GRANT, World, request};

const SCOPE: [&str; 1] = ["shop/order"];

#[tokio::test(flavor = "multi_thread")]
async fn only_post_is_taken() {
    let world = World::new().await;
    for path in ["/oauth2/token", "/oauth2/revoke"] {
        for method in ["GET", "PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            let reply = world.send(request).await;
            reply.is_error(405, "invalid_request");
            assert_eq!(reply.headers["allow"], "POST");
        }
        let head = Request::builder().method("HEAD").uri(path).body(Body::empty()).unwrap();
        let reply = world.send(head).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.headers["allow"]),
            (405, &"POST".parse().unwrap())
        );
        let options = Request::builder().method("OPTIONS").uri(path).body(Body::empty()).unwrap();
        let reply = world.send(options).await;
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
        assert_eq!(reply.headers["allow"], "POST");
        assert!(!reply.headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_content_type_is_the_forms() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let with = async |types: &[&str]| {
        let mut request = request("/oauth2/token", Some(("c1", secret.expose())), GRANT);
        request.headers_mut().remove("content-type");
        for value in types {
            request.headers_mut().append("content-type", value.parse().unwrap());
        }
        world.send(request).await
    };
    for good in [
        FORM,
        "application/x-www-form-urlencoded; charset=UTF-8",
        "application/x-www-form-urlencoded;charset=utf-8",
        "Application/X-WWW-Form-Urlencoded",
    ] {
        with(&[good]).await.token();
    }
    let bad: [&[&str]; 6] = [
        &[],
        &["application/json"],
        &["multipart/form-data; boundary=x"],
        &["text/plain"],
        &["application/x-www-form-urlencoded-not"],
        &[FORM, FORM],
    ];
    for types in bad {
        with(types).await.is_error(400, "invalid_request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_body_is_refused() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let body = r#"{"grant_type":"client_credentials"}"#;
    let reply = world.post("/oauth2/token", Some(("c1", secret.expose())), body).await;
    reply.is_error(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_is_refused() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let mut request = request("/oauth2/token", Some(("c1", secret.expose())), GRANT);
    request.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    world.send(request).await.is_error(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_parameter_is_invalid_request() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    for more in [
        "&grant_type=client_credentials",
        "&scope=shop/order&scope=shop/order",
        "&scope=&scope=shop/order",
        "&x=1&x=2",
        "&gr%61nt_type=client_credentials",
    ] {
        world.token("c1", secret.expose(), more).await.is_error(400, "invalid_request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_bytes_are_invalid_request() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    for more in [
        &b"&scope=%"[..],
        b"&scope=%4",
        b"&scope=%zz",
        b"&scope=%ff",
        b"&scope=\xff\xfe",
        b"&scope=%C3%28",
        b"&scope=a%00b",
        b"&scope=a\0b",
        b"&%00=1",
        b"&scope=a\r\nb",
        b"\n",
    ] {
        let mut request = request("/oauth2/token", Some(("c1", secret.expose())), "");
        *request.body_mut() = Body::from([GRANT.as_bytes(), more].concat());
        world.send(request).await.is_error(400, "invalid_request");
    }
    for header in ["Basic YQ", "Basic YTo=YTo="] {
        let mut request = request("/oauth2/token", None, GRANT);
        request.headers_mut().insert("authorization", header.parse().unwrap());
        world.send(request).await.is_error(401, "invalid_client");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_body_is_413() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let fits = format!("&x={}", "y".repeat(16 * 1024 - GRANT.len() - 3));
    world.token("c1", secret.expose(), &fits).await.token();
    let over = format!("{fits}y");
    world.token("c1", secret.expose(), &over).await.is_error(413, "invalid_request");

    // Without a length that says so beforehand.
    let frames = (0..40).map(|_| Ok::<_, std::io::Error>(vec![b'y'; 1024]));
    let mut stream = request("/oauth2/token", Some(("c1", secret.expose())), "");
    *stream.body_mut() = Body::from_stream(futures(frames));
    world.send(stream).await.is_error(413, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_is_invalid_request() {
    let world = World::new().await;
    let frames = [Ok(b"grant_type=".to_vec()), Err(std::io::Error::other("gone"))];
    let mut stream = request("/oauth2/token", None, "");
    *stream.body_mut() = Body::from_stream(futures(frames.into_iter()));
    world.send(stream).await.is_error(400, "invalid_request");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_end_is_408() {
    let endpoint = turnpike_rpc::oauth::Endpoint {
        path: "/oauth2/token",
        body_max: 1024,
        opaque: &[],
        metrics: turnpike_rpc::metrics::Metrics::new().unwrap(),
    };
    let mut stream = request("/oauth2/token", None, "");
    *stream.body_mut() = Body::from_stream(Never);
    let response = endpoint.serve(stream, async |_| unreachable!("nothing was read")).await;
    assert_eq!(response.status(), 408);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_parameters_are_refused_before_they_cost() {
    let world = World::new().await;
    let many: String = (0..2000).map(|n| format!("&p{n}=")).collect();
    world.token("c1", "x", &many).await.is_error(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_paths_are_404() {
    let world = World::new().await;
    for path in ["/oauth2/token/", "/oauth2", "/oauth2/authorize", "/oauth2/introspect", "/"] {
        assert_eq!(world.post(path, None, GRANT).await.status, 404, "{path}");
    }
}

/// A stream of what an iterator gives.
fn futures<I>(items: I) -> impl futures_util::Stream<Item = I::Item> + Send + 'static
where
    I: Iterator + Send + 'static,
{
    futures_util::stream::iter(items)
}

/// A body of which nothing ever comes.
struct Never;

impl futures_util::Stream for Never {
    type Item = Result<Vec<u8>, std::io::Error>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Pending
    }
}
