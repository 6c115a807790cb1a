//! What goes wrong on the way, and what it means to the registry.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};
use turnpike_domain::authorization_server::pool::{
    Error, Pool, PoolClient, PoolResourceServer, SecretName,
};
use turnpike_domain::id::ClientId;
use turnpike_domain::secret::SecretValue;
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{Identifier, Scope};
use turnpike_fake_cognito::{Fault, FaultKind, Quotas};
use turnpike_testkit::clock::SeededEntropy;

use crate::world::{World, open};

const EVER: u32 = 10_000;

/// What is answered after it was done, or instead of it, without a word about which.
const LOST: &[(FaultKind, bool)] = &[
    (FaultKind::ErrorAfter, true),
    (FaultKind::HangAfter, true),
    (FaultKind::ResetAfter, true),
    (FaultKind::Garbage, false),
    (FaultKind::HangBefore, false),
    (FaultKind::InternalError, false),
    (FaultKind::ResetBefore, false),
    (FaultKind::Unavailable, false),
];

fn server() -> PoolResourceServer {
    PoolResourceServer {
        identifier: Identifier::parse("orders").unwrap(),
        name: "Orders".to_owned(),
        scopes: vec![("read".to_owned(), "Read".to_owned())],
    }
}

fn client() -> PoolClient {
    PoolClient {
        name: "shop tp-1".to_owned(),
        token_lifetime: TokenLifetime::DEFAULT,
        scopes: vec![Scope::parse("orders/read").unwrap()],
    }
}

fn secret(seed: u64) -> SecretValue {
    SecretValue::generate(&SeededEntropy::new(seed))
}

/// A pool with the resource server and a client of it.
async fn furnished(world: &World) -> (ClientId, SecretName) {
    let cognito = world.cognito();
    cognito.put_resource_server(&server()).await.unwrap();
    let made = cognito.create_client(&client(), &secret(1)).await.unwrap();
    world.fake.forget_calls();
    (made.client_id, made.secret.unwrap())
}

/// How often each operation was called.
fn calls(world: &World) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for call in world.fake.calls() {
        *calls.entry(call.operation).or_default() += 1;
    }
    calls
}

fn clients_there(world: &World) -> usize {
    let pool = json!({ "UserPoolId": world.fake.pool_id() });
    let listed = world.fake.call("ListUserPoolClients", pool).unwrap();
    listed["UserPoolClients"].as_array().unwrap().len()
}

fn refuse(code: &str, message: &str) -> FaultKind {
    FaultKind::Refuse { status: 400, code: code.to_owned(), message: message.to_owned() }
}

#[tokio::test]
async fn a_create_without_an_answer_is_unknown_and_never_sent_again() {
    for (kind, done) in LOST {
        let world = World::new().await;
        let cognito = world.impatient();
        world.cognito().put_resource_server(&server()).await.unwrap();
        world.fake.forget_calls();
        world.fake.inject(Fault::once("CreateUserPoolClient", kind.clone()));
        let answer = cognito.create_client(&client(), &secret(1)).await;
        assert!(matches!(answer, Err(Error::Unknown(_))), "{kind:?}: {answer:?}");
        assert_eq!(calls(&world), BTreeMap::from([("CreateUserPoolClient".to_owned(), 1)]));
        assert_eq!(clients_there(&world), usize::from(*done), "{kind:?}");
    }
}

#[tokio::test]
async fn a_secret_without_an_answer_is_unknown_and_never_sent_again() {
    for (kind, done) in LOST {
        let world = World::new().await;
        let cognito = world.impatient();
        let (id, _) = furnished(&world).await;
        world.fake.inject(Fault::once("AddUserPoolClientSecret", kind.clone()));
        let answer = cognito.add_secret(&id, &secret(2)).await;
        assert!(matches!(answer, Err(Error::Unknown(_))), "{kind:?}: {answer:?}");
        assert_eq!(calls(&world), BTreeMap::from([("AddUserPoolClientSecret".to_owned(), 1)]));
        assert_eq!(cognito.secrets(&id).await.unwrap().len(), 1 + usize::from(*done), "{kind:?}");
    }
}

