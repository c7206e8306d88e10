//! The mesh as this gateway sees it.

use axum::{Json, extract::State};
use mesh::report::MeshReport;

use super::Api;

/// Services, their instances, health and latencies, as this gateway sees them.
#[utoipa::path(
    get, path = "/api/mesh", operation_id = "get_mesh", tag = "operation",
    responses((status = 200, description = "The report", body = Object,
        example = json!({"services": [{"service": "orders", "endpoints": [{"address": "127.0.0.1:2000"}],
            "calls": 12, "errors": 0, "retries": 0}]})))
)]
pub(crate) async fn mesh(State(api): State<Api>) -> Json<MeshReport> {
    Json(api.mesh.report())
}
