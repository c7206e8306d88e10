//! What the data plane says of itself, for `/api/mesh` and `ordermesh mesh`.

use std::{net::SocketAddr, sync::Arc};

use serde::Serialize;

/// Every target service that this process has a channel to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeshReport {
    pub services: Vec<ServiceReport>,
}

/// One target service; the counts are since the channel was opened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceReport {
    pub service: &'static str,
    pub endpoints: Vec<EndpointReport>,
    /// Calls that were made, however many attempts each took.
    pub calls: u64,
    /// Calls that ended without an answer of the service: no endpoint, connection lost, deadline.
    pub errors: u64,
    /// Attempts beyond a call's first.
    pub retries: u64,
}

/// One endpoint that discovery believes in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EndpointReport {
    pub address: SocketAddr,
    pub version: Arc<str>,
    pub weight: u32,
    /// Connections that are up.
    pub connections: usize,
    /// Attempts under way, streams not counted.
    pub pending: u32,
    /// Peak-sensitive average of the answers' latency.
    pub latency_us: u64,
    pub attempts: u64,
    /// Attempts that were lost, timed out, or were answered `UNAVAILABLE` or `INTERNAL` by no handler of ours.
    pub failures: u64,
}
