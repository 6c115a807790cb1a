//! Two processes of everything over DynamoDB and Cognito, as an emulator and a strict fake play them, that are changed by
//! many at once and die in turn: no change is lost or done twice, the log holds, and the pool says what the registry says.
//! What one of them revoked, the other knows of within a second.

mod revoking;
mod work;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use turnpike_proto::v1 as pb;
use turnpike_tests::{Caller, Cognito, Plane, Session, report};

use self::work::{Shared, Workers};
use crate::agreement::agrees;
use crate::support;

const CONFIG: &str =
    "[limits]\nchanges_per_second = 100000\nreads_per_second = 100000\ntokens_per_second = 1000\n";
/// How long the work goes on.
const WORK: Duration = Duration::from_secs(60);
/// How long one is dead, and how long all live before the next dies.
const DEAD: Duration = Duration::from_millis(700);
const ALIVE: Duration = Duration::from_millis(1300);
/// How long the pool may take to hear of everything: longer than a claim of a process that died stands.
const PATIENCE: Duration = Duration::from_secs(240);
/// How many clients all work on.
const CLIENTS: usize = 3;

/// A plane of which everything is there twice, its pool, and the people of the story.
struct World {
    plane: Plane,
    pool: Cognito,
    ada: Caller,
    olga: Caller,
    pavel: Caller,
}

impl World {
    async fn start() -> Self {
        let pool = Cognito::start().await;
        let mut plane = Plane::replicated(CONFIG, pool.environment()).await;
        let mut sessions: Vec<Session> = Vec::new();
        for persona in ["ada", "olga", "pavel"] {
            sessions.push(plane.sign_in(persona).await);
        }
        plane.start_replica(plane.replicas() - 1).await;
        let [ada, olga, pavel] = [0, 1, 2].map(|n| Caller::with_session(plane.url(), &sessions[n]));
        let (ada, olga, pavel) = (ada.await, olga.await, pavel.await);
        Self { plane, pool, ada, olga, pavel }
    }

    /// A client with an active grant of the orders API: its id and secret.
    async fn client(&self, name: &str) -> (String, String) {
        let (client, secret) = support::client(&self.pavel, name).await;
        support::grant(&self.pavel, &self.olga, &client, &["place-order"]).await;
        (client.client_id, secret)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_die_in_turn_lose_nothing() {
    let mut world = World::start().await;
    support::orders_api(&world.olga).await;
    let mut clients = Vec::new();
    for n in 0..CLIENTS {
        clients.push(world.client(&format!("Client {n}")).await.0);
    }
    let shared = Shared::new(clients);
    let stop = Arc::new(AtomicBool::new(false));
    let workers = Workers::start(&world, &shared, &stop);

    let (began, mut kills) = (Instant::now(), 0);
    // Each dies once, at least.
    while began.elapsed() < WORK || kills < world.plane.replicas() {
        let n = kills % world.plane.replicas();
        world.plane.kill_replica(n).await;
        tokio::time::sleep(DEAD).await;
        world.plane.start_replica(n).await;
        tokio::time::sleep(ALIVE).await;
        kills += 1;
    }
    stop.store(true, Ordering::Relaxed);
    let took = began.elapsed().as_secs();
    workers.end().await;

    verify(&world.ada).await;
    let counted = shared.check(&world.ada).await;
    agrees(&world.ada, &world.pool, PATIENCE, "after the work").await;
    no_drift(&world.ada).await;
    verify(&world.ada).await;
    let text = format!(
        "{kills} kills in {took} s among {} processes.\n\n{counted}\nThe log verifies; the pool differs in nothing.\n",
        world.plane.replicas(),
    );
    report("Replicas that die in turn", &text);
}

async fn verify(admin: &Caller) {
    let request = pb::VerifyLogRequest::default();
    let verified = admin.audit().verify_log(request).await.unwrap().into_inner();
    assert!(verified.intact, "{}", verified.problem);
    assert_eq!(verified.last_sequence, verified.head_sequence);
}

/// A walk that begins now finds that the pool says what the registry says.
async fn no_drift(admin: &Caller) {
    let look = async || {
        let list = pb::ListDriftRequest { page_size: 100, ..Default::default() };
        admin.reconcile().list_drift(list).await.unwrap().into_inner()
    };
    let before = look().await.walk_start_time.map_or(0, |time| time.seconds);
    admin.reconcile().start_walk(pb::StartWalkRequest {}).await.unwrap();
    let until = Instant::now() + PATIENCE;
    loop {
        let seen = look().await;
        if seen.walk_start_time.is_some_and(|time| time.seconds > before) && !seen.walking {
            let subjects: BTreeSet<_> = seen.drifts.iter().map(|drift| &drift.subject).collect();
            assert!(subjects.is_empty(), "{:#?}", seen.drifts);
            return;
        }
        assert!(Instant::now() < until, "no walk ends: {seen:?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
