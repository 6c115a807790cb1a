//! Names, plain routes, the portal's files, CORS.

use axum::Router;
use axum::routing::{get, post};
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use turnpike_gateway::{Assets, Origin};

use crate::client::Answer;
use crate::harness::{World, world, world_with};

const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

async fn get_page(w: &World, path: &str) -> Answer {
    w.h1().await.get(path).header("accept", HTML).send("").await
}

#[tokio::test]
async fn other_names_are_not_ours() {
    let w = world().await;
    let port = w.address.port();
    let cookie = w.sign_in("olga").await;
    for host in [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        "127.0.0.1:1".to_owned(),
        "localhost:1".to_owned(),
        "127.0.0.1".to_owned(),
    ] {
        for mut client in [w.h1().await, w.h2().await] {
            for path in ["/", "/login", "/healthz", "/oauth2/token"] {
                let answer = client.get(path).named(&host).send("").await;
                assert_eq!(answer.status, 421, "{host} {path}");
                assert!(answer.text().contains(&w.origin()));
            }
            let call = client.call("/test.Puppet/Echo").named(&host).with_session(&cookie);
            assert_eq!(call.message("x").await.status, 421, "{host}");
        }
    }
    assert!(w.puppet.seen().is_empty());
    assert_eq!(w.h1().await.get("/").without("host").send("").await.status, 400);
    let two = w.h1().await.get("/").header("host", "evil.example").send("").await;
    assert_eq!(two.status, 400);
}

#[tokio::test]
async fn the_other_name_of_this_machine_leads_to_the_public_one() {
    let w = world().await;
    let local = format!("localhost:{}", w.address.port());
    let code = w.code("olga");
    for path in ["/".to_owned(), "/clients?team=a".to_owned(), format!("/login?code={code}")] {
        let mut client = w.h1().await;
        let answer = client.get(&path).named(&local).header("accept", HTML).send("").await;
        assert_eq!(answer.status, 307, "{path}");
        assert_eq!(answer.header("location"), Some(format!("{}{path}", w.origin()).as_str()));
    }
    let call = w.h2().await.call("/test.Puppet/Echo").named(&local).message("x").await;
    assert_eq!(call.grpc().code(), tonic::Code::Ok, "programs may use either");
}

#[tokio::test]
async fn routes_of_services_are_served_and_nothing_is_guessed_around_them() {
    let routes = Router::new()
        .route("/oauth2/token", post(async || "a token"))
        .route(
            "/.well-known/jwks.json",
            get(async |headers: http::HeaderMap| {
                let mut names: Vec<_> = headers.keys().map(|n| n.as_str().to_owned()).collect();
                names.sort();
                names.join(" ")
            }),
        )
        .route("/healthz", get(async || "ok"))
        .fallback(async || "a fallback that nobody asked for");
    let w = world_with(|_| {}, |builder| builder.routes(routes)).await;
    let mut client = w.h1().await;
    assert_eq!(client.post("/oauth2/token").send("").await.text(), "a token");
    assert_eq!(client.get("/oauth2/token").send("").await.status, 405);
    assert_eq!(client.get("/healthz").send("").await.text(), "ok");
    let call = client
        .get("/.well-known/jwks.json")
        .header("cookie", "a=b")
        .header("x-turnpike-identity", "forged")
        .header("x-request-id", "theirs");
    let seen = call.send("").await;
    assert_eq!(seen.text(), "host traceparent x-request-id");
    for path in [
        "/oauth2/tokn",
        "/oauth2",
        "/oauth2/",
        "/OAUTH2/token",
        "/.well-known/jwks",
        "/.well-known/",
        "/healthz/x",
        "/metrics",
        "/readyz",
    ] {
        let answer = get_page(&w, path).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert!(!answer.text().contains("portal"), "{path}");
    }
    assert_eq!(client.post("/oauth2/tokn").send("").await.status, 404);
}

