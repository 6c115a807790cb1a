//! RFC 8414, OpenID Connect Discovery 1.0, RFC 7517.

use serde_json::json;
use turnpike_domain::authorization_server::AuthorizationServer as _;
use turnpike_issuer_embedded::Algorithm;

use crate::world::{BASE, World, part};

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OIDC: &str = "/.well-known/openid-configuration";
const JWKS: &str = "/.well-known/jwks.json";

#[tokio::test(flavor = "multi_thread")]
async fn the_oauth_document_names_what_works() {
    let world = World::new().await;
    let reply = world.get(OAUTH).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["content-type"], "application/json");
    assert!(reply.headers["cache-control"].to_str().unwrap().starts_with("public, max-age="));
    let methods = json!(["client_secret_basic", "client_secret_post"]);
    let expected = json!({
        "issuer": "https://issuer.example.com",
        "token_endpoint": format!("{BASE}/oauth2/token"),
        "jwks_uri": "https://keys.example.com/jwks",
        "response_types_supported": ["none"],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint": format!("{BASE}/oauth2/revoke"),
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint": format!("{BASE}/oauth2/introspect"),
        "introspection_endpoint_auth_methods_supported": methods,
    });
    assert_eq!(reply.json(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openid_document_says_the_same_and_what_its_readers_need() {
    for (algorithm, name) in [(Algorithm::Rs256, "RS256"), (Algorithm::Es256, "ES256")] {
        let world = World::with("https://issuer.example.com", algorithm, 1).await;
        let mut openid = world.get(OIDC).await.json();
        let members = openid.as_object_mut().unwrap();
        assert_eq!(members.remove("subject_types_supported"), Some(json!(["public"])));
        let algorithms = members.remove("id_token_signing_alg_values_supported");
        assert_eq!(algorithms, Some(json!([name])));
        assert_eq!(openid, world.get(OAUTH).await.json());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuer_is_the_tokens_character_for_character() {
    for issuer in
        ["https://h", "https://h/", "http://127.0.0.1:8080", "https://H.example/a%2Fb/:c/*d"]
    {
        let world = World::with(issuer, Algorithm::Es256, 1).await;
        let path = issuer.splitn(4, '/').nth(3).map_or(String::new(), |path| format!("/{path}"));
        let path = path.trim_end_matches('/');
        let document = world.get(&format!("{OAUTH}{path}")).await.json();
        assert_eq!(document["issuer"], issuer);
        let secret = world.registered.client("c1", &["a/b"]).await;
        let token = world.token("c1", secret.expose(), "").await.token();
        assert_eq!(part(&token, 1)["iss"], issuer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_path_one_document_inserts_and_the_other_appends() {
    for issuer in ["https://h/tenant/a", "https://h/tenant/a/"] {
        let world = World::with(issuer, Algorithm::Es256, 1).await;
        let oauth = world.get("/.well-known/oauth-authorization-server/tenant/a").await;
        assert_eq!(oauth.json()["issuer"], issuer);
        let openid = world.get("/tenant/a/.well-known/openid-configuration").await;
        assert_eq!(openid.json()["issuer"], issuer);
        // The documents of another issuer, `https://h`, are not ours to give.
        assert_eq!(world.get(OAUTH).await.status, 404);
        assert_eq!(world.get(OIDC).await.status, 404);
        assert_eq!(world.get(JWKS).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_document_has_an_empty_list_or_lists_scopes() {
    let world = World::new().await;
    world.registered.client("c1", &["secret-project/x"]).await;
    for path in [OAUTH, OIDC] {
        let document = world.get(path).await;
        for (name, value) in document.json().as_object().unwrap() {
            assert_ne!(value, &json!([]), "{name}");
        }
        assert!(!document.text.contains("secret-project"));
        assert!(document.json().get("scopes_supported").is_none());
        assert!(document.json().get("authorization_endpoint").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_that_is_named_answers() {
    let world = World::new().await;
    let document = world.get(OAUTH).await.json();
    for name in ["token_endpoint", "revocation_endpoint"] {
        let url = document[name].as_str().unwrap();
        let path = url.strip_prefix(BASE).unwrap();
        world
            .post(path, None, "grant_type=client_credentials")
            .await
            .is_error(401, "invalid_client");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_set_is_the_issuers() {
    let world = World::with("https://issuer.example.com", Algorithm::Rs256, 1).await;
    let reply = world.get(JWKS).await;
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(reply.headers["cache-control"], "public, max-age=900");
    assert_eq!(reply.text, *world.issuer.keys().await.unwrap().jwks);
    let secret = world.registered.client("c1", &["a/b"]).await;
    let token = world.token("c1", secret.expose(), "").await.token();
    assert_eq!(part(&token, 0)["kid"], reply.json()["keys"][0]["kid"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_read_with_get_and_head_only() {
    let world = World::new().await;
    for path in [OAUTH, OIDC, JWKS] {
        let reply = world.post(path, None, "").await;
        assert_eq!(reply.status, 405);
        assert_eq!(reply.headers["allow"], "GET,HEAD");
        let head = http::Request::head(path).body(axum::body::Body::empty()).unwrap();
        let reply = world.send(head).await;
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_publishes_its_own_issuer_and_says_whose_the_tokens_are() {
    let world = World::brokered(turnpike_tokens::BrokerSettings::default()).await;
    let document = world.get(OAUTH).await.json();
    // RFC 8414 section 3.3: what the document's URL is made from. Cognito's would be a lie.
    assert_eq!(document["issuer"], BASE);
    assert_eq!(document["token_endpoint"], format!("{BASE}/oauth2/token"));
    assert_eq!(document["jwks_uri"], "https://keys.example.com/jwks");
    let openid = world.get(OIDC).await.json();
    assert_eq!(openid["issuer"], BASE);
    // For whoever verifies: the `iss` of the tokens, and the keys, which are served here too.
    let secret = world.registered.client("c1", &["a/b"]).await;
    let token = world.token("c1", secret.expose(), "").await.token();
    for document in [document, openid] {
        assert_eq!(document["access_token_issuer"], part(&token, 1)["iss"]);
        assert_eq!(document["access_token_issuer"], "https://issuer.example.com");
    }
    assert_eq!(world.get(JWKS).await.text, &*world.issuer.keys().await.unwrap().jwks);
}
