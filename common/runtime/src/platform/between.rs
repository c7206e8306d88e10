//! The place between the services and their stores, where a test may stand to take a store away.

use std::{fmt, sync::Arc};

use common::Fault;
use store::{DocumentStore, Schema};

use super::Stores;

/// Stands between the services and their stores.
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

/// Opens stores with something between.
#[derive(Debug)]
pub(super) struct Wrapped {
    pub(super) stores: Arc<dyn Stores>,
    pub(super) between: Arc<dyn Between>,
}

impl Stores for Wrapped {
    fn open(&self, schema: &'static Schema) -> Result<Arc<dyn DocumentStore>, Fault> {
        Ok(self.between.wrap(schema.service, self.stores.open(schema)?))
    }
}
