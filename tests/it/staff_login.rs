//! Staff login by a real OpenID provider: each kind of person, what they may do, and answers that are not what they seem.
//! What an honest provider cannot send is in `gateway/tests/it/oidc.rs`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::process::Command;
use tonic::Code;
use turnpike_proto::v1 as pb;
use turnpike_tests::{Answer, Browser, Caller, Directory, Plane, TENANT, join};

use crate::authz::{TEAMS, World, probe, rpcs, world_of};

/// The group that is the team `orders`.
const ORDERS: &str = "aaaaaaaa-0000-4000-8000-000000000001";

/// The people of the directory, with what it says of each.
fn people() -> Value {
    let person = |n: u8, name: &str, more: Value| {
        let mut claims = json!({
            "oid": format!("00000000-0000-4000-8000-0000000000{n:02}"), "tid": TENANT, "ver": "2.0", "name": name,
        });
        let Value::Object(more) = more else { panic!("{more}") };
        claims.as_object_mut().unwrap().extend(more);
        claims
    };
    let overage = json!({
        "_claim_names": { "groups": "src1" },
        "_claim_sources": { "src1": { "endpoint": "https://graph.windows.net/gone" } },
    });
    json!({
        "ada": person(1, "Ada Admin", json!({ "roles": ["Turnpike.Admin", "Team.Platform"] })),
        "aino": person(2, "Aino Auditor", json!({ "roles": ["Turnpike.Auditor"] })),
        "olga": person(3, "Olga Orders", json!({ "groups": [ORDERS] })),
        "otto": person(4, "Otto Overage", overage),
        "pavel": person(5, "Pavel Partners", json!({ "roles": ["Team.Partners"], "groups": [] })),
        "stan": person(6, "Stan Stranger", json!({ "roles": ["Team.Strangers"] })),
        "nora": person(7, "Nora Nowhere", json!({})),
        "gina": person(8, "Gina Guest", json!({ "tid": "99999999-9999-4999-8999-999999999999" })),
    })
}

/// A plane whose people sign in at a directory, and whose admin has mapped the teams.
async fn start() -> (Directory, Plane) {
    let mut directory = Directory::start().await;
    let plane = Plane::start_with(&format!("{TEAMS}{}", directory.config())).await;
    directory.serve(&plane, &people()).await;
    let ada = caller(&plane, "ada").await;
    for (team, groups, roles) in [
        ("orders", vec![ORDERS], vec![]),
        ("partners", vec![], vec!["Team.Partners"]),
        ("platform", vec![], vec!["Team.Platform"]),
        ("strangers", vec![], vec!["Team.Strangers"]),
    ] {
        let get = pb::GetTeamRequest { team: team.to_owned() };
        let found = ada.teams().get_team(get).await.unwrap().into_inner().team.unwrap();
        let text = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
        let team = pb::Team { directory_groups: text(groups), app_roles: text(roles), ..found };
        let update = pb::UpdateTeamRequest { team: Some(team), ..Default::default() };
        ada.teams().update_team(update).await.unwrap();
    }
    // A gateway knows it within seconds.
    let ada = caller(&plane, "ada").await;
    while !who(&ada).await.teams.iter().any(|team| team.member) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (directory, plane)
}

/// A browser in which a person has signed in.
async fn browser(plane: &Plane, person: &str) -> Browser {
    let mut browser = Browser::default();
    let page = browser.sign_in(plane.url(), person).await;
    assert_eq!(
        (page.url.as_str(), page.answer.status),
        (&*format!("{}/", plane.url()), StatusCode::OK)
    );
    browser
}

async fn caller(plane: &Plane, person: &str) -> Caller {
    let session = browser(plane, person).await.session(plane.url()).unwrap();
    Caller::with_session(plane.url(), &session).await
}

async fn who(caller: &Caller) -> pb::GetSessionResponse {
    caller.sessions().get_session(pb::GetSessionRequest {}).await.unwrap().into_inner()
}

#[tokio::test]
async fn each_kind_of_person_signs_in_and_is_who_they_are() {
    let (_directory, plane) = start().await;
    let (admin, auditor) = (pb::Role::PlatformAdmin, pb::Role::Auditor);
    for (person, n, team, role, known) in [
        ("olga", 3, Some("orders"), None, true),
        ("pavel", 5, Some("partners"), None, true),
        ("stan", 6, Some("strangers"), None, true),
        ("nora", 7, None, None, true),
        ("otto", 4, None, None, false),
        ("aino", 2, None, Some(auditor), true),
        ("ada", 1, Some("platform"), Some(admin), true),
    ] {
        let session = who(&caller(&plane, person).await).await;
        let principal = session.principal.clone().unwrap();
        assert_eq!(principal.id, format!("{TENANT}/00000000-0000-4000-8000-0000000000{n:02}"));
        let mine = session.teams.iter().filter(|team| team.member).map(|team| team.team.as_str());
        assert_eq!(mine.collect::<Vec<_>>(), team.into_iter().collect::<Vec<_>>(), "{person}");
        assert_eq!(
            session.roles().collect::<Vec<_>>(),
            role.into_iter().collect::<Vec<_>>(),
            "{person}"
        );
        assert_eq!(session.teams_known, known, "{person}");
    }
}

