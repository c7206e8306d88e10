//! The embedded stores: one keyspace per service on the database of this process.

use std::sync::Arc;

use common::{Clock, Fault};
use store::{
    DocumentStore, Schema,
    embedded::{Database, EmbeddedStore},
};

use super::Stores;

#[derive(Debug)]
pub(super) struct EmbeddedStores {
    pub(super) database: Database,
    pub(super) clock: Arc<dyn Clock>,
}

impl Stores for EmbeddedStores {
    fn open(&self, schema: &'static Schema) -> Result<Arc<dyn DocumentStore>, Fault> {
        Ok(Arc::new(EmbeddedStore::open(&self.database, schema, Arc::clone(&self.clock))?))
    }
}
