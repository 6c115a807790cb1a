//! What whoever runs the process asks it: does it live, is it ready, what did it count.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use turnpike_registry::{Policy, Registry};
use turnpike_rpc::metrics::Metrics;

/// `GET /healthz`, `/readyz`, `/metrics`.
pub(crate) fn router(registry: Registry, policy: Arc<Policy>, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready).with_state((registry, policy)))
        .route("/metrics", get(scrape).with_state(metrics))
}

/// Ready while the store answers and the policy may decide.
async fn ready(
    State((registry, policy)): State<(Registry, Arc<Policy>)>,
) -> (StatusCode, &'static str) {
    if policy.is_stale() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the policy does not follow the log\n");
    }
    match registry.head().await {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n"),
    }
}

async fn scrape(State(metrics): State<Metrics>) -> impl IntoResponse {
    match metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;
    use turnpike_registry::{Bounds, Follower};
    use turnpike_store_sqlite::SqliteStore;
    use turnpike_testkit::clock::{SeededEntropy, TestClock};
    use turnpike_testkit::registered::Registered;
    use turnpike_testkit::store::FlakyStore;

    use super::*;

    async fn get(router: &Router, path: &str) -> (u16, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (head.status.as_u16(), String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_policy_that_does_not_follow_is_not_ready_and_shown() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("t.db")).unwrap();
        let store = Arc::new(FlakyStore::new(store));
        let (clock, entropy) = (Arc::new(TestClock::default()), Arc::new(SeededEntropy::new(1)));
        let registry = Registry::open(store.clone(), clock, entropy).await.unwrap();
        let bounds =
            Bounds { behind: Duration::from_millis(50), unheard: Duration::from_secs(3600) };
        let follower = Follower::start_within(registry.clone(), bounds).await.unwrap();
        let policy = follower.policy();
        let metrics = Metrics::new().unwrap();
        metrics.show_policy(policy.clone()).unwrap();
        let router = router(registry.clone(), policy, metrics);
        assert_eq!(get(&router, "/readyz").await, (200, "ready\n".to_owned()));

        store.set_down(true);
        assert_eq!(get(&router, "/readyz").await.0, 503);
        store.set_down(false);

        // The store answers, and nobody follows: the change is answered when the policy no longer decides.
        Registered::new(registry).client("c1", &[]).await;
        let answer = (503, "the policy does not follow the log\n".to_owned());
        assert_eq!(get(&router, "/readyz").await, answer);
        let (_, text) = get(&router, "/metrics").await;
        for line in [
            "turnpike_policy_applied_sequence 0",
            "turnpike_policy_known_sequence 1",
            "turnpike_policy_stale 1",
        ] {
            assert!(text.lines().any(|given| given == line), "{line}: {text}");
        }
        let lag = text.lines().find_map(|line| line.strip_prefix("turnpike_policy_lag_seconds "));
        assert!(lag.unwrap().parse::<f64>().unwrap() >= 0.05);

        follower.catch_up().await.unwrap();
        assert_eq!(get(&router, "/readyz").await.0, 200);
    }
}
