//! Signing out, and what is left of a session then.

use tonic::Code;

use crate::client::Answer;
use crate::harness::{World, world};

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
async fn a_cookie_renewed_before_the_end_does_not_bring_it_back() {
    let w = world().await;
    let cookie = w.sign_in("olga").await;
    w.clock.advance(3600);
    let renewed = use_session(&w, &cookie).await.cookie().unwrap();
    w.h1().await.post("/logout").with_session(&cookie).send("").await;
    use_session(&w, &renewed).await.refused(Code::Unauthenticated, "NOT_SIGNED_IN");
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
