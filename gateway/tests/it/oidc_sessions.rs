//! Sessions of people of a directory: asked about again, and ended here and there.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use prost_reflect::DescriptorPool;
use serde_json::json;
use tonic::Code;
use turnpike_domain::actor::Role;
use turnpike_gateway::{Builder, GatewayConfig, OidcSettings};

use crate::browser::Browser;
use crate::directory::{Directory, OID};
use crate::harness::{World, replica_with, world_of, world_with};
use crate::log::Log;
use crate::service::Puppet;

const MINUTE: i64 = 60;

async fn start() -> (Directory, World) {
    let directory = Directory::start().await;
    let w = world_of(&directory, &directory.config()).await;
    (directory, w)
}

/// Waits for what happens in the background.
async fn until(mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not happen");
}

/// Signs in and goes on for half an hour, after which the directory is asked anew.
async fn signed_in<'a>(w: &'a World, directory: &'a Directory) -> Browser<'a> {
    let mut browser = Browser::new(w, directory);
    assert_eq!(browser.sign_in().await.status, 303);
    w.clock.advance(15 * MINUTE);
    browser.who().await;
    assert_eq!(directory.times("token"), 1);
    w.clock.advance(16 * MINUTE);
    browser
}

#[tokio::test]
async fn what_the_directory_says_of_a_person_is_read_anew() {
    let (directory, w) = start().await;
    directory.says(json!({ "roles": ["Turnpike.Admin"] }));
    let browser = signed_in(&w, &directory).await;
    directory.says(json!({ "roles": ["Turnpike.Auditor"], "name": "Olga Newname" }));
    assert_eq!(
        browser.who().await.roles,
        BTreeSet::from([Role::PlatformAdmin]),
        "nobody waits for it"
    );
    until(async || browser.who().await.roles == BTreeSet::from([Role::Auditor])).await;
    assert_eq!(browser.who().await.display_name, "Olga Newname");
    // The refresh token is replaced each time, and the new one works.
    directory.says(json!({ "roles": null }));
    w.clock.advance(15 * MINUTE);
    browser.who().await;
    w.clock.advance(16 * MINUTE);
    until(async || browser.who().await.roles.is_empty()).await;
    assert_eq!(directory.times("token"), 3);
}

#[tokio::test]
async fn of_all_gateways_one_asks() {
    let (directory, w) = start().await;
    let other = replica_with(&w, &directory.config()).await;
    directory.says(json!({ "roles": ["Turnpike.Admin"] }));
    let browser = signed_in(&w, &directory).await;
    directory.says(json!({ "roles": null }));
    let there =
        Browser { w: &other, cookies: browser.cookies.clone(), ..Browser::new(&other, &directory) };
    for _ in 0..5 {
        let (here, there) = tokio::join!(browser.call(), there.call());
        assert_eq!((here.grpc().code(), there.grpc().code()), (Code::Ok, Code::Ok));
    }
    // Whichever of them asked: what the other has read counts for a second.
    let heard = async || {
        w.clock.advance(1);
        browser.who().await.roles.is_empty()
    };
    until(heard).await;
    w.clock.advance(1);
    assert!(there.who().await.roles.is_empty());
    assert_eq!(directory.times("token"), 2);
}

#[tokio::test]
async fn a_directory_that_refuses_ends_the_session() {
    let log = Log::listen();
    for (n, how) in ["taken back", "somebody else", "not assigned"].into_iter().enumerate() {
        let (directory, w) = start().await;
        let browser = signed_in(&w, &directory).await;
        match how {
            "taken back" => directory.takes_refresh_tokens_back(),
            "somebody else" => directory.says(json!({ "oid": OID.replace('2', "5") })),
            _ => directory.answers(
                "token",
                400,
                r#"{"error":"invalid_grant","error_description":"AADSTS50105: x"}"#,
            ),
        }
        until(async || browser.call().await.grpc().code() == Code::Unauthenticated).await;
        assert_eq!(log.lines("session.refused_by_directory").len(), n + 1, "{how}");
    }
}