#[tokio::test]
async fn what_can_be_told_twice_is_told_until_it_is_answered() {
    for (kind, _) in LOST {
        let world = World::new().await;
        let cognito = world.impatient();
        let (id, first) = furnished(&world).await;
        cognito.add_secret(&id, &secret(2)).await.unwrap();
        let once = |operation: &str| world.fake.inject(Fault::once(operation, kind.clone()));

        once("UpdateUserPoolClient");
        cognito.put_client(&id, &client()).await.unwrap();
        once("DeleteUserPoolClientSecret");
        assert!(cognito.remove_secret(&id, &first).await.unwrap(), "{kind:?}");
        once("UpdateResourceServer");
        cognito.put_resource_server(&server()).await.unwrap();
        once("DescribeUserPoolClient");
        assert!(cognito.client(&id).await.unwrap().is_some());
        once("ListUserPoolClients");
        assert_eq!(cognito.clients(None).await.unwrap().items.len(), 1);
        once("DeleteUserPoolClient");
        cognito.delete_client(&id).await.unwrap();
        once("DeleteResourceServer");
        cognito.delete_resource_server(&server().identifier).await.unwrap();
        once("CreateResourceServer");
        cognito.put_resource_server(&server()).await.unwrap();
        assert!(cognito.resource_server(&server().identifier).await.unwrap().is_some());
        assert_eq!(clients_there(&world), 0);
    }
}

#[tokio::test]
async fn what_is_throttled_or_in_conflict_is_asked_again() {
    let world = World::new().await;
    let cognito = world.cognito();
    cognito.put_resource_server(&server()).await.unwrap();
    world.fake.inject(Fault::times("CreateUserPoolClient", 3, FaultKind::Throttle));
    let id = cognito.create_client(&client(), &secret(1)).await.unwrap().client_id;
    assert_eq!(clients_there(&world), 1);
    for kind in [FaultKind::Conflict, FaultKind::Throttle] {
        world.fake.inject(Fault::times("UpdateUserPoolClient", 2, kind.clone()));
        cognito.put_client(&id, &client()).await.unwrap();
        world.fake.inject(Fault::times("DeleteUserPoolClient", 1, kind));
    }
    cognito.delete_client(&id).await.unwrap();
    assert_eq!(clients_there(&world), 0);
}

#[tokio::test]
async fn what_does_not_end_is_busy_if_nothing_was_done_and_else_unknown() {
    let world = World::new().await;
    let cognito = world.impatient();
    let (id, _) = furnished(&world).await;
    let put = async || {
        let answer = cognito.put_client(&id, &client()).await;
        world.fake.clear_faults();
        answer
    };
    for kind in [FaultKind::Conflict, FaultKind::Throttle] {
        world.fake.inject(Fault::times("UpdateUserPoolClient", EVER, kind));
        let answer = put().await;
        assert!(matches!(answer, Err(Error::Busy { retry_after_ms: 100.. })), "{answer:?}");
    }
    world.fake.inject(Fault::times("UpdateUserPoolClient", EVER, FaultKind::InternalError));
    let answer = put().await;
    assert!(matches!(answer, Err(Error::Unknown(_))), "{answer:?}");

    // The first one may have been done, whatever is said of the others.
    world.fake.inject(Fault::once("UpdateUserPoolClient", FaultKind::ResetAfter));
    world.fake.inject(Fault::times("UpdateUserPoolClient", EVER, FaultKind::Throttle));
    let answer = put().await;
    assert!(matches!(answer, Err(Error::Unknown(_))), "{answer:?}");
}

#[tokio::test]
async fn a_server_that_is_gone_is_noticed_in_time() {
    let world = World::new().await;
    let cognito = world.impatient();
    let (id, _) = furnished(&world).await;
    drop(world);
    let start = Instant::now();
    let answer = cognito.put_client(&id, &client()).await;
    assert!(matches!(answer, Err(Error::Unknown(_))), "{answer:?}");
    // Bounded by the settings; the rest is patience with a busy machine.
    assert!(start.elapsed().as_secs() < 30);
}

