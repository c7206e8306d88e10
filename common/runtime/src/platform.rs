//! What a service stands on, chosen once per process: embedded or networked, real or simulated.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
};

use bus::Bus;
use common::{Clock, Fault, Ids, Random};
use mesh::{Mesh, Registrar};
use store::DocumentStore;
use telemetry::Metrics;

use crate::tasks::Tasks;

/// Opens the store of one service.
pub trait Stores: Send + Sync + fmt::Debug {
    /// `internal` when it cannot be opened.
    fn open(&self, service: &'static str) -> Result<Arc<dyn DocumentStore>, Fault>;
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
    stores: Arc<dyn Stores>,
    opened: Arc<Mutex<HashMap<&'static str, Arc<dyn DocumentStore>>>>,
}