#[tokio::test]
async fn a_directory_that_does_not_answer_is_borne_for_an_hour() {
    let log = Log::listen();
    let (directory, w) = start().await;
    let browser = signed_in(&w, &directory).await;
    directory.answers("token", 503, "");
    browser.who().await;
    until(async || log.lines("session.not_reread").len() == 1).await;
    for _ in 0..5 {
        browser.who().await;
    }
    assert_eq!(directory.times("token"), 2, "it is left alone for a while");
    for _ in 0..3 {
        w.clock.advance(19 * MINUTE);
        browser.who().await;
    }
    w.clock.advance(2 * MINUTE);
    let refused = browser.call().await;
    refused.refused(Code::Unavailable, "UNAVAILABLE");
    assert!(refused.cookie().is_none(), "the browser keeps its session");
    directory.recovers("token");
    w.clock.advance(31);
    assert_eq!(browser.call().await.grpc().code(), Code::Ok);
}

#[tokio::test]
async fn whom_nobody_can_ask_about_again_signs_in_again_sooner() {
    let (directory, w) = start().await;
    directory.gives_no_refresh_token();
    let mut browser = Browser::new(&w, &directory);
    let answer = browser.sign_in().await;
    let lasts = |set: &http::HeaderValue| set.to_str().unwrap().contains("; Max-Age=5400;");
    assert!(answer.headers.get_all("set-cookie").iter().any(lasts), "{answer:?}");
    for _ in 0..4 {
        w.clock.advance(20 * MINUTE);
        browser.who().await;
    }
    w.clock.advance(10 * MINUTE);
    browser.call().await.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
    assert_eq!(directory.times("token"), 1);
}

#[tokio::test]
async fn another_directory_vouches_for_nobody_of_the_one_before() {
    let (directory, w) = start().await;
    let mut browser = Browser::new(&w, &directory);
    browser.sign_in().await;
    let new = Directory::start().await;
    let other = replica_with(&w, &new.config()).await;
    let there = Browser { w: &other, ..browser };
    there.call().await.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
}

#[tokio::test]
async fn signing_out_leads_to_the_directory() {
    let (directory, w) = start().await;
    for (hint, expected) in [(None, "id_token_hint"), (Some("opaque-hint"), "logout_hint")] {
        directory.says(json!({ "login_hint": hint }));
        let mut browser = Browser::new(&w, &directory);
        browser.sign_in().await;
        let before = browser.cookie();
        let answer = browser.sign_out().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!browser.has_session());
        let told: serde_json::Value = serde_json::from_str(answer.text()).unwrap();
        let to = told["continue"].as_str().unwrap();
        let query = to.strip_prefix(&format!("{}/logout?", directory.issuer)).unwrap();
        let sent: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert_eq!(sent["post_logout_redirect_uri"], format!("{}/logout/done", w.origin()));
        assert_eq!(sent["client_id"], "turnpike-at-example");
        assert_eq!(sent.len(), 3, "{sent:?}");
        match hint {
            Some(hint) => assert_eq!(sent[expected], hint),
            None => assert!(sent[expected].starts_with("eyJ")),
        }
        let mut copy = Browser::new(&w, &directory);
        copy.cookies.insert(copy.session_name(), before.split_once('=').unwrap().1.to_owned());
        copy.call().await.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
        // A second time there is nothing to end, and nowhere to go.
        assert_eq!(copy.sign_out().await.status, 204);
        let done = browser.navigate("/logout/done", "cross-site").await;
        assert!(done.status == 200 && done.text().contains("signed out"));
    }
}

#[tokio::test]
async fn signing_out_does_not_depend_on_the_directory() {
    let (directory, w) = start().await;
    let mut browser = Browser::new(&w, &directory);
    browser.sign_in().await;
    directory.stop();
    assert!(browser.sign_out().await.status.is_success());
    assert!(!browser.has_session());
}