#[tokio::test]
async fn a_client_whose_secret_cannot_be_named_does_not_stay() {
    let world = World::new().await;
    let cognito = world.cognito();
    cognito.put_resource_server(&server()).await.unwrap();
    let denied = || refuse("AccessDeniedException", "not authorized to perform");
    world.fake.inject(Fault::once("ListUserPoolClientSecrets", denied()));
    let answer = cognito.create_client(&client(), &secret(1)).await;
    assert!(
        matches!(&answer, Err(Error::Refused(why)) if why.contains("AccessDenied")),
        "{answer:?}"
    );
    assert_eq!(clients_there(&world), 0);

    world.fake.inject(Fault::once("ListUserPoolClientSecrets", denied()));
    world.fake.inject(Fault::once("DeleteUserPoolClient", denied()));
    let answer = cognito.create_client(&client(), &secret(1)).await;
    assert!(matches!(answer, Err(Error::Unknown(_))), "{answer:?}");
    assert_eq!(clients_there(&world), 1);
}

#[tokio::test]
async fn a_resource_server_that_appears_or_goes_meanwhile_is_told_all_the_same() {
    let world = World::new().await;
    let cognito = world.cognito();
    cognito.put_resource_server(&server()).await.unwrap();
    // It seems not to be there, and is: the create says so.
    let not_found = refuse("ResourceNotFoundException", "Resource server orders does not exist.");
    world.fake.inject(Fault::once("UpdateResourceServer", not_found));
    let changed = PoolResourceServer { name: "Changed".to_owned(), ..server() };
    cognito.put_resource_server(&changed).await.unwrap();
    let found = cognito.resource_server(&server().identifier).await.unwrap().unwrap();
    assert_eq!(found.name, "Changed");
}

#[tokio::test]
async fn a_quota_is_named_and_not_asked_for_again() {
    let world = World::new().await;
    let cognito = world.cognito();
    let (id, _) = furnished(&world).await;
    world.fake.set_quotas(Quotas { clients: 1, resource_servers: 1 });
    let full = |answer: Result<(), Error>| match answer {
        Err(Error::Full(what)) => what,
        other => unreachable!("{other:?}"),
    };
    let second = cognito.create_client(&client(), &secret(2)).await;
    assert_eq!(full(second.map(|_| ())), "app clients of the user pool");
    let second =
        PoolResourceServer { identifier: Identifier::parse("second").unwrap(), ..server() };
    let second = cognito.put_resource_server(&second).await;
    assert_eq!(full(second), "resource servers of the user pool");
    cognito.add_secret(&id, &secret(3)).await.unwrap();
    let third = cognito.add_secret(&id, &secret(4)).await;
    assert_eq!(full(third.map(|_| ())), "secrets of the app client");
    for (operation, count) in calls(&world) {
        let expected = if operation == "AddUserPoolClientSecret" { 2 } else { 1 };
        assert_eq!(count, expected, "{operation}");
    }
}

#[tokio::test]
async fn a_pool_that_is_not_there_is_no_empty_pool() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.user_pool_id = "eu-central-1_Nowhere".to_owned();
    let cognito = open(settings);
    let id = ClientId::parse("abc").unwrap();
    let answers = [
        cognito.create_client(&client(), &secret(1)).await.map(|_| ()),
        cognito.put_client(&id, &client()).await,
        cognito.delete_client(&id).await,
        cognito.client(&id).await.map(|_| ()),
        cognito.clients(None).await.map(|_| ()),
        cognito.secrets(&id).await.map(|_| ()),
        cognito.add_secret(&id, &secret(2)).await.map(|_| ()),
        cognito.remove_secret(&id, &SecretName("abc--1".to_owned())).await.map(|_| ()),
        cognito.put_resource_server(&server()).await,
        cognito.delete_resource_server(&server().identifier).await,
        cognito.resource_server(&server().identifier).await.map(|_| ()),
        cognito.resource_servers(None).await.map(|_| ()),
    ];
    for answer in answers {
        let Err(Error::Refused(why)) = answer else { unreachable!("{answer:?}") };
        assert_eq!(why, "there is no user pool `eu-central-1_Nowhere` in `eu-central-1`");
    }
}

