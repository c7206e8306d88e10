//! `/health`, `/ready` and `/metrics` for a role that has no HTTP of its own.

use axum::{
    Json, Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use telemetry::Metrics;
use tokio::sync::watch;

use crate::readiness::State;

/// The routes; `readiness` is that of the role.
pub fn router(metrics: Metrics, readiness: watch::Receiver<State>) -> Router {
    Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/ready", get(move || ready(readiness.clone())))
        .route("/metrics", get(move || render(metrics.clone())))
}

async fn ready(readiness: watch::Receiver<State>) -> impl IntoResponse {
    let state = readiness.borrow().clone();
    let status = if state.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(state))
}

async fn render(metrics: Metrics) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, telemetry::metrics::CONTENT_TYPE)], metrics.render())
}
