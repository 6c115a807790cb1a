//! A plane that may die, and what has to agree afterwards.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use turnpike_proto::v1 as pb;
use turnpike_tests::{Caller, Cognito, Plane, Session};

use super::cases::Shown;
use crate::agreement::agrees;

/// Longer than a claim stands (30 s), and than an announcement is old when it is cleared (90 s).
const PATIENCE: Duration = Duration::from_secs(240);

/// No bounds on calls; and of a busy machine nobody knows how long an answer takes.
const CONFIG: &str = "\
    [limits]\nchanges_per_second = 100000\nreads_per_second = 100000\ntokens_per_second = 1000\n\
    [broker]\nstore_timeout_ms = 30000\n";

/// A plane, its pool, and two people.
pub(super) struct World {
    pub(super) plane: Plane,
    pub(super) pool: Cognito,
    points: TempDir,
    sessions: [Session; 2],
    /// A platform admin.
    pub(super) ada: Caller,
    /// Owns the API.
    pub(super) olga: Caller,
}

impl World {
    pub(super) async fn start() -> Self {
        let points = tempfile::tempdir().unwrap();
        let pool = Cognito::start().await;
        let mut environment = pool.environment();
        environment.push(("FAULT_POINTS", points.path().to_string_lossy().into_owned()));
        let plane = Plane::start_in(CONFIG, environment).await;
        let sessions = [plane.sign_in("ada").await, plane.sign_in("olga").await];
        let [ada, olga] = Self::callers(&plane, &sessions).await;
        let world = Self { plane, pool, points, sessions, ada, olga };
        // The next walk through the pool is minutes away: all calls are those of the RPC from now on.
        world.wait_for("the first walk", async || world.has_walked().await).await;
        world
    }

    async fn has_walked(&self) -> bool {
        let drift = pb::ListDriftRequest { page_size: 1, ..Default::default() };
        let drift = self.ada.reconcile().list_drift(drift).await.unwrap().into_inner();
        drift.walk_end_time.is_some()
    }

    async fn callers(plane: &Plane, sessions: &[Session; 2]) -> [Caller; 2] {
        [
            Caller::with_session(plane.url(), &sessions[0]).await,
            Caller::with_session(plane.url(), &sessions[1]).await,
        ]
    }

    /// The same, once the process has died and was started again.
    pub(super) async fn again(self) -> Self {
        let Self { mut plane, pool, points, sessions, .. } = self;
        plane.ended().await;
        let plane = plane.restart().await;
        let [ada, olga] = Self::callers(&plane, &sessions).await;
        Self { plane, pool, points, sessions, ada, olga }
    }

    fn file(&self, point: &str) -> PathBuf {
        self.points.path().join(point)
    }

    /// Lets the process die when it next gets there.
    pub(super) fn arm(&self, point: &str) {
        std::fs::write(self.file(point), "").unwrap();
    }

    /// Whether it has not got there, and now will not.
    pub(super) fn disarm(&self, point: &str) -> bool {
        std::fs::remove_file(self.file(point)).is_ok()
    }

    /// The log holds.
    pub(super) async fn verify(&self, when: &str) {
        let verified = self.ada.audit().verify_log(pb::VerifyLogRequest::default()).await;
        let verified = verified.unwrap_or_else(|status| panic!("{when}: {status}")).into_inner();
        assert!(verified.intact, "{when}: {}", verified.problem);
        assert_eq!(verified.last_sequence, verified.head_sequence, "{when}");
    }

    /// Waits until the pool has been told of everything.
    pub(super) async fn is_quiet(&self, when: &str) {
        self.wait_for(when, async || self.pending().await.is_empty()).await;
    }

    async fn pending(&self) -> Vec<pb::Pending> {
        let pending = pb::ListPendingRequest { page_size: 100, ..Default::default() };
        self.ada.reconcile().list_pending(pending).await.unwrap().into_inner().pending
    }

    async fn wait_for(&self, what: &str, done: impl AsyncFn() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !done().await {
            assert!(
                Instant::now() < until,
                "{what}: waited in vain for {:?}",
                self.pending().await
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until registry and pool say the same, and nothing is left to do.
    pub(super) async fn agrees(&self, when: &str) {
        agrees(&self.ada, &self.pool, PATIENCE, when).await;
    }

    /// Whether a client may show this secret: here, and to the pool itself.
    pub(super) async fn takes(&self, shown: &Shown) -> [bool; 2] {
        let Shown { client_id, secret } = shown;
        let here = self.plane.http().token(client_id, secret, "").await;
        let there = self.pool.token(client_id, secret).await;
        // It may have no scopes, which is another refusal.
        [here, there].map(|answer| answer.json()["error"] != "invalid_client")
    }
}
