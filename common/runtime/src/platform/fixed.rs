//! The platform of a role that only calls others, at addresses from configuration: no store, no bus, no registry.

use std::{collections::HashMap, sync::Arc};

use common::{Clock, Random};
use mesh::{FixedResolver, Mesh, Peer};
use telemetry::Metrics;
use tokio_util::sync::CancellationToken;

use super::{Parts, Platform, absent::Absent};
use crate::{calls::mesh_settings, tasks::Tasks};

impl Platform {
    /// Peers at fixed addresses; names among them are looked up again and again.
    #[must_use]
    pub fn calling(
        peers: HashMap<&'static str, Vec<Peer>>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let metrics = Metrics::new();
        let resolver = Arc::new(FixedResolver::new(peers));
        let mesh = Mesh::new(resolver, Arc::clone(&random), mesh_settings(&metrics));
        Self::new(Parts {
            clock,
            random,
            metrics,
            mesh,
            registrar: Arc::new(Absent),
            bus: Arc::new(Absent),
            tasks: Tasks::new(CancellationToken::new()),
            stores: Arc::new(Absent),
        })
    }
}
