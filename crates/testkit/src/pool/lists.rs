//! Lists of more than a page: each entry once.

use std::collections::BTreeSet;

use super::PoolTrial;

pub(super) async fn all(trial: &PoolTrial<'_>) {
    clients_are_listed_once(trial).await;
    resource_servers_are_listed_once_and_whole(trial).await;
}

async fn clients_are_listed_once(trial: &PoolTrial<'_>) {
    let mut made = BTreeSet::new();
    for n in 0..trial.clients {
        let client = trial.client(&format!("listed {n}"), &[]);
        made.insert((trial.create(&client).await.client_id, client.name));
    }
    let listed = trial.clients_there().await;
    let once: BTreeSet<_> =
        listed.iter().map(|client| (client.client_id.clone(), client.name.clone())).collect();
    assert_eq!(listed.len(), trial.clients);
    assert_eq!(once, made);
}

async fn resource_servers_are_listed_once_and_whole(trial: &PoolTrial<'_>) {
    for n in 0..trial.resource_servers {
        let server = trial.server(&format!("listed-{n}"), &["a", "b"]);
        trial.pool.put_resource_server(&server).await.unwrap();
    }
    let listed = trial.servers_there().await;
    assert_eq!(listed.len(), trial.resource_servers);
    for n in 0..trial.resource_servers {
        let server = trial.server(&format!("listed-{n}"), &["a", "b"]);
        let there = listed.iter().filter(|there| there.identifier == server.identifier.as_str());
        let there: Vec<_> = there.map(|there| super::sorted(there.clone())).collect();
        assert_eq!(there, [super::sorted_of(&server)]);
    }
}