#[tokio::test]
async fn a_route_that_panics_or_hangs_is_answered() {
    let routes = Router::new()
        .route("/oauth2/panic", get(async || -> &'static str { panic!("the secret words") }))
        .route("/oauth2/hang", get(std::future::pending::<&'static str>));
    let w = world_with(
        |config| config.calls.timeout = std::time::Duration::from_millis(50),
        |builder| builder.routes(routes),
    )
    .await;
    for mut client in [w.h1().await, w.h2().await] {
        let answer = client.get("/oauth2/panic").send("").await;
        assert_eq!(answer.status, 500);
        assert!(!answer.text().contains("secret"));
        assert!(answer.text().contains(answer.header("x-request-id").unwrap()));
        assert_eq!(client.get("/oauth2/hang").send("").await.status, 504);
    }
}

#[tokio::test]
async fn the_portal_answers_browsers_on_their_way_to_a_page() {
    let w = world().await;
    let mut nonces = Vec::new();
    for path in ["/", "/clients", "/grants/gr_1", "/"] {
        let page = get_page(&w, path).await;
        assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, Some("no-store")));
        let policy = page.header("content-security-policy").unwrap();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        let expected = format!("<html><meta property=csp-nonce nonce=\"{nonce}\">portal</html>");
        assert_eq!(page.text(), expected);
        let without = policy.replace(&format!(" 'nonce-{nonce}'"), "");
        assert_eq!(
            without,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; \
             form-action 'self'; frame-ancestors 'none'"
        );
        nonces.push(nonce);
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 4, "a nonce is used once");
    let mut client = w.h1().await;
    for (path, accept) in [("/clients", "*/*"), ("/clients", "application/json"), ("/x.js", HTML)] {
        let answer = client.get(path).header("accept", accept).send("").await;
        assert_eq!(answer.status, 404, "{path} {accept}");
    }
    let dotted = "/resource-servers/https%3A%2F%2Fapi.example";
    let call = client.get(dotted).header("accept", HTML).header("sec-fetch-mode", "navigate");
    assert_eq!(call.send("").await.status, 200);
    assert_eq!(client.post("/clients").header("accept", HTML).send("").await.status, 405);
}

#[tokio::test]
async fn every_page_is_hardened() {
    let w = world().await;
    for path in ["/", "/favicon.svg", "/login", "/nowhere.js"] {
        let answer = get_page(&w, path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path} {name}");
        }
        assert!(
            answer.header("permissions-policy").is_some()
                && answer.header("referrer-policy").is_some()
        );
        assert!(answer.header("strict-transport-security").is_none(), "plain text knows no HSTS");
    }
    let secure = world_with(
        |config| {
            config.public_origin = Origin::parse("https://turnpike.example").unwrap();
            config.personas.clear();
        },
        |builder| builder,
    )
    .await;
    let page = get_page(&secure, "/").await;
    assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000"));
}

#[tokio::test]
async fn files_come_precompressed_and_are_kept() {
    let w = world().await;
    let mut client = w.h1().await;
    let path = "/assets/app-1a2b.js";
    let brotli = client.get(path).header("accept-encoding", "gzip, deflate, br").send("").await;
    assert_eq!((brotli.text(), brotli.header("content-encoding")), ("as brotli", Some("br")));
    assert_eq!(brotli.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(brotli.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(brotli.header("vary"), Some("accept-encoding"));
    let gzip = client.get(path).header("accept-encoding", "gzip, br;q=0").send("").await;
    assert_eq!((gzip.text(), gzip.header("content-encoding")), ("as gzip", Some("gzip")));
    let plain = client.get(path).send("").await;
    assert_eq!((plain.text(), plain.header("content-encoding")), ("console.log('plain')", None));
    assert_ne!(brotli.header("etag"), plain.header("etag"));
    let tag = plain.header("etag").unwrap();
    let known = client.get(path).header("if-none-match", tag).send("").await;
    assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
    for path in [path, "/", "/favicon.svg"] {
        let get = client.get(path).send("").await;
        let head = client.request(Method::HEAD, path).send("").await;
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(head.header("content-length"), Some(get.body.len().to_string().as_str()));
    }
}

#[tokio::test]
async fn no_path_leads_out_of_the_files() {
    let w = world().await;
    for path in [
        "/../Cargo.toml",
        "/assets/../../Cargo.toml",
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "/..%2f..%2fCargo.toml",
        "/assets/..\\..\\Cargo.toml",
        "//etc/passwd",
        "/.vite/manifest.json",
        "/assets/app-1a2b.js.br",
        "/index.html",
    ] {
        let mut stream = tokio::net::TcpStream::connect(w.address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", w.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = &answer[9..12];
        assert!(status == "404" || status == "400", "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_binary_without_a_portal_says_so() {
    let w = world_with(|_| {}, |builder| builder.assets(Assets::default())).await;
    let page = get_page(&w, "/").await;
    assert!(page.status == 200 && page.text().contains("make ui"), "{}", page.text());
}

#[tokio::test]
async fn other_origins_are_let_in_by_name_only() {
    let preflight = async |w: &World, origin: &str| {
        let mut client = w.h1().await;
        let call = client
            .request(Method::OPTIONS, "/test.Puppet/Echo")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "x-turnpike-csrf,x-turnpike-person");
        call.send("").await
    };
    let w = world().await;
    let none = preflight(&w, "http://127.0.0.1:5173").await;
    assert_eq!((none.status.as_u16(), none.header("access-control-allow-origin")), (405, None));
    let dev = "http://127.0.0.1:5173";
    let allow = |config: &mut turnpike_gateway::GatewayConfig| {
        config.allowed_origins = vec![Origin::parse(dev).unwrap()];
    };
    let w = world_with(allow, |builder| builder).await;
    let granted = preflight(&w, dev).await;
    assert_eq!(granted.header("access-control-allow-origin"), Some(dev));
    assert_eq!(granted.header("access-control-allow-credentials"), Some("true"));
    assert!(granted.header("access-control-allow-headers").unwrap().contains("x-turnpike-person"));
    let refused = preflight(&w, "https://evil.example").await;
    assert_eq!(refused.header("access-control-allow-origin"), None);
    let cookie = w.sign_in("olga").await;
    let mut client = w.h1().await;
    let call = client.call("/test.Puppet/Echo").header("cookie", &cookie);
    let call = call.header("x-turnpike-csrf", "1").header("sec-fetch-site", "same-site");
    let answer = call.header("origin", dev).message("x").await;
    assert_eq!(answer.grpc().code(), tonic::Code::Ok);
    assert!(
        answer.header("access-control-expose-headers").unwrap().contains("grpc-status-details-bin")
    );
}