#[tokio::test]
async fn sessions_of_the_directory_get_what_the_matrix_says() {
    let (_directory, plane) = start().await;
    let mut people = BTreeMap::new();
    for person in ["ada", "aino", "olga", "pavel", "stan"] {
        people.insert(person, caller(&plane, person).await);
    }
    let world = world_of(plane, people).await;
    probe(&world).await;
    // Who has no team and whose teams are unknown may do what a stranger may; a session that has ended opens nothing.
    for (person, like) in [("nora", "stranger"), ("otto", "stranger")] {
        same(&world, &caller(&world.plane, person).await, like).await;
    }
    let browser = browser(&world.plane, "ada").await;
    let session = browser.session(world.plane.url()).unwrap();
    let ended = Caller::with_session(world.plane.url(), &session).await;
    who(&ended).await;
    session.close(&world.plane.http()).await;
    same(&world, &ended, "nobody").await;
}

/// Whether a caller gets from each RPC what a kind of caller gets.
async fn same(world: &World, caller: &Caller, kind: &str) {
    let code =
        |outcome: Result<Vec<u8>, tonic::Status>| outcome.map_or_else(|s| s.code(), |_| Code::Ok);
    for rpc in rpcs() {
        let path = format!("/turnpike.v1.{rpc}");
        let theirs = code(caller.call(&path, world.request(&rpc, true)).await);
        let expected = code(world.callers[kind].call(&path, world.request(&rpc, true)).await);
        assert_eq!(theirs, expected, "{rpc} as {kind}");
    }
}

/// The page that says why nobody was signed in.
fn refused(answer: &Answer, browser: &Browser, plane: &Plane, label: &str) {
    assert!(answer.status.is_client_error(), "{answer:?}");
    assert!(answer.text().contains(&format!("<code>{label}</code>")), "{}", answer.text());
    assert!(browser.session(plane.url()).is_none());
}

#[tokio::test]
async fn answers_that_are_not_what_they_seem_sign_nobody_in() {
    let (directory, plane) = start().await;
    let login = format!("{}/login", plane.url());
    // To the point where the browser is about to come back; the directory asks it once who it is.
    let on_the_way_back = async |browser: &mut Browser, person: &str| {
        let mut at = login.clone();
        loop {
            let mut answer = browser.step(Method::GET, &at, "").await;
            if answer.status.is_success() {
                answer = browser.step(Method::POST, &at, &format!("login={person}")).await;
            }
            at = join(&at, answer.header("location"));
            if at.contains("/login/callback?") {
                return at;
            }
        }
    };
    let get = async |browser: &mut Browser, url: &str| browser.step(Method::GET, url, "").await;

    // Somebody else's answer, in a browser that did not ask: it would be signed in as them.
    let (mut attacker, mut victim) = (Browser::default(), Browser::default());
    let theirs = on_the_way_back(&mut attacker, "stan").await;
    refused(&get(&mut victim, &theirs).await, &victim, &plane, "ATTEMPT_UNKNOWN");
    victim.go(&login).await;
    refused(&get(&mut victim, &theirs).await, &victim, &plane, "ATTEMPT_UNKNOWN");

    // Its code under a state that is the victim's own: bound to the attacker's verifier.
    let mine = on_the_way_back(&mut victim, "olga").await;
    let code = |url: &str| url.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let injected = mine.replace(&code(&mine), &code(&theirs));
    refused(&get(&mut victim, &injected).await, &victim, &plane, "CODE_REFUSED");

    // Another issuer's name.
    let mine = on_the_way_back(&mut victim, "olga").await;
    let issuer = form_urlencoded::byte_serialize(directory.issuer().as_bytes()).collect::<String>();
    assert!(mine.contains(&issuer), "the directory says who it is: {mine}");
    let mixed_up = mine.replace(&issuer, "https%3A%2F%2Fevil.example");
    refused(&get(&mut victim, &mixed_up).await, &victim, &plane, "MIXED_UP");

    // The whole answer a second time, by somebody who read cookie and address; and its code in a new attempt.
    let mine = on_the_way_back(&mut victim, "olga").await;
    let mut thief = victim.clone();
    assert_eq!(get(&mut victim, &mine).await.status, StatusCode::SEE_OTHER);
    assert!(victim.session(plane.url()).is_some());
    refused(&get(&mut thief, &mine).await, &thief, &plane, "ATTEMPT_USED");
    let again = on_the_way_back(&mut thief, "olga").await;
    let replayed = again.replace(&code(&again), &code(&mine));
    refused(&get(&mut thief, &replayed).await, &thief, &plane, "CODE_REFUSED");

    // An account of another tenant, and a person who changes their mind.
    let mut guest = Browser::default();
    let page = guest.sign_in(plane.url(), "gina").await;
    refused(&page.answer, &guest, &plane, "ID_TOKEN_REFUSED TENANT");
    let mut nobody = Browser::default();
    let page = nobody.go(&login).await;
    let page = nobody.submit(&page.url, &[("cancel", "yes")]).await;
    refused(&page.answer, &nobody, &plane, "REFUSED_BY_DIRECTORY AADSTS65004");
}

