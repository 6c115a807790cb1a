//! The pool of an authorization server is the image of the registry, whatever fails in between.

use std::sync::Arc;
use std::time::Duration;

use turnpike_domain::Error;
use turnpike_domain::authorization_server::pool;
use turnpike_domain::error::ErrorCode;
use turnpike_domain::grant::GrantState;
use turnpike_domain::id::ClientId;
use turnpike_domain::text::ClientName;
use turnpike_domain::time::TokenLifetime;
use turnpike_registry::store::Error as StoreError;
use turnpike_registry::{Subject, Worker};
use turnpike_testkit::memory_pool::{MemoryPool, PoolFault};
use turnpike_testkit::store::Fault;

use crate::mirrored::Mirrored;
use crate::plane::{edit, team};

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_follows_each_change() {
    let it = Mirrored::new().await;
    it.put_server("api", &["read", "write"]).await.unwrap();
    let (id, first) = it.create("Shop of A+B").await.unwrap();
    assert!(it.pool.takes(&id, &first));
    assert!(it.pool.has(&id).unwrap().name.starts_with("Shop of A+B tp-"));
    it.agree("created").await;

    it.plane.grant(&id, &["api/read"], GrantState::Active, None).await;
    assert_eq!(it.pool.has(&id).unwrap().scopes.len(), 1);
    it.agree("granted").await;

    let second = it.add_secret(&id).await.unwrap();
    assert!(it.pool.takes(&id, &first) && it.pool.takes(&id, &second));
    it.remove_first_secret(&id).await.unwrap();
    assert!(!it.pool.takes(&id, &first) && it.pool.takes(&id, &second));
    it.agree("rotated").await;

    edit(&it.registry, &id, |client| client.enabled = false).await.unwrap();
    assert!(it.pool.has(&id).unwrap().scopes.is_empty());
    it.agree("disabled").await;
    edit(&it.registry, &id, |client| client.enabled = true).await.unwrap();
    it.agree("enabled").await;

    it.remove_first_secret(&id).await.unwrap();
    it.agree("without a secret").await;
    let third = it.add_secret(&id).await.unwrap();
    assert!(it.pool.takes(&id, &third) && !it.pool.takes(&id, &second), "the old one ended too");
    it.agree("with a secret again").await;

    it.put_server("api", &["read"]).await.unwrap();
    it.agree("a scope less").await;
    it.delete(&id).await.unwrap();
    it.agree("deleted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_the_pool_need_not_know_costs_no_call() {
    let it = Mirrored::new().await;
    let (id, _) = it.create("Shop").await.unwrap();
    let before = it.pool.calls().len();
    edit(&it.registry, &id, |client| client.team = team("others")).await.unwrap();
    assert_eq!(it.pool.calls().len(), before);
    it.agree("moved").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_the_pool_lost_is_told_again() {
    let it = Mirrored::new().await;
    it.put_server("api", &["read"]).await.unwrap();
    let (id, _) = it.create("Shop").await.unwrap();
    let emptied = pool::PoolResourceServer {
        identifier: crate::plane::identifier("api"),
        name: "An API".to_owned(),
        scopes: Vec::new(),
    };
    it.pool.put_foreign_server(emptied);
    it.plane.grant(&id, &["api/read"], GrantState::Active, None).await;
    it.agree("told again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_heard_of_before_anything_is_registered() {
    let mut it = Mirrored::new().await;
    let full = Arc::new(MemoryPool::of_at_most(1));
    it.registry = it.registry.clone().mirrored(Some(full.clone()));
    it.pool = full;
    it.create("First").await.unwrap();
    let refused = it.create("Second").await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Precondition);
    it.agree("full").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_leaves_marks_makes_no_clients() {
    let it = Mirrored::new().await;
    let (id, _) = it.create("Shop").await.unwrap();
    let elsewhere = it.plane.replica(9).await.mirrored(None);
    edit(&elsewhere, &id, |client| client.enabled = false).await.unwrap();
    let pending = elsewhere.pending(100, None).await.unwrap().items;
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].subject.to_string(), format!("clients/{id}"));
    let name = ClientName::parse("Shop").unwrap();
    assert!(elsewhere.provision_client(&name, TokenLifetime::DEFAULT).await.is_err());
    assert_eq!(Worker::new(it.registry.clone()).clear().await.unwrap(), 1);
    it.agree("told by another").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn telling_again_bears_that_somebody_else_just_told() {
    let it = Mirrored::new().await;
    let (id, _) = it.create("Shop").await.unwrap();
    for moved in [StoreError::Precondition(0), StoreError::Contended] {
        it.plane.store.on_commits([Fault::Fail(moved)]);
        it.registry.retell(&Subject::Client(id.clone())).await.unwrap();
    }
    it.agree("told again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_hangs_up_leaves_no_claim_behind() {
    let it = Mirrored::new().await;
    let (id, _) = it.create("Shop").await.unwrap();
    it.pool.on_calls([PoolFault::Delay(Duration::from_millis(300))]);
    let subject = Subject::Client(id);
    let told = tokio::time::timeout(Duration::from_millis(100), it.registry.retell(&subject)).await;
    assert!(told.is_err(), "the caller does not wait for it");
    // It is told all the same. A claim that was left would stand for ever: the clock of the test does not move.
    tokio::time::sleep(Duration::from_millis(500)).await;
    it.registry.retell(&subject).await.unwrap();
    it.agree("a caller who hung up").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_shown_and_tried_again_later_and_later() {
    let it = Mirrored::new().await;
    let (id, _) = it.create("Shop").await.unwrap();
    let refused = || PoolFault::Fail(pool::Error::Refused("no permission".to_owned()));
    it.pool.on_calls((0..3).map(|_| refused()));
    edit(&it.registry, &id, |client| client.token_lifetime = TokenLifetime::MAX).await.unwrap();
    let pending = it.pending().await;
    assert_eq!((pending.len(), pending[0].failures), (1, 1));
    assert!(pending[0].error.contains("no permission"), "{pending:?}");
    let worker = Worker::new(it.registry.clone());
    assert_eq!(worker.clear().await.unwrap(), 0, "too early");
    assert_eq!(it.pending().await[0].failures, 1);
    for failures in 2..=3 {
        it.plane.clock.advance(Duration::from_secs(5));
        worker.clear().await.unwrap();
        assert_eq!(it.pending().await[0].failures, failures);
    }
    it.plane.clock.advance(Duration::from_secs(61));
    assert_eq!(worker.clear().await.unwrap(), 1);
    it.agree("told at last").await;
}

/// What is done to an installation with a resource server, a client with a grant, and an idle client.
#[derive(Clone, Copy, Debug)]
enum Act {
    AddSecret,
    Create,
    Delete,
    Disable,
    Grant,
    PutServer,
    RemoveSecret,
    Update,
}

const ACTS: [Act; 8] = [
    Act::AddSecret,
    Act::Create,
    Act::Delete,
    Act::Disable,
    Act::Grant,
    Act::PutServer,
    Act::RemoveSecret,
    Act::Update,
];

async fn act(it: &Mirrored, id: &ClientId, act: Act) -> Result<(), Error> {
    match act {
        Act::AddSecret => it.add_secret(id).await.map(drop),
        Act::Create => it.create("Another").await.map(drop),
        Act::Delete => it.delete(id).await,
        Act::Disable => edit(&it.registry, id, |client| client.enabled = false).await,
        Act::Grant => {
            // Through a change that may be refused.
            let now = it.registry.now();
            let (active, idle) = (it.registry.client(id).await?.unwrap().value, id);
            let grants = active.grants;
            edit(&it.registry, idle, move |client| {
                client.grants = grants.clone();
                client.grants.iter_mut().for_each(|grant| grant.scopes.truncate(1));
                client.update_time = now;
            })
            .await
        }
        Act::PutServer => it.put_server("other-api", &["one"]).await,
        Act::RemoveSecret => it.remove_first_secret(id).await,
        Act::Update => edit(&it.registry, id, crate::plane::longer).await,
    }
}

/// Every act, with a fault at each of its first calls of the pool, and at each of its first commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_fails_the_two_agree_in_the_end() {
    let mut cases = Vec::new();
    for doing in ACTS {
        for at in 0..4 {
            for kind in 0..7 {
                cases.push((doing, at, kind));
            }
        }
    }
    let mut running = tokio::task::JoinSet::new();
    for (doing, at, kind) in cases {
        running.spawn(async move {
            let it = Mirrored::new().await;
            it.put_server("api", &["read", "write"]).await.unwrap();
            let (id, _) = it.create("Shop").await.unwrap();
            it.plane.grant(&id, &["api/read", "api/write"], GrantState::Active, None).await;
            let what = format!("{doing:?}, fault {kind} at {at}");
            it.agree(&what).await;
            let calls = |fault| (0..at).map(|_| PoolFault::Pass).chain([fault]);
            let commits = |fault| (0..at).map(|_| Fault::Pass).chain([fault]);
            match kind {
                0 => it.pool.on_calls(calls(PoolFault::LoseAnswer)),
                1 => {
                    let busy = pool::Error::Busy { retry_after_ms: 100 };
                    it.pool.on_calls(calls(PoolFault::Fail(busy)));
                }
                2 => {
                    let unknown = pool::Error::Unknown("reset".into());
                    it.pool.on_calls(calls(PoolFault::Fail(unknown)));
                }
                3 => {
                    let refused = pool::Error::Refused("no".to_owned());
                    it.pool.on_calls(calls(PoolFault::Fail(refused)));
                }
                4 => it.plane.store.on_commits(commits(Fault::LoseAnswer)),
                5 => {
                    let down = || Fault::Fail(StoreError::Unavailable("down".into()));
                    it.plane.store.on_commits(commits(down()).chain((0..30).map(|_| down())));
                }
                _ => {
                    it.plane.store.on_commits(commits(Fault::Fail(StoreError::Contended)));
                }
            }
            let done = act(&it, &id, doing).await;
            // The rest of the faults is used up: the process that recovers is a new one.
            it.plane.store.heal();
            it.recover().await;
            it.agree(&what).await;
            // What was acknowledged is there.
            if done.is_ok() {
                let client = it.registry.client(&id).await.unwrap();
                match doing {
                    Act::Delete => assert!(client.is_none(), "{what}"),
                    Act::Disable => assert!(!client.unwrap().value.enabled, "{what}"),
                    Act::AddSecret => {
                        assert_eq!(client.unwrap().value.secrets.list().len(), 2, "{what}");
                    }
                    Act::Create => assert_eq!(it.pool.client_ids().len(), 2, "{what}"),
                    Act::PutServer => assert_eq!(it.pool.servers().len(), 2, "{what}"),
                    Act::Grant | Act::RemoveSecret | Act::Update => {}
                }
            }
        });
        if running.len() >= 8 {
            running.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(case) = running.join_next().await {
        case.unwrap();
    }
}
