//! Unchanged clients of others: npm `openid-client` and `aws-jwt-verify`, PyPI Authlib.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;
use turnpike_sdk::test_util::Issuer;
use turnpike_tests::Plane;

use crate::support::{client, grant, orders_api};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

async fn run(program: &Path, script: &str, environment: &[(&str, &str)]) -> Value {
    let output = Command::new(program)
        .arg(folder().join(script))
        .envs(environment.iter().copied())
        .output()
        .await
        .unwrap_or_else(|e| {
            panic!("{} does not run ({e}): use `make test-e2e`", program.display())
        });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn node(script: &str, environment: &[(&str, &str)]) -> Value {
    run(Path::new("node"), script, environment).await
}

async fn python(script: &str, environment: &[(&str, &str)]) -> Value {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv/bin/python");
    run(&python, script, environment).await
}

#[tokio::test]
async fn openid_client_gets_a_token_that_aws_jwt_verify_accepts() {
    let plane = Plane::start().await;
    let (olga, pavel) = (plane.caller("olga").await, plane.caller("pavel").await);
    orders_api(&olga).await;
    let (shop, secret) = client(&pavel, "Partner shop").await;
    grant(&pavel, &olga, &shop, &["place-order", "list-orders"]).await;

    let (issuer, jwks) = (plane.token_issuer().await, plane.jwks_uri().await);
    for authentication in ["basic", "post"] {
        let answer = node(
            "get-token.mjs",
            &[
                ("ISSUER", plane.url()),
                ("CLIENT_ID", &shop.client_id),
                ("CLIENT_SECRET", &secret),
                ("SCOPE", "lj-health-food/place-order"),
                ("AUTH", authentication),
            ],
        )
        .await;
        assert_eq!(answer["scope"], "lj-health-food/place-order");
        let token = answer["access_token"].as_str().unwrap();

        let verify = [("ISSUER", issuer.as_str()), ("JWKS_URI", &jwks), ("TOKEN", token)];
        let verdict = node("verify-token.mjs", &verify).await;
        assert_eq!(verdict["accepted"]["client_id"], shop.client_id.as_str());
        assert_eq!(verdict["accepted"]["version"], 2);
    }

    // A token of the same shape and issuer, signed by someone else.
    let foreign = Issuer::rs256(&issuer).token(&shop.client_id, "lj-health-food/place-order");
    let verify = [("ISSUER", issuer.as_str()), ("JWKS_URI", &jwks), ("TOKEN", &foreign)];
    let verdict = node("verify-token.mjs", &verify).await;
    assert!(verdict["refused"].is_string(), "{verdict}");
}

#[tokio::test]
async fn authlib_introspects_and_revokes() {
    let plane = Plane::start().await;
    let (olga, pavel) = (plane.caller("olga").await, plane.caller("pavel").await);
    let (api, api_secret) = orders_api(&olga).await;
    let (shop, secret) = client(&pavel, "Partner shop").await;
    grant(&pavel, &olga, &shop, &["place-order"]).await;
    let token = plane.http().token(&shop.client_id, &secret, "").await.access_token();

    let answer = python(
        "introspect_revoke.py",
        &[
            ("BASE_URL", plane.url()),
            ("TOKEN", &token),
            ("API_ID", &api.identifier),
            ("API_SECRET", &api_secret),
            ("CLIENT_ID", &shop.client_id),
            ("CLIENT_SECRET", &secret),
            ("LAG", &plane.lag().as_secs().to_string()),
        ],
    )
    .await;
    assert_eq!(answer["before"]["active"], true);
    assert_eq!(answer["before"]["scope"], "lj-health-food/place-order");
    assert_eq!(answer["revoked"], 200);
    assert_eq!(answer["after"], serde_json::json!({"active": false}));
}
