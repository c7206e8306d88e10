//! What a service stands on, chosen once per process: embedded or networked, real or simulated.

mod absent;
mod between;
mod embedded;
#[cfg(feature = "networked")]
mod networked;
#[cfg(not(feature = "networked"))]
#[path = "platform/not_networked.rs"]
mod networked;
mod opened;
mod peers;
mod traces;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use bus::{Bus, QueueSpec, Topology};
use common::{Clock, Fault, Ids, Random, Spans};
use mesh::{Mesh, Registrar};
use store::{DocumentStore, Schema};
use telemetry::{Metrics, Traces, Untraced};

use crate::tasks::Tasks;
pub use between::{Between, Nothing};
pub use networked::NETWORKED;
#[cfg(feature = "networked")]
pub use networked::{DATABASE_PREFIX, consul_settings, rabbit_settings};
pub use opened::{OpenError, Opened, Opening};
pub use traces::check_traces;

/// Opens the store of one service.
pub trait Stores: Send + Sync + fmt::Debug {
    /// `internal` when it cannot be opened.
    fn open(&self, schema: &'static Schema) -> Result<Arc<dyn DocumentStore>, Fault>;
}

/// Everything that a composition root (`wire.rs`) may use. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Platform {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub ids: Ids,
    pub metrics: Metrics,
    pub mesh: Mesh,
    pub registrar: Arc<dyn Registrar>,
    pub bus: Arc<dyn Bus>,
    pub tasks: Tasks,
    /// Where the service that this handle is for opens spans.
    pub spans: Spans,
    traces: Arc<dyn Traces>,
    stores: OpenStores,
}

/// What a platform is made of.
#[derive(Debug)]
pub struct Parts {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub metrics: Metrics,
    pub mesh: Mesh,
    pub registrar: Arc<dyn Registrar>,
    pub bus: Arc<dyn Bus>,
    pub tasks: Tasks,
    pub stores: Arc<dyn Stores>,
}

/// The stores that are open, one per service.
#[derive(Clone, Debug)]
struct OpenStores {
    opener: Arc<dyn Stores>,
    open: Arc<Mutex<HashMap<&'static str, Arc<dyn DocumentStore>>>>,
}

impl Platform {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let traces = Arc::new(Untraced(Arc::clone(&parts.random)));
        Self {
            spans: Spans::off(Arc::clone(&parts.random)),
            traces,
            ids: Ids::new(Arc::clone(&parts.clock), Arc::clone(&parts.random)),
            clock: parts.clock,
            random: parts.random,
            metrics: parts.metrics,
            mesh: parts.mesh,
            registrar: parts.registrar,
            bus: parts.bus,
            tasks: parts.tasks,
            stores: OpenStores { opener: parts.stores, open: Arc::default() },
        }
    }

    /// The same platform with traces that leave the process.
    #[must_use]
    pub fn traced(self, traces: Arc<dyn Traces>) -> Self {
        Self { traces, ..self }
    }

    /// The platform as one service sees it: spans and calls carry its name.
    #[must_use]
    pub fn of(&self, service: &'static str) -> Self {
        let spans = self.traces.of(service);
        Self { mesh: self.mesh.traced(spans.clone()), spans, ..self.clone() }
    }

    /// Sends the spans that have ended, before the process does.
    pub async fn flush_traces(&self) {
        self.traces.flush().await;
    }

    /// The store of a service: the same one at each call. `internal` when it cannot be opened.
    pub fn store(&self, schema: &'static Schema) -> Result<Arc<dyn DocumentStore>, Fault> {
        let mut open = self.stores.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = open.get(schema.service) {
            return Ok(Arc::clone(store));
        }
        let store = self.stores.opener.open(schema)?;
        open.insert(schema.service, Arc::clone(&store));
        Ok(store)
    }
}

/// What every bus adapter declares: the contracts' exchange and queues.
#[must_use]
pub fn topology() -> Topology {
    let queue = |queue: &contracts::topics::Queue| QueueSpec { name: queue.name, bindings: queue.bindings };
    Topology {
        exchange: contracts::topics::EXCHANGE,
        queues: contracts::topics::QUEUES.iter().map(queue).collect(),
    }
}