#[tokio::test]
async fn nobody_is_led_elsewhere_after_signing_in() {
    let (_directory, plane) = start().await;
    for (wanted, reached) in [
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/clients?q=a", "/clients?q=a"),
    ] {
        let mut browser = Browser::default();
        let wanted = form_urlencoded::byte_serialize(wanted.as_bytes()).collect::<String>();
        let page = browser.go(&format!("{}/login?return_to={wanted}", plane.url())).await;
        let page = browser.submit(&page.url, &[("login", "olga")]).await;
        assert_eq!(page.url, format!("{}{reached}", plane.url()));
        assert_eq!(page.answer.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn another_site_signs_nobody_out_or_in() {
    let (_directory, plane) = start().await;
    let session = browser(&plane, "olga").await.session(plane.url()).unwrap();
    let foreign = [
        ("cookie", session.cookie.as_str()),
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    for path in ["/logout", "/login"] {
        let answer = plane.http().send(Method::POST, path, &foreign, "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    who(&Caller::with_session(plane.url(), &session).await).await;
    // A login in a browser that had a session replaces it: its copies are worth nothing.
    let mut browser = Browser::default();
    browser.sign_in(plane.url(), "olga").await;
    let before = browser.session(plane.url()).unwrap();
    browser.cookies.retain(|name, _| !name.starts_with("_"));
    let (name, value) = before.cookie.split_once('=').unwrap();
    let page = browser.go(&format!("{}/login", plane.url())).await;
    browser.cookies.insert(name.to_owned(), value.to_owned());
    browser.submit(&page.url, &[("login", "stan")]).await;
    let after = browser.session(plane.url()).unwrap();
    assert_ne!(after.cookie, before.cookie);
    let old = Caller::with_session(plane.url(), &before).await;
    let old = old.sessions().get_session(pb::GetSessionRequest {}).await.unwrap_err();
    assert_eq!(old.code(), Code::Unauthenticated);
}

/// A private key as a file in PEM, and its public half as a JWK.
async fn new_key(kind: &str, options: &str, file: &Path) -> Value {
    let script = format!(
        "const {{ generateKeyPairSync }} = require('node:crypto');
        const {{ privateKey, publicKey }} = generateKeyPairSync('{kind}', {options});
        console.log(JSON.stringify({{
            pem: privateKey.export({{ format: 'pem', type: 'pkcs8' }}),
            jwk: publicKey.export({{ format: 'jwk' }}),
        }}));"
    );
    let output = Command::new("node").args(["--eval", &script]).output().await.unwrap();
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    tokio::fs::write(file, made["pem"].as_str().unwrap()).await.unwrap();
    made["jwk"].clone()
}

#[tokio::test]
async fn turnpike_shows_who_it_is_by_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    for (kind, options, algorithm) in
        [("rsa", "{ modulusLength: 2048 }", "PS256"), ("ec", "{ namedCurve: 'P-256' }", "ES256")]
    {
        let mut jwk = new_key(kind, options, &file).await;
        jwk["kid"] = json!("of-turnpike");
        let mut directory = Directory::start().await;
        let config = directory.config_with(&format!(
            "client_auth = \"private_key_jwt\"\nclient_key_file = \"{}\"\nclient_key_id = \"of-turnpike\"\n",
            file.display()
        ));
        let plane = Plane::start_with(&format!("{TEAMS}{config}")).await;
        let registration = json!({
            "jwks": { "keys": [jwk] },
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": algorithm,
        });
        directory.serve_with(&plane, &people(), registration).await;
        browser(&plane, "olga").await;
    }
}

#[tokio::test]
async fn any_other_provider_will_do() {
    let mut directory = Directory::start().await;
    let config = directory.config_with(&format!(
        "profile = \"generic\"\nclient_auth = \"client_secret_basic\"\nclient_secret = \"{}\"\n\
         roles_claim = \"memberOf\"\nadmin_roles = [\"admins\"]\n",
        directory.secret()
    ));
    let plane = Plane::start_with(&format!("{TEAMS}{config}")).await;
    let registration = json!({
        "client_secret": directory.secret(), "token_endpoint_auth_method": "client_secret_basic",
    });
    let people = json!({ "ada@example": { "name": "Ada", "memberOf": ["admins"] } });
    directory.serve_with(&plane, &people, registration).await;
    let session = who(&caller(&plane, "ada@example").await).await;
    assert_eq!(
        session.principal.clone().unwrap().id,
        format!("{}#ada@example", directory.issuer())
    );
    assert_eq!(session.roles().collect::<Vec<_>>(), [pb::Role::PlatformAdmin]);
}

#[tokio::test]
async fn staff_login_is_played_in_a_browser() {
    let (_directory, plane) = start().await;
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/ui");
    let output = Command::new("npx")
        .args(["playwright", "test", "--config", "e2e/playwright.directory.config.ts"])
        .current_dir(&ui)
        .env("TURNPIKE_BASE_URL", plane.url())
        .output()
        .await
        .expect("npx does not run: use `make test-e2e`");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
}
