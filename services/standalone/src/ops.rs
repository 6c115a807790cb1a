//! What whoever runs the process asks it: does it live, is it ready, what did it count.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use turnpike_registry::Registry;
use turnpike_rpc::metrics::Metrics;

/// `GET /healthz`, `/readyz`, `/metrics`.
pub(crate) fn router(registry: Registry, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready).with_state(registry))
        .route("/metrics", get(scrape).with_state(metrics))
}

/// Ready while the store answers.
async fn ready(State(registry): State<Registry>) -> impl IntoResponse {
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
