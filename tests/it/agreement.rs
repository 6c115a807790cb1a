//! Whether registry and pool say the same, asked of both.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use turnpike_proto::v1 as pb;
use turnpike_tests::{Caller, Cognito};

use crate::support::all_clients;

/// Of each object what a side has to say.
type Said = BTreeMap<String, BTreeSet<String>>;

/// Waits until both say the same, and nothing is left to do.
pub async fn agrees(admin: &Caller, pool: &Cognito, patience: Duration, when: &str) {
    let until = Instant::now() + patience;
    loop {
        let (ours, theirs) = (ours(admin).await, theirs(pool).await);
        let pending = pb::ListPendingRequest { page_size: 100, ..Default::default() };
        let pending = admin.reconcile().list_pending(pending).await.unwrap().into_inner().pending;
        if ours == theirs && pending.is_empty() {
            return;
        }
        assert!(
            Instant::now() < until,
            "{when}: the registry has {ours:#?}, the pool {theirs:#?}, and waits for {pending:?}"
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn ours(admin: &Caller) -> Said {
    let mut all = Said::new();
    for client_id in all_clients(admin).await.into_keys() {
        let get = pb::GetClientRequest { client_id };
        let Ok(client) = admin.clients().get_client(get).await else { continue };
        let client = client.into_inner().client.unwrap();
        let enabled = client.state() == pb::ClientState::Enabled;
        let mut said: BTreeSet<String> = client.scopes.into_iter().filter(|_| enabled).collect();
        // Of one that was adopted the secret is not known before it is first used: the pool has it.
        said.insert(format!("{} secrets", client.secrets.len().max(1)));
        said.insert(format!("{} s", client.token_lifetime.unwrap().seconds));
        all.insert(client.client_id, said);
    }
    let list = pb::ListResourceServersRequest { page_size: 200, ..Default::default() };
    let listed = admin.resource_servers().list_resource_servers(list).await.unwrap();
    for server in listed.into_inner().resource_servers {
        let said = server.scopes.into_iter().map(|scope| scope.name).collect();
        all.insert(server.identifier, said);
    }
    all
}

async fn theirs(pool: &Cognito) -> Said {
    let texts = |list: &Value| -> BTreeSet<String> {
        let list = list.as_array().into_iter().flatten();
        list.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut all = Said::new();
    for listed in pool.list("ListUserPoolClients", 60, "UserPoolClients").await {
        let id = json!({ "ClientId": listed["ClientId"] });
        // One that is on the list may be gone by now.
        let secrets = pool.find("ListUserPoolClientSecrets", id.clone()).await;
        let client = pool.find("DescribeUserPoolClient", id).await;
        let (Some(client), Some(secrets)) = (client, secrets) else { continue };
        let mut said = texts(&client["UserPoolClient"]["AllowedOAuthScopes"]);
        said.insert(format!("{} secrets", secrets["ClientSecrets"].as_array().unwrap().len()));
        said.insert(lifetime(&client["UserPoolClient"]));
        all.insert(listed["ClientId"].as_str().unwrap().to_owned(), said);
    }
    for server in pool.list("ListResourceServers", 50, "ResourceServers").await {
        let scopes = server["Scopes"].as_array().into_iter().flatten();
        let scopes = scopes.map(|scope| scope["ScopeName"].as_str().unwrap().to_owned());
        all.insert(server["Identifier"].as_str().unwrap().to_owned(), scopes.collect());
    }
    all
}

/// How long tokens of a client live, in seconds.
fn lifetime(client: &Value) -> String {
    let seconds = match client["TokenValidityUnits"]["AccessToken"].as_str() {
        Some("seconds") => 1,
        Some("minutes") => 60,
        None | Some("hours") => 3600,
        Some(other) => panic!("tokens live for so many {other}"),
    };
    format!("{} s", client["AccessTokenValidity"].as_u64().unwrap_or(1) * seconds)
}
