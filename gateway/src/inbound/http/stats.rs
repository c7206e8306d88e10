//! The mesh in numbers: for people and programs as JSON, for Prometheus as text.

use axum::{Json, extract::State, response::IntoResponse};
use contracts::orders::GetStatsRequest;
use http::header::CONTENT_TYPE;

use super::{Answer, Api};
use crate::inbound::{peers::answer, views::StatsView};

/// Order counts by status, revenue, queue depths, dead letters.
#[utoipa::path(
    get, path = "/stats", operation_id = "get_stats", tag = "operation",
    responses((status = 200, description = "The numbers", body = StatsView))
)]
pub(crate) async fn stats(State(api): State<Api>) -> Answer<Json<StatsView>> {
    let stats = answer(api.peers.orders().get_stats(GetStatsRequest {})).await?;
    Ok(Json(stats.into()))
}

/// Everything that this process counts.
#[utoipa::path(
    get, path = "/metrics", operation_id = "get_metrics", tag = "operation",
    responses((status = 200, description = "OpenMetrics text", body = String,
        content_type = "application/openmetrics-text"))
)]
pub(crate) async fn metrics(State(api): State<Api>) -> impl IntoResponse {
    ([(CONTENT_TYPE, telemetry::metrics::CONTENT_TYPE)], api.metrics.render())
}
