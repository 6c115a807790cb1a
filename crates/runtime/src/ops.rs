//! What whoever runs the process asks it: does it live, is it ready, what did it count.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use turnpike_rpc::metrics::Metrics;

use crate::readiness::{self, Readiness};
use crate::server::{self, Drain};

/// Serves probes at an address of their own, as long as the process lives: `/readyz` says to the end that it ends. Needs a
/// tokio runtime.
pub fn serve(listener: TcpListener, probes: Router, drain: Drain) {
    let plain = server::Settings::default();
    tokio::spawn(server::serve(listener, probes, plain, drain, std::future::pending()));
}

/// `GET /healthz`, `/readyz`, `/metrics`.
///
/// A process lives as long as it answers at all. Whether it is ready says [`Readiness`].
pub fn router(readiness: Readiness, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(scrape).with_state(metrics))
}

async fn ready(State(readiness): State<Readiness>) -> impl IntoResponse {
    let readiness::State { ready, lacks } = readiness.state();
    let (status, mut text) = match ready {
        true => (StatusCode::OK, "ready\n".to_owned()),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned()),
    };
    for name in lacks {
        text.push_str("lacks: ");
        text.push_str(name);
        text.push('\n');
    }
    (status, [(header::CACHE_CONTROL, "no-store")], text)
}

async fn scrape(State(metrics): State<Metrics>) -> impl IntoResponse {
    match metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
