//! Signing in by the directory: an honest one, and one that is not.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use turnpike_domain::actor::{Role, Staff, Teams};
use turnpike_testkit::teams;

use crate::browser::Browser;
use crate::client::Answer;
use crate::directory::{Directory, Lie, OID, TENANT};
use crate::harness::{NOW, World, replica_with, world_of};
use crate::log::Log;

const GROUP: &str = "aaaaaaaa-0000-4000-8000-000000000001";

async fn start() -> (Directory, World) {
    let directory = Directory::start().await;
    let w = world_of(&directory, &directory.config()).await;
    let registry = w.registry().await;
    teams::map(&registry, "orders", &[GROUP], &["Turnpike.Team.Orders"]).await;
    (directory, w)
}

pub fn team_names(staff: &Staff) -> Vec<&str> {
    staff.teams.known().iter().map(|team| team.as_str()).collect()
}

/// Nobody is signed in: the person reads what happened and the code, and the operator finds both in one line.
fn refused(answer: &Answer, browser: &Browser<'_>, log: &Log, status: u16, label: &str) -> Value {
    assert_eq!(answer.status, status, "{label}: {answer:?}");
    assert!(!browser.has_session(), "{label}: {answer:?}");
    let (text, id) = (answer.text(), answer.header("x-request-id").unwrap());
    assert!(text.contains(&format!("<code>{label}</code>")), "{label}: {text}");
    assert!(text.contains(&format!("<code>{id}</code>")), "{label}: {text}");
    assert!(text.contains("href=\"/login\">Begin anew</a>"), "{label}: {text}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let lines = log.lines("session.sign_in_refused");
    let line = &lines.iter().find(|line| line["fields"]["request.id"] == id).unwrap()["fields"];
    let (refusal, fault) = label.split_once(' ').unwrap_or((label, ""));
    assert_eq!(line["oidc.refusal"], refusal);
    if refusal == "ID_TOKEN_REFUSED" {
        assert_eq!(line["oidc.fault"], fault);
    }
    line.clone()
}

#[tokio::test]
async fn whoever_signs_in_is_whom_the_directory_says() {
    let (directory, w) = start().await;
    directory.says(json!({ "groups": [GROUP, "another"], "roles": ["Turnpike.Auditor"] }));
    let mut browser = Browser::new(&w, &directory);
    let asked = browser.begin("/login?return_to=%2Fclients%3Fq%3D1").await;
    assert_eq!(asked.get("redirect_uri"), format!("{}/login/callback", w.origin()));
    assert!(!browser.has_session(), "nobody is signed in yet");
    let code = directory.code(&asked);
    let answer = browser.back(&[("code", &code), ("state", asked.get("state"))]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/clients?q=1")));
    assert_eq!(browser.cookies.len(), 1, "what was kept for the attempt is gone");
    let olga = browser.who().await;
    assert_eq!(olga.id, format!("{TENANT}/{OID}"));
    assert_eq!(olga.display_name, "Olga <Orders>");
    assert_eq!(olga.teams, Teams::Known(olga.teams.known().clone()));
    assert_eq!(
        (team_names(&olga), olga.roles.clone()),
        (vec!["orders"], BTreeSet::from([Role::Auditor]))
    );
    let again = browser.navigate("/login?return_to=%2Fgrants", "same-origin").await;
    assert_eq!(again.header("location"), Some("/grants"), "there is nothing to do");
    assert_eq!(directory.times("metadata"), 1);
}

#[tokio::test]
async fn a_team_is_a_group_or_an_app_role_and_a_change_of_it_counts_at_once() {
    let (directory, w) = start().await;
    directory.says(json!({ "roles": ["Turnpike.Team.Orders", "Turnpike.Admin"] }));
    let mut browser = Browser::new(&w, &directory);
    browser.sign_in().await;
    let olga = browser.who().await;
    assert_eq!(
        (team_names(&olga), olga.roles.clone()),
        (vec!["orders"], BTreeSet::from([Role::PlatformAdmin]))
    );
    let registry = w.registry().await;
    teams::map(&registry, "orders", &[], &["Another.Role"]).await;
    teams::map(&registry, "platform", &[], &["Turnpike.Team.Orders"]).await;
    w.clock.advance(2);
    assert_eq!(team_names(&browser.who().await), ["platform"]);
}

#[tokio::test]
async fn an_id_token_that_is_not_right_signs_nobody_in() {
    let log = Log::listen();
    let (directory, w) = start().await;
    let other = "33333333-3333-4333-8333-333333333333";
    let claims = |claims: Value, fault| (claims, Lie::No, fault);
    let lie = |lie: Lie, fault| (json!({}), lie, fault);
    let seconds = NOW;
    for (claims, lie, fault) in [
        claims(json!({ "nonce": "of-another-attempt" }), "NONCE"),
        claims(json!({ "nonce": null }), "NONCE"),
        claims(json!({ "iss": format!("{}/", directory.issuer) }), "ISSUER"),
        claims(json!({ "iss": "https://sts.windows.net/x/" }), "ISSUER"),
        claims(json!({ "aud": "another-application" }), "AUDIENCE"),
        claims(json!({ "aud": ["turnpike-at-example", "another-application"] }), "AUDIENCE"),
        claims(json!({ "azp": "another-application" }), "AUDIENCE"),
        claims(json!({ "exp": seconds - 61 }), "EXPIRED"),
        claims(json!({ "nbf": seconds + 61 }), "NOT_YET"),
        claims(json!({ "iat": seconds + 61 }), "NOT_YET"),
        claims(json!({ "tid": other }), "TENANT"),
        claims(json!({ "tid": null }), "TENANT"),
        claims(json!({ "ver": "1.0" }), "VERSION"),
        claims(json!({ "oid": null }), "IDENTITY"),
        claims(json!({ "oid": "two words" }), "IDENTITY"),
        lie(Lie::Algorithm, "ALGORITHM"),
        lie(Lie::Hmac, "ALGORITHM"),
        lie(Lie::OtherKey, "SIGNATURE"),
        lie(Lie::KeyName(Some("made-up")), "KEY"),
        lie(Lie::KeyName(None), "KEY"),
        lie(Lie::Missing, "MISSING"),
        lie(Lie::Text("a.b.c"), "MALFORMED"),
        lie(Lie::Text(""), "MALFORMED"),
    ] {
        let honest: Value =
            claims.as_object().unwrap().keys().map(|name| (name.clone(), Value::Null)).collect();
        directory.says(claims);
        directory.lies(lie);
        let mut browser = Browser::new(&w, &directory);
        let answer = browser.sign_in().await;
        let line = refused(&answer, &browser, &log, 403, &format!("ID_TOKEN_REFUSED {fault}"));
        assert_eq!(line["oidc.operator_acts"], false);
        // What is left out is right by itself.
        directory.forgets(&honest);
    }
    directory.lies(Lie::No);
    directory.says(json!({ "oid": OID }));
    let mut browser = Browser::new(&w, &directory);
    assert_eq!(browser.sign_in().await.status, 303);
    let ours = log.ours();
    for secret in ["eyJ", "code-", "refresh-", "s3cret of", "Olga"] {
        assert!(!ours.contains(secret), "{secret} in the log");
    }
}

#[tokio::test]
async fn only_an_answer_to_what_this_browser_asked_is_looked_at() {
    let log = Log::listen();
    let (directory, w) = start().await;
    let mut victim = Browser::new(&w, &directory);
    let asked = victim.begin("/login").await;
    let (code, state) = (directory.code(&asked), asked.get("state").to_owned());
    // Of somebody who wants the victim to be signed in as them (login CSRF).
    let mut attacker = Browser::new(&w, &directory);
    let theirs = attacker.begin("/login").await;
    let their_code = directory.code(&theirs);
    for (answer, label) in [
        (vec![("code", their_code.as_str()), ("state", theirs.get("state"))], "ATTEMPT_UNKNOWN"),
        (vec![("code", &code), ("state", "made-up")], "ATTEMPT_UNKNOWN"),
        (vec![("code", &code), ("state", "")], "ATTEMPT_UNKNOWN"),
        (vec![("error", "access_denied"), ("state", "made-up")], "ATTEMPT_UNKNOWN"),
        (vec![("code", &code)], "MALFORMED_ANSWER"),
        (vec![], "MALFORMED_ANSWER"),
        (vec![("code", &code), ("state", &state), ("state", &state)], "MALFORMED_ANSWER"),
    ] {
        let answer = victim.back(&answer).await;
        refused(&answer, &victim, &log, 400, label);
    }
    // A browser that lost its cookies, one with two of a name, and one that took its time.
    let cookies = victim.cookies.clone();
    victim.cookies.clear();
    let answer = victim.back(&[("code", &code), ("state", &state)]).await;
    refused(&answer, &victim, &log, 400, "ATTEMPT_UNKNOWN");
    let (name, value) = cookies.first_key_value().unwrap();
    let twice = format!("{name}={value}; {name}=planted");
    let path = format!("/login/callback?code={code}&state={state}");
    let answer = w.h1().await.get(&path).header("cookie", &twice).send("").await;
    refused(&answer, &victim, &log, 400, "ATTEMPT_UNKNOWN");
    victim.cookies = cookies;
    w.clock.advance(600);
    let answer = victim.back(&[("code", &code), ("state", &state)]).await;
    refused(&answer, &victim, &log, 400, "ATTEMPT_UNKNOWN");
    assert_eq!(directory.times("token"), 0, "no code went anywhere");
}

#[tokio::test]
async fn an_answer_counts_once_at_all_gateways_and_a_code_once() {
    let log = Log::listen();
    let (directory, w) = start().await;
    let other = replica_with(&w, &directory.config()).await;
    let mut browser = Browser::new(&w, &directory);
    let asked = browser.begin("/login").await;
    let stolen = browser.cookies.clone();
    let (code, state) = (directory.code(&asked), asked.get("state"));
    assert_eq!(browser.back(&[("code", &code), ("state", state)]).await.status, 303);
    for gateway in [&w, &other] {
        let mut thief = Browser { cookies: stolen.clone(), ..Browser::new(gateway, &directory) };
        let answer = thief.back(&[("code", &code), ("state", state)]).await;
        refused(&answer, &thief, &log, 400, "ATTEMPT_USED");
    }
    assert_eq!(directory.times("token"), 1);
    // The same code, and one that somebody else got, in an attempt that is new.
    let mut thief = Browser::new(&w, &directory);
    let other = thief.begin("/login").await;
    let injected = directory.code(&asked);
    for code in [&code, &injected] {
        let asked = thief.begin("/login").await;
        let answer = thief.back(&[("code", code), ("state", asked.get("state"))]).await;
        refused(&answer, &thief, &log, 403, "CODE_REFUSED");
    }
    // Several tabs are several attempts: the first of them still works.
    let code = directory.code(&other);
    assert_eq!(thief.back(&[("code", &code), ("state", other.get("state"))]).await.status, 303);
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_mixed_up() {
    let log = Log::listen();
    let (directory, w) = start().await;
    let mut browser = Browser::new(&w, &directory);
    let asked = browser.begin("/login").await;
    let (code, state) = (directory.code(&asked), asked.get("state").to_owned());
    let answer =
        browser.back(&[("code", &code), ("state", &state), ("iss", "https://evil.example")]).await;
    refused(&answer, &browser, &log, 403, "MIXED_UP");
    // A directory that says that it always says who it is.
    let careful = Directory::start().await;
    careful.publishes(json!({ "authorization_response_iss_parameter_supported": true }));
    let w = world_of(&careful, &careful.config()).await;
    let mut browser = Browser::new(&w, &careful);
    let answer = browser.sign_in().await;
    refused(&answer, &browser, &log, 403, "MIXED_UP");
    assert_eq!(directory.times("token") + careful.times("token"), 0, "no code went anywhere");
    let asked = browser.begin("/login").await;
    let code = careful.code(&asked);
    let answer = [("code", code.as_str()), ("state", asked.get("state")), ("iss", &careful.issuer)];
    assert_eq!(browser.back(&answer).await.status, 303);
}

#[tokio::test]
async fn metadata_of_another_issuer_is_used_for_nothing() {
    let log = Log::listen();
    let (directory, w) = start().await;
    directory.publishes(json!({ "issuer": "https://evil.example" }));
    let mut browser = Browser::new(&w, &directory);
    let answer = browser.navigate("/login", "none").await;
    let line = refused(&answer, &browser, &log, 500, "MISCONFIGURED");
    assert_eq!(line["oidc.operator_acts"], true);
    assert!(line["cause"].as_str().unwrap().contains("evil.example"), "{line}");
    for (endpoint, label) in
        [("authorization_endpoint", "MISCONFIGURED"), ("jwks_uri", "MISCONFIGURED")]
    {
        let directory = Directory::start().await;
        directory.publishes(json!({ endpoint: "http://plain.example/x" }));
        let w = world_of(&directory, &directory.config()).await;
        let mut browser = Browser::new(&w, &directory);
        let answer = browser.navigate("/login", "none").await;
        refused(&answer, &browser, &log, 500, label);
    }
}

#[tokio::test]
async fn what_the_directory_refuses_is_said_in_our_words() {
    let log = Log::listen();
    let (directory, w) = start().await;
    for (error, description, label) in [
        ("access_denied", "", "REFUSED_BY_DIRECTORY"),
        ("access_denied", "AADSTS65004: User declined", "REFUSED_BY_DIRECTORY AADSTS65004"),
        ("access_denied", "AADSTS50105: not assigned", "NOT_ASSIGNED"),
        ("<script>alert(1)</script>", "<b>", "REFUSED_BY_DIRECTORY"),
    ] {
        let mut browser = Browser::new(&w, &directory);
        let asked = browser.begin("/login").await;
        let answer =
            [("error", error), ("error_description", description), ("state", asked.get("state"))];
        let answer = browser.back(&answer).await;
        refused(&answer, &browser, &log, 403, label);
        assert!(!answer.text().contains("script") && !answer.text().contains("declined"));
    }
    assert_eq!(directory.times("token"), 0);
}

#[tokio::test]
async fn a_directory_in_trouble_is_told_from_one_that_refuses() {
    let log = Log::listen();
    let (directory, w) = start().await;
    for (status, body, refused_with, label) in [
        (
            401,
            r#"{"error":"invalid_client","error_description":"AADSTS7000222: expired"}"#,
            500,
            "MISCONFIGURED",
        ),
        (500, "", 503, "DIRECTORY_DOWN"),
        (429, "{}", 503, "DIRECTORY_DOWN"),
        (200, "<html>", 403, "ID_TOKEN_REFUSED MALFORMED"),
        (307, "", 403, "ID_TOKEN_REFUSED MALFORMED"),
    ] {
        directory.answers("token", status, body);
        let mut browser = Browser::new(&w, &directory);
        let answer = browser.sign_in().await;
        let line = refused(&answer, &browser, &log, refused_with, label);
        assert_eq!(line["oidc.operator_acts"], refused_with >= 500, "{line}");
    }
    let line = &log.lines("AADSTS7000222")[0]["fields"];
    assert!(line["cause"].as_str().unwrap().contains("invalid_client"), "{line}");
    directory.recovers("token");
    let mut browser = Browser::new(&w, &directory);
    assert_eq!(browser.sign_in().await.status, 303);

    let silent = Directory::start().await;
    let w = world_of(&silent, &silent.config()).await;
    silent.answers("metadata", 503, "");
    for _ in 0..3 {
        let mut browser = Browser::new(&w, &silent);
        let answer = browser.navigate("/login", "none").await;
        refused(&answer, &browser, &log, 503, "DIRECTORY_DOWN");
    }
    assert_eq!(silent.times("metadata"), 1, "who is down is not asked by everyone");
}

#[tokio::test]
async fn keys_that_change_are_found_and_made_up_names_drive_nothing() {
    let (directory, w) = start().await;
    let mut browser = Browser::new(&w, &directory);
    assert_eq!(browser.sign_in().await.status, 303);
    assert_eq!(directory.times("keys"), 1);
    directory.rotates();
    let mut browser = Browser::new(&w, &directory);
    assert_eq!(browser.sign_in().await.status, 303);
    assert_eq!(directory.times("keys"), 2);
    directory.lies(Lie::KeyName(Some("made-up")));
    for _ in 0..5 {
        let mut browser = Browser::new(&w, &directory);
        assert_eq!(browser.sign_in().await.status, 403);
    }
    assert_eq!(directory.times("keys"), 2);
}

#[tokio::test]
async fn groups_that_are_left_out_are_unknown() {
    let log = Log::listen();
    let overage = json!({
        "groups": null,
        "_claim_names": { "groups": "src1" },
        "_claim_sources": { "src1": { "endpoint": "https://graph.windows.net/gone" } },
        "roles": ["Turnpike.Team.Orders"],
    });
    let (directory, w) = start().await;
    directory.says(overage.clone());
    let registry = w.registry().await;
    teams::map(&registry, "platform", &[GROUP], &[]).await;
    let mut browser = Browser::new(&w, &directory);
    browser.sign_in().await;
    let olga = browser.who().await;
    assert!(!olga.teams.are_all());
    assert_eq!(team_names(&olga), ["orders"], "what app roles say counts");

    // Graph is asked for those that mean something here, and for no others.
    let directory = Directory::start().await;
    directory.says(overage);
    directory.knows_groups(&[GROUP, "bbbbbbbb-0000-4000-8000-000000000002"]);
    let w = world_of(&directory, &directory.config_with_graph()).await;
    let registry = w.registry().await;
    let groups: Vec<String> = (0..30).map(|n| format!("cccccccc-0000-4000-8000-{n:012}")).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    teams::map(&registry, "orders", &groups, &[]).await;
    teams::map(&registry, "platform", &[GROUP], &[]).await;
    let mut browser = Browser::new(&w, &directory);
    browser.sign_in().await;
    let olga = browser.who().await;
    assert!(olga.teams.are_all());
    assert_eq!((team_names(&olga), directory.times("graph")), (vec!["platform"], 2));

    directory.answers("graph", 429, "{}");
    for _ in 0..3 {
        let mut browser = Browser::new(&w, &directory);
        assert_eq!(browser.sign_in().await.status, 303);
        assert!(!browser.who().await.teams.are_all());
    }
    assert_eq!(directory.times("graph"), 3, "it said for how long it wants to be left alone");
    assert_eq!(log.lines("oidc.groups_not_resolved").len(), 3);
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let (directory, w) = start().await;
    for wanted in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/%09/evil.example",
        "/login/callback?code=x",
        "/oauth2/token",
        "javascript:alert(1)",
        "",
    ] {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("return_to", wanted)
            .finish();
        let mut browser = Browser::new(&w, &directory);
        let asked = browser.begin(&format!("/login?{query}")).await;
        let code = directory.code(&asked);
        let answer = browser.back(&[("code", &code), ("state", asked.get("state"))]).await;
        assert_eq!(answer.header("location"), Some("/"), "{wanted}");
        let again = browser.navigate(&format!("/login?{query}"), "cross-site").await;
        assert_eq!(again.header("location"), Some("/"), "{wanted}");
    }
}

#[tokio::test]
async fn a_session_that_was_there_before_is_worth_nothing_after() {
    let (directory, w) = start().await;
    let mut attacker = Browser::new(&w, &directory);
    attacker.sign_in().await;
    let planted = attacker.cookies.clone();
    // In the victim's browser: the session of somebody else, and one that nobody made.
    let mut victim = Browser { cookies: planted, ..Browser::new(&w, &directory) };
    victim.cookies.insert(victim.session_name(), "made-up".to_owned());
    let asked = victim.begin("/login").await;
    victim.cookies.insert(victim.session_name(), attacker.cookies[&victim.session_name()].clone());
    let code = directory.code(&asked);
    directory.says(json!({ "oid": "44444444-4444-4444-8444-444444444444", "name": "Vera" }));
    victim.back(&[("code", &code), ("state", asked.get("state"))]).await;
    assert_eq!(victim.who().await.display_name, "Vera");
    assert_ne!(victim.cookie(), attacker.cookie());
    let answer = attacker.call().await;
    answer.refused(tonic::Code::Unauthenticated, "NOT_SIGNED_IN");
}
