//! Two replicas of the registry over one table, on a way that loses answers.

use std::sync::Arc;

use futures_util::future::join_all;
use turnpike_domain::id::ClientId;
use turnpike_domain::time::TokenLifetime;
use turnpike_registry::{Chain, Registry};
use turnpike_store_dynamodb::DynamoStore;
use turnpike_testkit::clock::{SeededEntropy, TestClock};
use turnpike_testkit::registered::Registered;

use crate::support::{settings, wired};
use crate::wire::{Fault, refusal};

const CHANGES: usize = 40;

async fn registry(store: DynamoStore, seed: u64) -> Registry {
    let clock = Arc::new(TestClock::default());
    Registry::open(Arc::new(store), clock, Arc::new(SeededEntropy::new(seed))).await.unwrap()
}

/// Each change makes a token's life a second longer, so a lost one shows in the sum.
async fn longer(registry: &Registry, client_id: &str) {
    for _ in 0..CHANGES {
        Registered::new(registry.clone())
            .change_client(client_id, |client| {
                let seconds = client.token_lifetime.seconds() + 1;
                client.token_lifetime = TokenLifetime::from_seconds(seconds).unwrap();
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_lose_no_change_and_no_event() {
    let settings = settings().await;
    let (mut replicas, mut wires) = (Vec::new(), Vec::new());
    for seed in 0..2 {
        let (store, wire) = wired(settings.clone()).await;
        replicas.push(registry(store, seed).await);
        wires.push(wire);
    }
    let ids = ["one", "two"];
    let lifetime = async |registry: &Registry, id: &str| {
        let client = registry.client(&ClientId::parse(id).unwrap()).await.unwrap().unwrap();
        client.value.token_lifetime.seconds()
    };
    for (replica, id) in replicas.iter().zip(ids) {
        Registered::new(replica.clone()).client(id, &[]).await;
    }
    let before = lifetime(&replicas[0], "one").await;
    for wire in &wires {
        let faults = [
            Fault::LoseAnswer,
            Fault::Pass,
            Fault::LoseCall,
            Fault::LoseAnswerTo500,
            Fault::Pass,
            refusal("ThrottlingException"),
            Fault::Pass,
        ];
        wire.next(faults.into_iter().cycle().take(5 * CHANGES));
    }
    join_all(replicas.iter().zip(ids).map(|(replica, id)| longer(replica, id))).await;

    for wire in &wires {
        wire.next([]);
    }
    let events = u64::try_from(2 + 2 * CHANGES).unwrap();
    for replica in &replicas {
        for id in ids {
            let longer = lifetime(replica, id).await - before;
            assert_eq!(usize::try_from(longer).unwrap(), CHANGES, "{id}");
        }
        let head = replica.head().await.unwrap();
        assert_eq!(head.sequence, events);
        let mut chain = Chain::new();
        for line in replica.lines(1, events).await.unwrap() {
            chain.follow(&line).unwrap();
        }
        assert_eq!(chain.last(), Some((events, head.hash.as_str())));
    }
}
