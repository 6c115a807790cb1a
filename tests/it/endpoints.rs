//! Every HTTP endpoint against input that no client would send: an answer in the 2xx to 4xx, in the form the endpoint
//! promises, and the process lives on.

use http::Method;
use turnpike_tests::{Answer, Plane};

use crate::support::{client, orders_api};

const FORM: &str = "application/x-www-form-urlencoded";
const PATHS: [&str; 12] = [
    "/oauth2/token",
    "/oauth2/revoke",
    "/oauth2/introspect",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
    "/healthz",
    "/readyz",
    "/metrics",
    "/login",
    "/logout",
    "/",
];

/// `size` is that of the request: a server need not read megabytes to their end before it says no.
fn assert_answered(answer: Option<Answer>, size: usize, what: &str) {
    let Some(answer) = answer else {
        assert!(size > 16_000, "{what}: the connection broke");
        return;
    };
    assert!(answer.status.as_u16() < 500, "{what}: {} {}", answer.status, answer.text());
}

#[tokio::test]
async fn methods_bodies_and_headers_of_all_kinds() {
    let mut plane = Plane::start().await;
    let http = plane.http();
    let long = "x".repeat(3_000_000);
    let deep = "[".repeat(100_000);
    for path in PATHS {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"]
        {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = http.try_send(method.clone(), path, &[], "").await;
            assert_answered(answer, 0, &format!("{method} {path}"));
        }
        for content_type in [
            FORM,
            "application/json",
            "text/plain",
            "multipart/form-data",
            "",
            "application/grpc",
            "\u{e9}",
            "a/b; c=\"d",
        ] {
            for body in [
                "",
                "a",
                "=",
                "&&&",
                "%",
                "%zz",
                "a=%00",
                "grant_type",
                "token=&token=",
                "{}",
                &long,
                &deep,
                "\u{fffd}",
            ] {
                let headers = [("content-type", content_type)];
                let answer = http.try_send(Method::POST, path, &headers, body.to_owned()).await;
                assert_answered(
                    answer,
                    body.len(),
                    &format!("POST {path} {content_type:?} {} bytes", body.len()),
                );
            }
        }
        for authorization in [
            "",
            "Basic",
            "Basic ",
            "Basic !!!!",
            "Basic Og==",
            "Basic YQ==",
            "Basic /////w==",
            "basic YTpi",
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Digest x",
            "Negotiate",
            "\u{e9}",
        ] {
            let headers = [("content-type", FORM), ("authorization", authorization)];
            let form = "grant_type=client_credentials&token=x";
            let answer = http.try_send(Method::POST, path, &headers, form).await;
            assert_answered(answer, 0, &format!("POST {path} {authorization:?}"));
        }
        let huge = "x".repeat(60_000);
        for headers in [
            [("cookie", huge.as_str())],
            [("accept", "\u{1}")],
            [("accept-encoding", "br;q=a,,,")],
            [("range", "bytes=0-0,99-1")],
        ] {
            if let [(_, value)] = headers
                && http::HeaderValue::from_str(value).is_err()
            {
                continue;
            }
            let answer = http.try_send(Method::GET, path, &headers, "").await;
            assert_answered(
                answer,
                headers[0].1.len(),
                &format!("GET {path} with {}", headers[0].0),
            );
        }
    }
    for path in [
        "//",
        "/..",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/../index.html",
        "/assets/%00",
        "/%",
        "/%zz",
        "/\\",
        "/.well-known/nothing",
        "/oauth2/nothing",
        "/oauth2/token/",
        "/oauth2/%74oken",
        "/turnpike.v1.ClientService/GetClient",
        "/turnpike.v1.ClientService/Nothing",
        "/nothing.v1.Nothing/Nothing",
        "/?a=%00",
        "/login?code=%00",
        "/login?code=a&code=b",
    ] {
        for method in [Method::GET, Method::POST] {
            if format!("{}{path}", plane.url()).parse::<http::Uri>().is_err() {
                continue;
            }
            let answer = http.try_send(method.clone(), path, &[], "").await;
            assert!(!answer.as_ref().is_some_and(|a| a.text().contains("root:")), "{path}");
            assert_answered(answer, 0, &format!("{method} {path}"));
        }
    }
    assert!(plane.is_alive());
}

#[tokio::test]
async fn refusals_of_oauth_endpoints_are_json_that_nobody_keeps() {
    let plane = Plane::start().await;
    let http = plane.http();
    for path in ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"] {
        let answer = http.form(path, &[], &[]).await;
        assert!(answer.status.is_client_error(), "{path}");
        assert!(answer.header("content-type").starts_with("application/json"), "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(answer.json()["error"].is_string(), "{path}");
        let got = http.get(path).await;
        assert_eq!((got.status.as_u16(), got.header("allow")), (405, "POST"), "{path}");
    }
    for path in ["/oauth2/nothing", "/.well-known/nothing"] {
        assert_eq!(http.get(path).await.status, 404, "{path} is not the portal");
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_and_locks_nobody_out() {
    let plane = Plane::start().await;
    let http = plane.http();
    let (olga, pavel) = (plane.caller("olga").await, plane.caller("pavel").await);
    orders_api(&olga).await;
    let (shop, _) = client(&pavel, "Partner shop").await;
    let (other, other_secret) = client(&pavel, "Another shop").await;
    let mut slowed = None;
    for _ in 0..200 {
        let answer = http.token(&shop.client_id, "tp_wrong", "").await;
        assert!(answer.json()["error"].is_string());
        if answer.status == 429 {
            slowed = Some(answer);
            break;
        }
    }
    let slowed = slowed.expect("200 wrong secrets in a row were not slowed down");
    assert!(slowed.header("retry-after").parse::<u32>().is_ok());
    // Another client is not affected by it.
    let answer = http.token(&other.client_id, &other_secret, "").await;
    assert_eq!(answer.json()["error"], "invalid_scope");
}
