//! Login links.

use serde_json::Value;
use tonic::Code;

use turnpike_domain::ports::Clock;
use turnpike_gateway::{BuildError, Gateway, GatewayConfig, Origin, SealKey, SealKeys, ServeError};
use turnpike_registry::Registry;
use turnpike_rpc::assertion::AssertionKeys;

use crate::client::{Answer, Client};
use crate::harness::{SystemEntropy, World, personas, world, world_with};

/// The form of the page, as a browser sends it.
async fn submit(
    client: &mut Client,
    w: &World,
    code: &str,
    headers: &[(&'static str, &str)],
) -> Answer {
    let mut call = client
        .post("/login")
        .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", w.origin())
        .header("sec-fetch-site", "same-origin");
    for (name, value) in headers {
        call = call.without(name).header(name, value);
    }
    call.send(format!("code={code}")).await
}

#[tokio::test]
async fn a_link_asks_and_the_form_signs_in() {
    let w = world().await;
    let code = w.code("olga");
    let mut client = w.h1().await;
    for _ in 0..3 {
        let page = client.get(&format!("/login?code={code}")).send("").await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("Continue as Olga &lt;Orders&gt;"), "{}", page.text());
        assert!(page.header("set-cookie").is_none(), "a preview signs nobody in");
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.header("referrer-policy"), Some("strict-origin"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'nonce-"), "{policy}");
        assert!(policy.contains("form-action 'self'") && !policy.contains("script-src"));
    }
    let answer = submit(&mut client, &w, &code, &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/")));
    let set = answer.header("set-cookie").unwrap();
    assert!(set.starts_with(&format!("__Host-Http-turnpike-{}=", w.address.port())), "{set}");
    for attribute in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(set.contains(attribute), "{set}");
    }
    assert!(!set.contains("Domain"));
    let cookie = answer.cookie().unwrap();
    let call = client.call("/test.Puppet/Echo").with_session(&cookie).message("x").await;
    assert_eq!(call.grpc().code(), Code::Ok);
    let page = client.get("/login").header("cookie", &cookie).send("").await;
    assert!(page.text().contains("You are signed in as Olga &lt;Orders&gt;"));
}

#[tokio::test]
async fn a_link_works_once_and_not_for_long() {
    let w = world().await;
    let (used, late) = (w.code("olga"), w.code("ada"));
    let mut client = w.h1().await;
    assert_eq!(submit(&mut client, &w, &used, &[]).await.status, 303);
    let again = submit(&mut client, &w, &used, &[]).await;
    assert_eq!(again.status, 403);
    assert!(again.text().contains("This login link was used already"));
    assert!(again.text().contains("turnpike links"), "what to do next");
    assert!(again.header("set-cookie").is_none());
    let opened = client.get(&format!("/login?code={used}")).send("").await;
    assert!(opened.text().contains("was used already"));
    w.clock.advance(15 * 60);
    let expired = submit(&mut client, &w, &late, &[]).await;
    assert_eq!(expired.status, 403);
    assert!(expired.text().contains("has expired") && expired.header("set-cookie").is_none());
    for unknown in ["", "x", "%00", "<script>", &"x".repeat(3000)] {
        let answer = submit(&mut client, &w, unknown, &[]).await;
        assert_eq!(answer.status, 403, "{unknown}");
        assert!(answer.text().contains("is not known"));
    }
}

#[tokio::test]
async fn two_at_once_sign_in_one() {
    let w = world().await;
    let code = w.code("olga");
    let (mut a, mut b) = (w.h1().await, w.h1().await);
    let (a, b) = tokio::join!(submit(&mut a, &w, &code, &[]), submit(&mut b, &w, &code, &[]));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 403]);
}

#[tokio::test]
async fn programs_sign_in_with_json() {
    let w = world().await;
    let code = w.code("olga");
    let mut client = w.h2().await;
    let mut send = async |code: &str| {
        let call = client
            .post("/login")
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-turnpike-csrf", "1");
        call.send(format!("code={code}")).await
    };
    let answer = send(&code).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, Some("application/json"))
    );
    let json: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(json["persona"], "olga");
    assert!(answer.cookie().is_some());
    let again = send(&code).await;
    assert_eq!(again.status, 403);
    assert_eq!(serde_json::from_slice::<Value>(&again.body).unwrap()["error"], "LINK_USED");
}