#[tokio::test]
async fn another_site_signs_nobody_out() {
    let (directory, w) = start().await;
    let mut browser = Browser::new(&w, &directory);
    browser.sign_in().await;
    let mut client = w.h1().await;
    for site in ["cross-site", "same-site"] {
        let call = client.post("/logout").header("cookie", browser.cookie());
        let call = call.header("sec-fetch-site", site).header("origin", "https://evil.example");
        assert_eq!(call.send("").await.status, 403, "{site}");
    }
    for path in ["/logout", "/login/callback"] {
        let get = browser.navigate(path, "cross-site").await;
        assert!(get.status.is_client_error(), "{path}: {get:?}");
    }
    browser.who().await;
}

#[tokio::test]
async fn a_login_that_ended_at_the_directory_ends_here() {
    let (directory, w) = start().await;
    let mut mine = Browser::new(&w, &directory);
    mine.sign_in().await;
    directory.says(json!({ "sid": "login-2" }));
    let mut elsewhere = Browser::new(&w, &directory);
    elsewhere.sign_in().await;
    let tell = async |query: &str| {
        let path = format!("/logout/front-channel?{query}");
        let answer = w.h1().await.get(&path).header("sec-fetch-site", "cross-site").send("").await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (200, ""),
            "whatever it is, it learns nothing"
        );
    };
    for query in
        ["", "sid=made-up", "sid=login-1&iss=https://evil.example", "sid=login-1&sid=login-2"]
    {
        tell(query).await;
    }
    mine.who().await;
    for _ in 0..2 {
        tell(&format!("sid=login-1&iss={}", directory.issuer)).await;
    }
    w.clock.advance(1);
    mine.call().await.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
    elsewhere.who().await;
}

#[tokio::test]
async fn the_page_is_told_how_people_sign_in() {
    let (_, w) = start().await;
    let answer = w.h1().await.get("/login/ways").send("").await;
    assert_eq!(answer.text(), r#"{"directory":"Example Ltd","links":false}"#);
    let local = crate::harness::world().await;
    let answer = local.h1().await.get("/login/ways").send("").await;
    assert_eq!(answer.text(), r#"{"directory":null,"links":true}"#);
    assert_eq!(local.h1().await.get("/login/callback?code=x&state=y").send("").await.status, 404);
}

/// Whatever a service is called: a session that is over reaches none of them.
#[tokio::test]
async fn a_session_that_is_over_opens_no_rpc() {
    let pool = DescriptorPool::decode(turnpike_proto::FILE_DESCRIPTOR_SET).unwrap();
    let directory = Directory::start().await;
    let configure = |config: &mut GatewayConfig| {
        config.personas = Vec::new();
        config.oidc = OidcSettings::of(&directory.config()).unwrap();
    };
    let puppet = Puppet::default();
    let services: Vec<_> = pool.services().collect();
    let extend = |builder| {
        let mount = |builder: Builder, name: &str| builder.upstream(name, puppet.clone());
        services.iter().fold(builder, |builder, service| mount(builder, service.full_name()))
    };
    let w = world_with(configure, extend).await;
    directory.follow(&w.clock);
    let mut browsers = Vec::new();
    for (seconds, used) in [(1800, false), (8 * 3600, true)] {
        let mut browser = Browser::new(&w, &directory);
        browser.sign_in().await;
        let mut left = seconds;
        while used && left > 1500 {
            w.clock.advance(1500);
            left -= 1500;
            browser.who().await;
        }
        w.clock.advance(left);
        browsers.push(browser);
    }
    let mut tried = 0;
    for method in services.iter().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        for browser in &browsers {
            let mut client = w.h1().await;
            let call = client.call(&path).with_session(&browser.cookie());
            call.message("").await.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
            tried += 1;
        }
    }
    assert!(tried > 80, "{tried}");
    assert!(puppet.seen().is_empty(), "{:?}", puppet.seen());
}
