//! The fake refuses what the real service refuses, and surprises as it does.
#![expect(clippy::unwrap_used, reason = "helpers of tests stop where the set-up fails")]

use std::sync::Arc;

use serde_json::{Value, json};
use turnpike_domain::Timestamp;
use turnpike_domain::ports::Clock;
use turnpike_fake_cognito::{ApiError, FakeCognito, Quotas, Settings};

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }
}

const POOL: &str = "eu-central-1_Fake00001";
const SECRET: &str = "tp_0123456789abcdefghijklmnopqrstuvwxyzABC";

async fn fake() -> FakeCognito {
    FakeCognito::start(Settings::new(Arc::new(Noon))).await.unwrap()
}

/// `base` with `change` over it; `null` takes a member away.
fn with(mut base: Value, change: Value) -> Value {
    for (member, value) in change.as_object().unwrap() {
        base[member] = value.clone();
    }
    base
}

fn server() -> Value {
    json!({
        "UserPoolId": POOL,
        "Identifier": "orders",
        "Name": "Orders",
        "Scopes": [
            { "ScopeName": "read", "ScopeDescription": "Read" },
            { "ScopeName": "write", "ScopeDescription": "Write" },
        ],
    })
}

fn client() -> Value {
    json!({
        "UserPoolId": POOL,
        "ClientName": "shop",
        "ClientSecret": SECRET,
        "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": ["orders/read", "orders/write"],
    })
}

fn code(answer: Result<Value, ApiError>) -> String {
    answer.map_or_else(|error| error.code.into_owned(), |_| "ok".to_owned())
}

async fn with_server() -> FakeCognito {
    let fake = fake().await;
    fake.call("CreateResourceServer", server()).unwrap();
    fake
}