#[tokio::test]
async fn another_site_can_neither_use_nor_burn_a_link() {
    let w = world().await;
    let code = w.code("olga");
    let mut client = w.h1().await;
    for headers in [
        &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
    ] {
        let answer = submit(&mut client, &w, &code, headers).await;
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(answer.text().contains("another site") && answer.header("set-cookie").is_none());
    }
    let call = client.post("/login").header("content-type", "application/x-www-form-urlencoded");
    let bare = call.send(format!("code={code}")).await;
    assert_eq!(bare.status, 403, "no browser, and no header instead");
    assert_eq!(submit(&mut client, &w, &code, &[]).await.status, 303);
}

#[tokio::test]
async fn only_a_form_is_read() {
    let w = world().await;
    let code = w.code("olga");
    let mut client = w.h1().await;
    let json = submit(&mut client, &w, &code, &[("content-type", "application/json")]).await;
    assert_eq!(json.status, 415);
    let large = submit(&mut client, &w, &"x".repeat(5000), &[]).await;
    assert_eq!(large.status, 415);
    let twice = submit(&mut client, &w, &format!("{code}&code={code}"), &[]).await;
    assert_eq!(twice.status, 403, "two codes are none");
    assert_eq!(submit(&mut client, &w, &code, &[]).await.status, 303);
}

#[tokio::test]
async fn who_is_signed_in_is_told_before_somebody_else_is() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    let mut client = w.h1().await;
    let mut open = async |code: &str| {
        let page = client.get(&format!("/login?code={code}")).header("cookie", &cookie);
        page.send("").await.text().to_owned()
    };
    let other = open(&w.code("ada")).await;
    assert!(other.contains("This browser is signed in as Olga &lt;Orders&gt;"), "{other}");
    let same = open(&w.code("olga")).await;
    assert!(!same.contains("This browser is signed in"), "{same}");
}

#[tokio::test]
async fn a_login_makes_a_new_session_and_ends_the_old() {
    let w = world().await;
    let old = w.sign_in("olga").await;
    let mut client = w.h1().await;
    let answer = submit(&mut client, &w, &w.code("ada"), &[("cookie", &old)]).await;
    let new = answer.cookie().unwrap();
    assert_ne!(old, new);
    let call = client.call("/test.Puppet/Echo").with_session(&new).message("x").await;
    assert_eq!(call.grpc().code(), Code::Ok);
    let call = client.call("/test.Puppet/Echo").with_session(&old).message("x").await;
    call.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
    // A value planted before the login is not taken over.
    let planted = format!("{}=planted", new.split_once('=').unwrap().0);
    let answer = submit(&mut client, &w, &w.code("olga"), &[("cookie", &planted)]).await;
    assert_ne!(answer.cookie().unwrap(), planted);
}

#[tokio::test]
async fn the_page_says_how_to_get_a_link() {
    let w = world().await;
    let page = w.h1().await.get("/login").send("").await;
    assert!(page.status == 200 && page.text().contains("For a new one, run"));
    let w = world_with(|config| config.personas.clear(), |builder| builder).await;
    let page = w.h1().await.get("/login").send("").await;
    assert!(page.status == 200 && page.text().contains("No way to sign in is configured"));
}

#[tokio::test]
async fn personas_stay_on_this_machine() {
    let w = world_with(|config| config.personas.clear(), |builder| builder).await;
    let entropy = std::sync::Arc::new(SystemEntropy);
    let registry = Registry::open(w.store.clone(), w.clock.clone(), entropy).await.unwrap();
    let build = |public: &str| {
        let mut config = GatewayConfig::new(Origin::parse(public).unwrap());
        config.personas = personas();
        let clock: std::sync::Arc<dyn Clock> = w.clock.clone();
        let entropy = std::sync::Arc::new(SystemEntropy);
        let (signer, _) = AssertionKeys::generate(clock.clone(), entropy.clone()).unwrap();
        let keys = SealKeys::new(&[SealKey::new([1; 32])]).unwrap();
        Gateway::builder(config, registry.clone(), signer, keys, clock, entropy).build()
    };
    for public in ["https://turnpike.example", "http://10.0.0.7:8080", "http://0.0.0.0:8080"] {
        let refused = build(public);
        assert!(matches!(refused, Err(BuildError::PersonasInPublic(_))), "{public}");
    }
    let gateway = build("http://127.0.0.1:8080").unwrap();
    let everywhere = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let served = gateway.serve(everywhere, std::future::pending()).await;
    assert!(matches!(served, Err(ServeError::NotLoopback(_))));
}
