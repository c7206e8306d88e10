//! The embedded platform: store, bus and registry inside this process, on one database in one folder.

use std::{fmt, path::Path, sync::Arc};

use bus::{QueueSpec, Topology, embedded::EmbeddedBus};
use common::{Clock, Fault, Random};
use mesh::{Mesh, discovery::embedded::EmbeddedRegistry};
use store::{
    DocumentStore,
    embedded::{Database, EmbeddedStore, OpenError},
};
use telemetry::Metrics;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::{Parts, Platform, Stores};
use crate::{calls::mesh_settings, tasks::Tasks};

/// A platform and the database under it, which whoever made it must close.
#[derive(Clone, Debug)]
pub struct Embedded {
    pub platform: Platform,
    pub database: Database,
}

/// Why the platform could not be made.
#[derive(Debug, Error)]
pub enum EmbeddedError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Stands between the services and their stores, so that a test can take a store away.
pub trait Between: Send + Sync + fmt::Debug {
    /// What the service gets in place of its store.
    fn wrap(&self, service: &'static str, store: Arc<dyn DocumentStore>) -> Arc<dyn DocumentStore>;
}

/// Nothing does.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Between for Nothing {
    fn wrap(&self, _: &'static str, store: Arc<dyn DocumentStore>) -> Arc<dyn DocumentStore> {
        store
    }
}

impl Embedded {
    /// Opens the folder (made if it is not there) and builds everything on it.
    pub fn open(
        folder: &Path,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, EmbeddedError> {
        Self::open_with(folder, clock, random, Arc::new(Nothing))
    }

    /// The same with something between the services and their stores.
    pub fn open_with(
        folder: &Path,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        between: Arc<dyn Between>,
    ) -> Result<Self, EmbeddedError> {
        let database = Database::open(folder)?;
        let metrics = Metrics::new();
        let topology = topology();
        let bus = EmbeddedBus::open(&database, topology, Arc::clone(&clock), Arc::clone(&random))?;
        let registry = Arc::new(EmbeddedRegistry::new());
        let stores =
            Arc::new(EmbeddedStores { database: database.clone(), clock: Arc::clone(&clock), between });
        let mesh = Mesh::new(registry.clone(), Arc::clone(&random), mesh_settings(&metrics));
        let tasks = Tasks::new(CancellationToken::new());
        let platform = Platform::new(Parts {
            clock,
            random,
            metrics,
            mesh,
            registrar: registry,
            bus: Arc::new(bus),
            tasks,
            stores,
        });
        Ok(Self { platform, database })
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

#[derive(Debug)]
struct EmbeddedStores {
    database: Database,
    clock: Arc<dyn Clock>,
    between: Arc<dyn Between>,
}

impl Stores for EmbeddedStores {
    fn open(&self, service: &'static str) -> Result<Arc<dyn DocumentStore>, Fault> {
        let store = EmbeddedStore::open(&self.database, service, Arc::clone(&self.clock))?;
        Ok(self.between.wrap(service, Arc::new(store)))
    }
}
