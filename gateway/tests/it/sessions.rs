//! Signing out, and what is left of a session then.

use std::time::Duration;

use tonic::Code;

use crate::client::Answer;
use crate::harness::{World, replica_of, world};

const ECHO: &str = "/test.Puppet/Echo";

async fn use_session(w: &World, cookie: &str) -> Answer {
    w.h1().await.call(ECHO).with_session(cookie).message("x").await
}

#[tokio::test]
async fn a_session_that_was_ended_is_ended_everywhere() {
    let w = world().await;
    let (mine, copied) = (w.sign_in("olga").await, w.sign_in("olga").await);
    assert_eq!(use_session(&w, &mine).await.grpc().code(), Code::Ok);
    let mut client = w.h1().await;
    let answer = client.post("/logout").with_session(&mine).send("").await;
    assert_eq!(answer.status, 204);
    let cleared = answer.header("set-cookie").unwrap();
    assert!(cleared.contains("=;") && cleared.contains("Max-Age=0"), "{cleared}");
    use_session(&w, &mine).await.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
    assert_eq!(use_session(&w, &copied).await.grpc().code(), Code::Ok, "another session");
}

#[tokio::test]
async fn a_session_that_is_used_lives_on_but_not_for_ever() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    for _ in 0..17 {
        w.clock.advance(1600);
        let answer = use_session(&w, &cookie).await;
        assert_eq!(answer.grpc().code(), Code::Ok);
        assert!(answer.cookie().is_none(), "the cookie stays as it is");
    }
    let left = 8 * 3600 - 17 * 1600;
    w.clock.advance(left - 1);
    assert_eq!(use_session(&w, &cookie).await.grpc().code(), Code::Ok);
    w.clock.advance(1);
    use_session(&w, &cookie).await.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
}

#[tokio::test]
async fn a_session_that_is_not_used_ends() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    w.clock.advance(1800);
    use_session(&w, &cookie).await.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
}

#[tokio::test]
async fn every_gateway_knows_a_session_and_hears_of_its_end_within_a_second() {
    let w = world().await;
    let other = replica_of(&w).await;
    let cookie = w.sign_in("olga").await;
    for gateway in [&w, &other] {
        assert_eq!(use_session(gateway, &cookie).await.grpc().code(), Code::Ok);
    }
    w.h1().await.post("/logout").with_session(&cookie).send("").await;
    use_session(&w, &cookie).await.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
    w.clock.advance(1);
    use_session(&other, &cookie).await.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
}

#[tokio::test]
async fn a_login_at_one_gateway_ends_the_session_before_at_all() {
    let w = world().await;
    let other = replica_of(&w).await;
    let old = w.sign_in("olga").await;
    assert_eq!(use_session(&other, &old).await.grpc().code(), Code::Ok);
    let body = format!("code={}", w.code("ada"));
    let mut client = w.h1().await;
    let call = client
        .post("/login")
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        .with_session(&old);
    let new = call.send(body).await.cookie().unwrap();
    w.clock.advance(1);
    assert_eq!(use_session(&other, &new).await.grpc().code(), Code::Ok);
    use_session(&other, &old).await.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
}

#[tokio::test]
async fn a_session_is_read_once_a_second_at_most() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    assert_eq!(use_session(&w, &cookie).await.grpc().code(), Code::Ok);
    w.store.set_down(true);
    for _ in 0..20 {
        assert_eq!(use_session(&w, &cookie).await.grpc().code(), Code::Ok);
    }
    w.clock.advance(1);
    let refused = use_session(&w, &cookie).await;
    refused.refused(Code::Unavailable, "UNAVAILABLE");
    assert!(refused.cookie().is_none(), "the browser keeps its session");
    let mut client = w.h1().await;
    let out = client.post("/logout").with_session(&cookie).send("").await;
    assert_eq!(out.status, 503);
    assert!(out.text().contains("cannot reach its store") && out.cookie().is_none());
    w.store.set_down(false);
    assert_eq!(use_session(&w, &cookie).await.grpc().code(), Code::Ok);
}

#[tokio::test]
async fn an_answer_that_lasts_ends_with_its_session() {
    let w = world().await;
    let other = replica_of(&w).await;
    let (mine, copied) = (w.sign_in("olga").await, w.sign_in("olga").await);
    let mut client = other.h1().await;
    let call = client.call("/test.Puppet/Forever").with_session(&mine);
    let mut another = other.h1().await;
    let goes_on = another.call("/test.Puppet/Forever").with_session(&copied).begin("").await;
    let begun = call.begin("").await;
    w.h1().await.post("/logout").with_session(&mine).send("").await;
    w.clock.advance(1);
    let ended = Answer::read(begun).await;
    ended.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
    assert_eq!(ended.messages(), ["one"]);
    let more = tokio::time::timeout(Duration::from_millis(1500), Answer::read(goes_on)).await;
    assert!(more.is_err(), "that of another session goes on");
}

#[tokio::test]
async fn nobody_else_signs_us_out() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    let mut client = w.h1().await;
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let call = client.post("/logout").header("cookie", &cookie).header(name, value);
        assert_eq!(call.send("").await.status, 403, "{name}");
    }
    let bare = client.post("/logout").header("cookie", &cookie).send("").await;
    assert_eq!(bare.status, 403);
    assert_eq!(client.get("/logout").header("cookie", &cookie).send("").await.status, 405);
    assert_eq!(use_session(&w, &cookie).await.grpc().code(), Code::Ok);
}

#[tokio::test]
async fn a_page_of_somebody_else_does_not_sign_us_out() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    let mut client = w.h1().await;
    let call = client.post("/logout").with_session(&cookie).header("x-turnpike-person", "ada");
    let answer = call.send("").await;
    assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (409, None));
    assert_eq!(use_session(&w, &cookie).await.grpc().code(), Code::Ok);
}

#[tokio::test]
async fn a_form_signs_out_and_goes_home() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    let mut client = w.h1().await;
    let call = client.post("/logout").header("cookie", &cookie).header("accept", "text/html");
    let answer = call.header("sec-fetch-site", "same-origin").send("").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/")));
    use_session(&w, &cookie).await.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
}

#[tokio::test]
async fn signing_out_twice_is_fine() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    for _ in 0..2 {
        let answer = w.h1().await.post("/logout").with_session(&cookie).send("").await;
        assert_eq!(answer.status, 204);
    }
    let without = w.h1().await.post("/logout").header("x-turnpike-csrf", "1").send("").await;
    assert_eq!(without.status, 204);
}