fn created(fake: &FakeCognito) -> String {
    let created = fake.call("CreateUserPoolClient", client()).unwrap();
    created["UserPoolClient"]["ClientId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn resource_servers_keep_every_rule() {
    let fake = fake().await;
    let parameter = "InvalidParameterException";
    let scopes = |count: usize| -> Vec<Value> {
        let scope = |n| json!({ "ScopeName": format!("s{n}"), "ScopeDescription": "d" });
        (0..count).map(scope).collect()
    };
    for (change, expected) in [
        (json!({ "Identifier": "with space" }), parameter),
        (json!({ "Identifier": "quote\"" }), parameter),
        (json!({ "Identifier": "back\\slash" }), parameter),
        (json!({ "Identifier": "i".repeat(257) }), parameter),
        (json!({ "Identifier": "" }), parameter),
        (json!({ "Identifier": null }), parameter),
        (json!({ "Name": null }), parameter),
        (json!({ "Name": "a/b" }), parameter),
        (json!({ "Name": "é" }), parameter),
        (json!({ "Name": "n".repeat(257) }), parameter),
        (json!({ "Scopes": [{ "ScopeName": "a/b", "ScopeDescription": "d" }] }), parameter),
        (json!({ "Scopes": [{ "ScopeName": "a" }] }), parameter),
        (json!({ "Scopes": [{ "ScopeName": "a", "ScopeDescription": "" }] }), parameter),
        (json!({ "Scopes": scopes(101) }), parameter),
        (json!({ "Scopes": [scopes(1)[0], scopes(1)[0]] }), parameter),
        (json!({ "Scopes": "read" }), "SerializationException"),
        (json!({ "Scope": [] }), "SerializationException"),
        (json!({ "UserPoolId": "nonsense" }), parameter),
        (json!({ "UserPoolId": "eu-central-1_Other" }), "ResourceNotFoundException"),
        (json!({ "Identifier": "https://a/b#c!~[]", "Scopes": scopes(100) }), "ok"),
        (json!({ "Identifier": "i".repeat(256), "Scopes": null }), "ok"),
    ] {
        let answer = fake.call("CreateResourceServer", with(server(), change.clone()));
        assert_eq!(code(answer), expected, "{change}");
    }
}

#[tokio::test]
async fn a_resource_server_is_made_once_and_updated_whole() {
    let fake = with_server().await;
    let again = fake.call("CreateResourceServer", server()).unwrap_err();
    assert_eq!(again.message, format!("orders already exists in user pool {POOL}."));

    let update = json!({ "UserPoolId": POOL, "Identifier": "orders", "Name": "New" });
    fake.call("UpdateResourceServer", update).unwrap();
    let key = json!({ "UserPoolId": POOL, "Identifier": "orders" });
    let found = fake.call("DescribeResourceServer", key.clone()).unwrap();
    assert_eq!(found["ResourceServer"]["Scopes"], json!([]), "what is not sent is gone");

    fake.call("DeleteResourceServer", key.clone()).unwrap();
    for operation in ["DeleteResourceServer", "DescribeResourceServer"] {
        assert_eq!(code(fake.call(operation, key.clone())), "ResourceNotFoundException");
    }
}

#[tokio::test]
async fn clients_keep_every_rule() {
    let fake = with_server().await;
    let (parameter, flow) = ("InvalidParameterException", "InvalidOAuthFlowException");
    let no_oauth = json!({
        "AllowedOAuthFlowsUserPoolClient": null,
        "AllowedOAuthFlows": null,
        "AllowedOAuthScopes": null,
    });
    let validity = |value: i64, unit: &str| json!({ "AccessTokenValidity": value, "TokenValidityUnits": { "AccessToken": unit } });
    for (change, expected) in [
        (json!({}), "ok"),
        (json!({ "ClientName": "a/b" }), parameter),
        (json!({ "ClientName": "n".repeat(129) }), parameter),
        (json!({ "ClientName": null }), parameter),
        (json!({ "ClientSecret": "tooshort" }), parameter),
        (json!({ "ClientSecret": "s".repeat(65) }), parameter),
        (json!({ "ClientSecret": "tp-0123456789abcdefghijklmn" }), parameter),
        (json!({ "GenerateSecret": true }), parameter),
        (json!({ "GenerateSecret": true, "ClientSecret": null }), "ok"),
        (json!({ "ClientSecret": null }), flow),
        (json!({ "AllowedOAuthFlows": ["client_credentials", "code"] }), flow),
        (json!({ "AllowedOAuthScopes": ["orders/read", "openid"] }), flow),
        (json!({ "AllowedOAuthFlows": ["password"] }), parameter),
        (json!({ "AllowedOAuthFlows": [] }), parameter),
        (json!({ "AllowedOAuthScopes": [] }), parameter),
        (json!({ "AllowedOAuthFlowsUserPoolClient": false }), parameter),
        (json!({ "AllowedOAuthScopes": ["orders/delete"] }), "ScopeDoesNotExistException"),
        (json!({ "AllowedOAuthScopes": ["other/read"] }), "ScopeDoesNotExistException"),
        (json!({ "AllowedOAuthScopes": vec!["orders/read"; 51] }), parameter),
        (json!({ "AllowedOAuthScopes": ["s".repeat(257)] }), parameter),
        (validity(2, "minutes"), parameter),
        (validity(299, "seconds"), parameter),
        (validity(300, "seconds"), "ok"),
        (validity(25, "hours"), parameter),
        (validity(24, "hours"), "ok"),
        (json!({ "AccessTokenValidity": 300 }), parameter),
        (json!({ "RefreshTokenValidity": 1, "AccessTokenValidity": 24 }), parameter),
        (json!({ "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "USER_PASSWORD_AUTH"] }), parameter),
        (json!({ "AuthSessionValidity": 16 }), parameter),
        (json!({ "EnableTokenRevocation": "yes" }), "SerializationException"),
        (json!({ "Tags": {} }), "SerializationException"),
    ] {
        let answer = fake.call("CreateUserPoolClient", with(client(), change.clone()));
        assert_eq!(code(answer), expected, "{change}");
    }
    let public = with(with(client(), no_oauth), json!({ "ClientSecret": null }));
    assert_eq!(code(fake.call("CreateUserPoolClient", public)), "ok");
}

#[tokio::test]
async fn an_update_resets_whatever_it_does_not_send() {
    let fake = with_server().await;
    let id = created(&fake);
    let key = json!({ "UserPoolId": POOL, "ClientId": id });
    let found = fake.call("DescribeUserPoolClient", key.clone()).unwrap();
    assert_eq!(found["UserPoolClient"]["ClientSecret"], SECRET);
    assert_eq!(found["UserPoolClient"]["AllowedOAuthFlows"], json!(["client_credentials"]));
    assert_eq!(found["UserPoolClient"]["PreventUserExistenceErrors"], "LEGACY");

    let rename = with(key.clone(), json!({ "ClientName": "renamed" }));
    fake.call("UpdateUserPoolClient", rename).unwrap();
    let found = fake.call("DescribeUserPoolClient", key).unwrap();
    assert_eq!(found["UserPoolClient"].get("AllowedOAuthFlows"), None);
    assert_eq!(found["UserPoolClient"].get("AllowedOAuthScopes"), None);
    assert_eq!(found["UserPoolClient"]["ClientSecret"], SECRET, "the secret stays");
}

#[tokio::test]
async fn two_secrets_live_and_the_last_one_stays() {
    let fake = with_server().await;
    let id = created(&fake);
    let key = json!({ "UserPoolId": POOL, "ClientId": id });
    let secrets = || {
        let list = fake.call("ListUserPoolClientSecrets", key.clone()).unwrap();
        let list = list["ClientSecrets"].as_array().unwrap().clone();
        assert!(list.iter().all(|secret| secret.get("ClientSecretValue").is_none()));
        list.iter().map(|s| s["ClientSecretId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = secrets();
    assert!(first[0].starts_with(&format!("{id}--")), "{first:?}");

    let chosen = with(key.clone(), json!({ "ClientSecret": "x".repeat(24) }));
    let added = fake.call("AddUserPoolClientSecret", chosen.clone()).unwrap();
    assert_eq!(added["ClientSecretDescriptor"].get("ClientSecretValue"), None);
    assert_eq!(code(fake.call("AddUserPoolClientSecret", chosen)), "LimitExceededException");

    let remove = |secret: &str| {
        let input = with(key.clone(), json!({ "ClientSecretId": secret }));
        code(fake.call("DeleteUserPoolClientSecret", input))
    };
    assert_eq!(remove(&first[0]), "ok");
    assert_eq!(remove(&first[0]), "ResourceNotFoundException");
    assert_eq!(remove(&secrets()[0]), "InvalidParameterException");

    let made = fake.call("AddUserPoolClientSecret", key.clone()).unwrap();
    let made = made["ClientSecretDescriptor"]["ClientSecretValue"].as_str().unwrap().to_owned();
    assert_eq!(made.len(), 51, "a generated one is shown, once");
    assert_eq!(secrets().len(), 2);
}

#[tokio::test]
async fn pages_end_and_their_tokens_are_their_own() {
    let fake = with_server().await;
    for _ in 0..5 {
        created(&fake);
    }
    let list = |change: Value| {
        fake.call("ListUserPoolClients", with(json!({ "UserPoolId": POOL }), change))
    };
    let first = list(json!({ "MaxResults": 2 })).unwrap();
    let token = first["NextToken"].as_str().unwrap().to_owned();
    let second = list(json!({ "MaxResults": 3, "NextToken": token })).unwrap();
    assert_eq!(second["UserPoolClients"].as_array().unwrap().len(), 3);
    assert_eq!(second.get("NextToken"), None);
    assert_eq!(first["UserPoolClients"][0].as_object().unwrap().len(), 3, "ids and names only");

    for bad in [json!("2"), json!("Z2FyYmFnZQ=="), json!("with space")] {
        let answer = list(json!({ "NextToken": bad }));
        assert_eq!(code(answer), "InvalidParameterException", "{bad}");
    }
    assert_eq!(code(list(json!({ "MaxResults": 61 }))), "InvalidParameterException");
    let foreign = json!({ "UserPoolId": POOL, "NextToken": first["NextToken"] });
    assert_eq!(code(fake.call("ListResourceServers", foreign)), "InvalidParameterException");
}

#[tokio::test]
async fn quotas_and_protection_hold() {
    let fake = with_server().await;
    fake.set_quotas(Quotas { clients: 1, resource_servers: 1 });
    created(&fake);
    assert_eq!(code(fake.call("CreateUserPoolClient", client())), "LimitExceededException");
    let second = with(server(), json!({ "Identifier": "second" }));
    assert_eq!(code(fake.call("CreateResourceServer", second)), "LimitExceededException");

    let active = json!({ "PoolName": "p", "DeletionProtection": "ACTIVE" });
    let pool = fake.call("CreateUserPool", active).unwrap()["UserPool"]["Id"].clone();
    let key = json!({ "UserPoolId": pool });
    assert_eq!(code(fake.call("DeleteUserPool", key.clone())), "InvalidParameterException");
    let inactive = with(key.clone(), json!({ "DeletionProtection": "INACTIVE" }));
    fake.call("UpdateUserPool", inactive).unwrap();
    assert_eq!(code(fake.call("DeleteUserPool", key)), "ok");
}
