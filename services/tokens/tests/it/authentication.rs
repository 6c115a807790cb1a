//! How a client shows who it is: RFC 6749 sections 2.3.1 and 5.2.

use turnpike_domain::id::SecretId;

use crate::world::{GRANT, World, request};

const SCOPE: [&str; 1] = ["shop/order"];

#[tokio::test(flavor = "multi_thread")]
async fn basic_and_body_both_work() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    world.token("c1", secret.expose(), "").await.token();
    world.token("c1", secret.expose(), "&client_id=c1").await.token();
    let form = format!("{GRANT}&client_id=c1&client_secret={}", secret.expose());
    world.post("/oauth2/token", None, &form).await.token();
}

#[tokio::test(flavor = "multi_thread")]
async fn basic_is_form_decoded() {
    let world = World::new().await;
    let secret = world.registered.client("a+b", &SCOPE).await;
    world.token("a%2Bb", secret.expose(), "").await.token();
    let encoded: String = secret.expose().bytes().map(|b| format!("%{b:02X}")).collect();
    world.token("a%2bb", &encoded, "").await.token();
    // Not encoded, a plus is a space.
    world.token("a+b", secret.expose(), "").await.is_error(401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scheme_has_no_case() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let mut request = request("/oauth2/token", Some(("c1", secret.expose())), GRANT);
    let header = request.headers()["authorization"].to_str().unwrap().replacen("Basic", "bAsIc", 1);
    request.headers_mut().insert("authorization", header.parse().unwrap());
    world.send(request).await.token();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_by_header_is_401_with_the_scheme() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    for (id, wrong) in [
        ("c1", "wrong"),
        ("c1", ""),
        ("nobody", secret.expose()),
        ("_", secret.expose()),
        ("", secret.expose()),
        ("%00", secret.expose()),
        ("c1%0A", secret.expose()),
        ("no such id!", secret.expose()),
        ("C1", secret.expose()),
    ] {
        let reply = world.token(id, wrong, "").await;
        reply.is_error(401, "invalid_client");
        let challenge = reply.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.starts_with("Basic realm="), "{challenge}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_client_and_a_wrong_secret_are_one_answer() {
    let world = World::new().await;
    world.registered.client("c1", &SCOPE).await;
    let wrong = world.token("c1", "wrong", "").await;
    for id in ["nobody", "no such id!", "_"] {
        let unknown = world.token(id, "wrong", "").await;
        assert_eq!((unknown.status, &unknown.text), (wrong.status, &wrong.text));
        assert_eq!(unknown.headers, wrong.headers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_in_the_body_is_400() {
    let world = World::new().await;
    world.registered.client("c1", &SCOPE).await;
    for form in ["client_id=c1&client_secret=wrong", "client_id=nobody&client_secret=wrong"] {
        let reply = world.post("/oauth2/token", None, &format!("{GRANT}&{form}")).await;
        reply.is_error(400, "invalid_client");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_authentication_is_invalid_client() {
    let world = World::new().await;
    world.registered.client("c1", &SCOPE).await;
    for form in ["", "&client_id=c1", "&client_id=c1&client_secret="] {
        let reply = world.post("/oauth2/token", None, &format!("{GRANT}{form}")).await;
        reply.is_error(401, "invalid_client");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_kind_of_authentication_is_invalid_client() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    for header in [
        "Bearer abc".to_owned(),
        "Digest username=c1".to_owned(),
        "Basic".to_owned(),
        "Basic !!!".to_owned(),
        format!("Basic {}", secret.expose()),
    ] {
        let mut request = request("/oauth2/token", None, GRANT);
        request.headers_mut().insert("authorization", header.parse().unwrap());
        world.send(request).await.is_error(401, "invalid_client");
    }
    let form = format!("{GRANT}&client_id=c1&client_assertion_type=x&client_assertion=y");
    world.post("/oauth2/token", None, &form).await.is_error(401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_authentications_at_once_are_invalid_request() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    for form in [
        format!("&client_id=c1&client_secret={}", secret.expose()),
        format!("&client_secret={}", secret.expose()),
        "&client_id=other".to_owned(),
        "&client_assertion=y".to_owned(),
    ] {
        world.token("c1", secret.expose(), &form).await.is_error(400, "invalid_request");
    }
    let mut twice = request("/oauth2/token", Some(("c1", secret.expose())), GRANT);
    let header = twice.headers()["authorization"].clone();
    twice.headers_mut().append("authorization", header);
    world.send(twice).await.is_error(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_must_not_stand_in_the_url() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    let path = format!("/oauth2/token?client_id=c1&client_secret={}", secret.expose());
    world.post(&path, None, GRANT).await.is_error(400, "invalid_request");
    let path = format!("/oauth2/token?{GRANT}");
    world.post(&path, Some(("c1", secret.expose())), "").await.is_error(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_client_is_told_so_and_only_it() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    world.registered.change_client("c1", |client| client.enabled = false).await;
    let reply = world.token("c1", secret.expose(), "").await;
    reply.is_error(401, "invalid_client");
    assert!(reply.text.contains("disabled"));
    let stranger = world.token("c1", "wrong", "").await;
    stranger.is_error(401, "invalid_client");
    assert!(!stranger.text.contains("disabled"));
    world.registered.change_client("c1", |client| client.enabled = true).await;
    world.token("c1", secret.expose(), "").await.token();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_client_is_unknown() {
    let world = World::new().await;
    let secret = world.registered.client("c1", &SCOPE).await;
    world.registered.delete_client("c1").await;
    world.token("c1", secret.expose(), "").await.is_error(401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_live_and_a_removed_one_does_not() {
    let world = World::new().await;
    let first = world.registered.client("c1", &SCOPE).await;
    let (entry, second) = {
        let now = world.registry.now();
        let mut secrets = turnpike_domain::secret::Secrets::default();
        secrets.add(world.registry.entropy(), now, "c1").unwrap()
    };
    let add = entry.clone();
    world
        .registered
        .change_client("c1", |client| {
            let mut entries = client.secrets.list().to_vec();
            entries.push(add.clone());
            client.secrets = turnpike_domain::secret::Secrets::from_entries(entries);
        })
        .await;
    world.token("c1", first.expose(), "").await.token();
    world.token("c1", second.expose(), "").await.token();
    let id = SecretId::parse(entry.secret_id.as_str()).unwrap();
    world.registered.change_client("c1", |client| drop(client.secrets.remove(&id))).await;
    world.token("c1", first.expose(), "").await.token();
    world.token("c1", second.expose(), "").await.is_error(401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_servers_secret_is_no_clients() {
    let world = World::new().await;
    let secret = world.registered.resource_server("shop", &["order"]).await;
    world.token("shop", secret.expose(), "").await.is_error(401, "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_repeats_what_was_sent() {
    let world = World::new().await;
    let mark = "tp_mark";
    for (id, form) in [
        (mark, GRANT.to_owned()),
        ("c1", format!("{GRANT}&scope={mark}")),
        ("c1", format!("grant_type={mark}")),
        ("c1", format!("{GRANT}&{mark}=1&{mark}=2")),
    ] {
        let reply = world.post("/oauth2/token", Some((id, mark)), &form).await;
        assert!(reply.status.is_client_error() && !reply.text.contains(mark), "{}", reply.text);
        let mut headers = reply.headers.values();
        assert!(headers.all(|value| !value.to_str().unwrap().contains(mark)));
    }
}
