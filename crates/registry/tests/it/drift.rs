//! Walks through the pool: one at a time, and none that was asked for is forgotten.

use std::sync::Arc;
use std::time::Duration;

use turnpike_domain::authorization_server::pool;
use turnpike_registry::store::Error as StoreError;
use turnpike_registry::{Registry, Walker};
use turnpike_testkit::memory_pool::{MemoryPool, PoolFault};
use turnpike_testkit::store::Fault;

use crate::plane::Plane;

const PAUSE: Duration = Duration::from_secs(600);

fn walker(registry: &Registry, pool: &Arc<MemoryPool>) -> Walker {
    Walker::new(registry.clone(), pool.clone(), PAUSE)
}

async fn world() -> (Plane, Arc<MemoryPool>) {
    let mut plane = Plane::new().await;
    let pool = Arc::new(MemoryPool::default());
    plane.registry = plane.registry.mirrored(Some(pool.clone()));
    (plane, pool)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_processes_one_walks() {
    for round in 0..20 {
        let (plane, pool) = world().await;
        let mut running = tokio::task::JoinSet::new();
        for seed in 0..6 {
            let walker = walker(&plane.replica(seed + 2).await, &pool);
            running.spawn(async move { walker.walk_if_due().await.unwrap() });
        }
        let walked = running.join_all().await.into_iter().filter(|walked| *walked).count();
        assert_eq!(walked, 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_is_not_lost_to_a_collision() {
    let (plane, pool) = world().await;
    assert!(walker(&plane.registry, &pool).walk_if_due().await.unwrap());
    plane.store.on_commits([Fault::Fail(StoreError::Contended)]);
    plane.registry.want_walk().await.unwrap();
    assert!(walker(&plane.registry, &pool).walk_if_due().await.unwrap(), "it was asked for");
    assert!(!walker(&plane.registry, &pool).walk_if_due().await.unwrap(), "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_that_fails_is_made_again() {
    let (plane, pool) = world().await;
    assert!(walker(&plane.registry, &pool).walk_if_due().await.unwrap());
    plane.registry.want_walk().await.unwrap();
    pool.on_calls([PoolFault::Fail(pool::Error::Unknown("reset".into()))]);
    walker(&plane.registry, &pool).walk_if_due().await.unwrap_err();
    assert!(walker(&plane.registry, &pool).walk_if_due().await.unwrap());
}