#[tokio::test]
async fn a_refusal_names_its_code_and_no_secret() {
    let world = World::new().await;
    let cognito = world.cognito();
    let (id, _) = furnished(&world).await;
    let denied = refuse("NotAuthorizedException", "not for you");
    world.fake.inject(Fault::once("UpdateUserPoolClient", denied));
    let answer = cognito.put_client(&id, &client()).await.unwrap_err().to_string();
    assert!(answer.contains("NotAuthorizedException: not for you"), "{answer}");

    let (value, second) = (secret(5), secret(6));
    let echo = |secret: &SecretValue| {
        let words = format!("Value '{}' at 'clientSecret' failed", secret.expose());
        refuse("InvalidParameterException", &words)
    };
    world.fake.inject(Fault::once("CreateUserPoolClient", echo(&value)));
    world.fake.inject(Fault::once("AddUserPoolClientSecret", echo(&second)));
    let created = cognito.create_client(&client(), &value).await.unwrap_err();
    let added = cognito.add_secret(&id, &second).await.unwrap_err();
    for (error, secret) in [(created, value), (added, second)] {
        assert!(error.to_string().contains("failed"), "{error}");
        assert!(!format!("{error} {error:?}").contains(secret.expose()));
    }
    let log = format!("{:?} {cognito:?}", world.fake.calls());
    assert!(!log.contains("tp_"), "neither log nor adapter show secrets");
}

#[tokio::test]
async fn writers_of_one_client_take_turns() {
    let world =
        World::with(|settings| settings.latency = std::time::Duration::from_millis(30)).await;
    let cognito = world.cognito();
    let (id, _) = furnished(&world).await;
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let (cognito, id) = (cognito.clone(), id.clone());
        writers.spawn(async move { cognito.put_client(&id, &client()).await.unwrap() });
    }
    writers.join_all().await;
    assert!(world.fake.calls().iter().all(|call| call.outcome == "ok"), "no two at once");

    // Another process cannot be kept from it, and both succeed in the end.
    let (one, other) = (world.cognito(), world.cognito());
    let (client, other_client) = (client(), client());
    let (one, other) =
        tokio::join!(one.put_client(&id, &client), other.put_client(&id, &other_client));
    one.unwrap();
    other.unwrap();
}

#[tokio::test]
async fn drift_is_seen_and_told_away() {
    let world = World::new().await;
    let cognito = world.cognito();
    let (id, _) = furnished(&world).await;
    let foreign = json!({
        "UserPoolId": world.fake.pool_id(),
        "ClientId": id.as_str(),
        "ClientName": "renamed",
        "AccessTokenValidity": 12,
        "CallbackURLs": ["https://evil.example.com"],
        "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": ["openid"],
    });
    world.fake.call("UpdateUserPoolClient", foreign).unwrap();
    let found = cognito.client(&id).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.token_lifetime_seconds), ("renamed", 43_200));
    assert!(!found.machine);
    let names: Vec<&str> = found.other.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"CallbackURLs") && names.contains(&"ExplicitAuthFlows"), "{names:?}");

    cognito.put_client(&id, &client()).await.unwrap();
    let found = cognito.client(&id).await.unwrap().unwrap();
    assert_eq!(found.other, []);
    assert_eq!(found.scopes, ["orders/read"]);
    let key = json!({ "UserPoolId": world.fake.pool_id(), "ClientId": id.as_str() });
    let there = world.fake.call("DescribeUserPoolClient", key).unwrap();
    assert_eq!(there["UserPoolClient"].get("CallbackURLs"), None::<&Value>);
}
