//! Who calls: sessions, programs, and those who pretend.

use std::time::Duration;

use tonic::Code;
use turnpike_domain::actor::Teams;

use crate::harness::{World, world, world_with};

const ECHO: &str = "/test.Puppet/Echo";
const IDENTITY: &str = "x-turnpike-identity";

fn nothing_arrived(w: &World) {
    assert!(w.puppet.seen().is_empty(), "{:?}", w.puppet.seen());
}

#[tokio::test]
async fn a_session_becomes_an_assertion_for_this_method() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    for mut client in [w.h1().await, w.h2().await] {
        let answer = client.call(ECHO).with_session(&cookie).message("x").await;
        assert_eq!(answer.grpc().code(), Code::Ok);
    }
    for seen in w.puppet.seen() {
        let identity = seen.headers[IDENTITY].to_str().unwrap();
        let olga = w.verifier.verify(identity, ECHO).unwrap();
        assert_eq!((olga.id.as_str(), olga.display_name.as_str()), ("olga", "Olga <Orders>"));
        let Teams::Known(teams) = olga.teams else { panic!("teams are known") };
        assert_eq!(teams.iter().map(|t| t.as_str()).collect::<Vec<_>>(), ["orders"]);
        assert!(w.verifier.verify(identity, "/test.Puppet/Refuse").is_err());
        assert!(!seen.headers.contains_key("cookie"));
        assert!(!seen.headers.contains_key("x-turnpike-csrf"));
    }
}

#[tokio::test]
async fn a_forged_identity_is_replaced_or_removed() {
    let w = world().await;
    let (olga, ada) = (w.sign_in("olga").await, w.sign_in("ada").await);
    let mut client = w.h2().await;
    client.call(ECHO).with_session(&ada).message("x").await;
    let stolen = w.puppet.only().headers[IDENTITY].to_str().unwrap().to_owned();
    client
        .call(ECHO)
        .with_session(&olga)
        .header("x-turnpike-identity", &stolen)
        .header("x-turnpike-identity", &stolen)
        .message("x")
        .await;
    client.call(ECHO).header("x-turnpike-identity", &stolen).message("x").await;
    let seen = w.puppet.seen();
    let values: Vec<_> = seen[1].headers.get_all(IDENTITY).iter().collect();
    assert_eq!(values.len(), 1);
    assert_eq!(w.verifier.verify(values[0].to_str().unwrap(), ECHO).unwrap().id, "olga");
    assert!(!seen[2].headers.contains_key(IDENTITY));
}

#[tokio::test]
async fn a_page_of_somebody_else_does_not_use_the_session() {
    let w = world().await;
    let pavels_page = ("x-turnpike-person", "pavel");
    let cookie = w.sign_in("olga").await;
    for mut client in [w.h1().await, w.h2().await] {
        let call = client.call(ECHO).with_session(&cookie).header(pavels_page.0, pavels_page.1);
        let refused = call.message("x").await;
        refused.refused(Code::FailedPrecondition, "OTHER_PERSON");
        assert!(refused.header("set-cookie").is_none(), "the session lives on");
    }
    nothing_arrived(&w);
    let mut client = w.h1().await;
    let call = client.call(ECHO).with_session(&cookie).header("x-turnpike-person", "olga");
    assert_eq!(call.message("x").await.grpc().code(), Code::Ok);
    assert!(!w.puppet.only().headers.contains_key("x-turnpike-person"));
}

#[tokio::test]
async fn programs_show_the_service_who_they_are() {
    let w = world().await;
    let answer = w.h2().await.call(ECHO).header("authorization", "Bearer t").message("x").await;
    assert_eq!(answer.grpc().code(), Code::Ok);
    let seen = w.puppet.only();
    assert_eq!(seen.headers["authorization"], "Bearer t");
    assert!(!seen.headers.contains_key(IDENTITY));
}

#[tokio::test]
async fn two_identities_are_none() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    for mut client in [w.h1().await, w.h2().await] {
        let call = client.call(ECHO).with_session(&cookie).header("authorization", "Bearer t");
        call.message("x").await.refused(Code::InvalidArgument, "TWO_IDENTITIES");
    }
    nothing_arrived(&w);
}

#[tokio::test]
async fn a_cookie_alone_is_not_enough() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    for mut client in [w.h1().await, w.h2().await] {
        let bare = client.call(ECHO).header("cookie", &cookie).message("x").await;
        bare.refused(Code::PermissionDenied, "CROSS_SITE_REQUEST");
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://127.0.0.1:1"),
        ] {
            let call = client.call(ECHO).header("cookie", &cookie).header("x-turnpike-csrf", "1");
            let answer = call.header(name, value).message("x").await;
            answer.refused(Code::PermissionDenied, "CROSS_SITE_REQUEST");
        }
        let wrong = client.call(ECHO).header("cookie", &cookie).header("x-turnpike-csrf", "yes");
        wrong.message("x").await.refused(Code::PermissionDenied, "CROSS_SITE_REQUEST");
    }
    nothing_arrived(&w);
    let mut client = w.h1().await;
    let own = client.call(ECHO).with_session(&cookie).header("origin", w.origin());
    assert_eq!(own.message("x").await.grpc().code(), Code::Ok);
}

#[tokio::test]
async fn a_cookie_that_was_touched_is_no_session() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    let (name, value) = cookie.split_once('=').unwrap();
    let middle = value.len() / 2;
    let changed = if value.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let tampered = format!("{name}={}{changed}{}", &value[..middle], &value[middle + 1..]);
    let other = w.sign_in("ada").await;
    for bad in [tampered, format!("{name}="), format!("{name}=x"), format!("{cookie}; {other}")] {
        for mut client in [w.h1().await, w.h2().await] {
            let answer = client.call(ECHO).with_session(&bad).message("x").await;
            answer.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
            let cleared = answer.header("set-cookie").unwrap();
            assert!(cleared.starts_with(&format!("{name}=;")) && cleared.contains("Max-Age=0"));
        }
    }
    nothing_arrived(&w);
}

#[tokio::test]
async fn a_cookie_of_another_gateway_is_nothing_to_us() {
    let w = world().await;
    let answer =
        w.h2().await.call(ECHO).header("cookie", "__Host-Http-turnpike-1=x").message("x").await;
    assert_eq!(answer.grpc().code(), Code::Ok);
    assert!(!w.puppet.only().headers.contains_key("cookie"));
}

#[tokio::test]
async fn a_stream_does_not_outlive_its_session() {
    let brief = Duration::from_millis(300);
    let w = world_with(|config| config.session.lifetime = brief, |builder| builder).await;
    let cookie = w.sign_in("olga").await;
    for mut client in [w.h1().await, w.h2().await] {
        let call = client.call("/test.Puppet/Forever").with_session(&cookie);
        let answer = call.message("x").await;
        answer.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
        assert_eq!(answer.messages(), ["one"]);
    }
}
