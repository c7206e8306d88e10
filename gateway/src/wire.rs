//! The composition root: settings and platform in, a router with its layers out.

use std::fmt;

use axum::Router;
use common::Fault;
use contracts::service::GATEWAY;
use runtime::Platform;

use crate::{
    Config,
    inbound::{
        http::{self, Api, Shared, edge::Edge, health::Readiness, origin::PublicOrigin, sse::Streams},
        peers::Peers,
    },
};

/// A wired gateway. Serve the router with `runtime::http::serve`, which brings the peer's address and the limits of
/// heads and connections.
pub struct Gateway {
    pub router: Router,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

/// Wires the gateway. `invalid_request` when `public_url` is no address.
pub fn wire(config: Config, platform: &Platform) -> Result<Gateway, Fault> {
    let platform = &platform.of(GATEWAY);
    let origin = PublicOrigin::parse(&config.public_url)?;
    let (random, spans) = (platform.random.clone(), platform.spans.clone());
    let edge = Edge::new(origin, config.request_deadline, random, spans, &platform.metrics);
    let api = Shared {
        peers: Peers::new(&platform.mesh),
        readiness: Readiness::new(&platform.mesh, platform.random.clone(), config.test_mode),
        streams: Streams::new(platform, config.request_deadline),
        ids: platform.ids.clone(),
        metrics: platform.metrics.clone(),
        mesh: platform.mesh.clone(),
        config,
    };
    Ok(Gateway { router: http::router(Api::from(api), edge) })
}
