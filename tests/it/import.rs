//! A pool that was there before Turnpike, with what others made in it: it is read at the pace of Cognito's rates, shown as
//! unmanaged, and left as it is; what is adopted goes on working with the secret it has.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use turnpike_proto::v1 as pb;
use turnpike_tests::{Caller, Cognito, Http, Plane, report};

const CLIENTS: usize = 1000;
const SERVERS: usize = 25;
/// How long a walk may take: Cognito gives an operation five times a second.
const PATIENCE: Duration = Duration::from_secs(900);
/// The only thing that Turnpike makes in a pool unasked: its own resource server.
const OURS: &str = "turnpike";

/// A pool with clients of machines and resource servers; the secrets by client.
async fn a_pool() -> (Cognito, BTreeMap<String, String>) {
    let pool = Cognito::start().await;
    for n in 0..SERVERS {
        let server = json!({
            "Identifier": format!("https://api-{n}.example"),
            "Name": format!("API {n}"),
            "Scopes": [
                { "ScopeName": "read", "ScopeDescription": "Read" },
                { "ScopeName": "write", "ScopeDescription": "Write" },
            ],
        });
        pool.ask("CreateResourceServer", server).await;
    }
    let make = async |n: usize| {
        let client = json!({
            "ClientName": format!("Partner {n}"),
            "GenerateSecret": true,
            "AllowedOAuthFlows": ["client_credentials"],
            "AllowedOAuthFlowsUserPoolClient": true,
            "AllowedOAuthScopes": [format!("https://api-{}.example/read", n % SERVERS)],
            "ExplicitAuthFlows": [],
        });
        let mut made = pool.ask("CreateUserPoolClient", client).await["UserPoolClient"].take();
        let text = |value: Value| value.as_str().unwrap().to_owned();
        (text(made["ClientId"].take()), text(made["ClientSecret"].take()))
    };
    let secrets = stream::iter(0..CLIENTS).map(make).buffer_unordered(8).collect().await;
    (pool, secrets)
}

/// Everything in a pool, as it says it.
async fn all_of(pool: &Cognito) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for server in pool.list("ListResourceServers", 50, "ResourceServers").await {
        all.insert(server["Identifier"].as_str().unwrap().to_owned(), server);
    }
    for listed in pool.list("ListUserPoolClients", 60, "UserPoolClients").await {
        let id = listed["ClientId"].as_str().unwrap().to_owned();
        let client = pool.ask("DescribeUserPoolClient", json!({ "ClientId": id })).await;
        all.insert(id, client);
    }
    all
}

/// Everything that only the pool has, once a walk has seen it all.
async fn unmanaged(admin: &Caller) -> Vec<pb::Drift> {
    let list = pb::ListDriftRequest {
        kind: pb::DriftKind::Unmanaged.into(),
        page_size: 200,
        ..Default::default()
    };
    let until = Instant::now() + PATIENCE;
    loop {
        let seen = admin.reconcile().list_drift(list.clone()).await.unwrap().into_inner();
        if seen.walk_end_time.is_some() {
            break;
        }
        assert!(Instant::now() < until, "no walk ends: {seen:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let (mut all, mut list) = (Vec::new(), list);
    loop {
        let seen = admin.reconcile().list_drift(list.clone()).await.unwrap().into_inner();
        all.extend(seen.drifts);
        if seen.next_page_token.is_empty() {
            return all;
        }
        list.page_token = seen.next_page_token;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_was_there_before_is_listed_and_left_alone() {
    let (pool, secrets) = a_pool().await;
    let before = all_of(&pool).await;
    pool.keep_rates(true).await;
    pool.calls().await;
    let began = Instant::now();
    let plane = Plane::start_in("", pool.environment()).await;
    let ada = plane.caller("ada").await;
    let found = unmanaged(&ada).await;
    let took = began.elapsed();

    let calls = pool.calls().await;
    pool.keep_rates(false).await;
    let refused: Vec<_> = calls.iter().filter(|call| call["outcome"] != "ok").collect();
    let changes: Vec<_> = calls.iter().filter(|call| is_change(call)).collect();
    // A resource server that is not there yet is asked for first.
    let not_there = |call: &&&Value| call["outcome"] == "ResourceNotFoundException";
    assert_eq!(refused.len(), refused.iter().filter(not_there).count(), "{refused:#?}");
    assert!(
        changes.iter().all(|call| call["request"]["Identifier"] == OURS),
        "it changed what is not its own: {changes:#?}"
    );
    let mut after = all_of(&pool).await;
    after.remove(OURS);
    assert!(after == before, "the pool is not what it was");

    let subjects = found.iter().map(|drift| drift.subject.as_str());
    let count = |kind| subjects.clone().filter(|subject| subject.starts_with(kind)).count();
    assert_eq!((count("clients/"), count("resource-servers/")), (CLIENTS, SERVERS));

    let (id, secret) = secrets.first_key_value().unwrap();
    adopt_and_use(&plane, &ada, &pool, id, secret).await;
    report(
        "A pool that was there before",
        &format!(
            "{CLIENTS} clients and {SERVERS} resource servers were found in {} s by {} calls of Cognito's API, at its rates \
             as every account has them: none was refused, and nothing in the pool changed. One client was adopted, and got \
             a token with the secret it had.\n",
            took.as_secs(),
            calls.len(),
        ),
    );
}

fn is_change(call: &Value) -> bool {
    let operation = call["operation"].as_str().unwrap();
    let reads = ["Describe", "Get", "Jwks", "List"];
    !reads.iter().any(|read| operation.starts_with(read))
}

/// Adopts a client, with the resource server it has a scope of; its secret goes on working, here and there.
async fn adopt_and_use(plane: &Plane, ada: &Caller, pool: &Cognito, id: &str, secret: &str) {
    let look = pool.ask("DescribeUserPoolClient", json!({ "ClientId": id })).await;
    let scope = look["UserPoolClient"]["AllowedOAuthScopes"][0].as_str().unwrap();
    let server = scope.rsplit_once('/').unwrap().0;
    for (subject, team) in
        [(format!("resource-servers/{server}"), "orders"), (format!("clients/{id}"), "partners")]
    {
        let adopt = pb::AdoptRequest { subject, team: team.to_owned(), validate_only: true };
        ada.reconcile().adopt(adopt.clone()).await.unwrap();
        ada.reconcile().adopt(pb::AdoptRequest { validate_only: false, ..adopt }).await.unwrap();
    }
    let answer = plane.http().token(id, "not its secret", "").await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    for http in [plane.http(), Http::new(pool.url())] {
        let answer = http.token(id, secret, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let after = pool.ask("DescribeUserPoolClient", json!({ "ClientId": id })).await;
    assert_eq!(after, look, "adopting changed the pool");
}
