//! What the mesh is told by the contracts: every method, whether it may be repeated, and who counts its attempts.

use std::sync::Arc;

use mesh::{
    MeshSettings,
    method::{Method, MethodTable, Shape},
};
use telemetry::Metrics;

use crate::observer::CallObserver;

const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";

/// The data plane's settings for a process.
#[must_use]
pub fn mesh_settings(metrics: &Metrics) -> MeshSettings {
    MeshSettings { observer: Arc::new(CallObserver::made(metrics)), ..MeshSettings::new(method_table()) }
}

fn method_table() -> MethodTable {
    let ours = contracts::descriptors::methods().into_iter().map(|info| {
        let shape = Shape::of(info.client_streaming, info.server_streaming);
        (info.path, Method { repeatable: info.repeatable, shape })
    });
    ours.chain([(HEALTH_CHECK.to_owned(), Method { repeatable: true, shape: Shape::Unary })]).collect()
}
