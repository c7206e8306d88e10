//! The connections to servers that other processes use too, as the settings name them.

mod consul;
mod rabbit;

use std::sync::Arc;

use bus::{Bus, rabbit::RabbitBus};
use common::{Clock, Code, Fault, Random};
use mesh::{Registrar, Resolver, discovery::consul::ConsulRegistry};
use store::{DocumentStore, Schema, mongo::MongoServer};
use telemetry::Metrics;

pub use self::{consul::consul_settings, rabbit::rabbit_settings};
use super::{OpenError, Stores, topology};
use crate::settings::{SettingError, Settings};

/// Whether this build has the networked adapters.
pub const NETWORKED: bool = true;

/// What the names of databases begin with: `ordermesh_orders`, …
pub const DATABASE_PREFIX: &str = "ordermesh";

/// The connections that there are; they are made by themselves, also again.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    mongo: Option<MongoServer>,
    rabbit: Option<RabbitBus>,
    consul: Option<ConsulRegistry>,
}

impl Connections {
    /// No server need be there; only settings that can never work are refused.
    pub(super) async fn open(
        settings: &Settings,
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Random>,
        metrics: &Metrics,
    ) -> Result<Self, OpenError> {
        let shared = || (Arc::clone(clock), Arc::clone(random));
        let mongo = match settings.text("MONGODB_URI") {
            Some(uri) => {
                let (clock, random) = shared();
                let server = MongoServer::connect(uri, DATABASE_PREFIX, clock, random).await;
                Some(server.map_err(|fault| refused("MONGODB_URI", fault))?)
            }
            None => None,
        };
        let rabbit = match rabbit_settings(settings, metrics)? {
            Some(rabbit) => {
                let (clock, random) = shared();
                let bus = RabbitBus::connect(rabbit, topology(), clock, random);
                Some(bus.map_err(|fault| refused("RABBITMQ_URL", fault))?)
            }
            None => None,
        };
        let consul = match consul_settings(settings)? {
            Some(consul) => {
                let registry = ConsulRegistry::new(consul, Arc::clone(random));
                Some(registry.map_err(|fault| refused("CONSUL_ADDR", fault))?)
            }
            None => None,
        };
        Ok(Self { mongo, rabbit, consul })
    }

    pub(super) fn stores(&self) -> Option<Arc<dyn Stores>> {
        self.mongo.clone().map(|server| Arc::new(MongoStores(server)) as _)
    }

    pub(super) fn bus(&self) -> Option<Arc<dyn Bus>> {
        self.rabbit.clone().map(|bus| Arc::new(bus) as _)
    }

    pub(super) fn registry(&self) -> Option<(Arc<dyn Registrar>, Arc<dyn Resolver>)> {
        self.consul.clone().map(|registry| (Arc::new(registry.clone()) as _, Arc::new(registry) as _))
    }

    /// Ends what the adapters do in the background.
    pub(super) async fn close(self) {
        if let Some(rabbit) = self.rabbit {
            rabbit.close().await;
        }
        if let Some(mongo) = self.mongo {
            mongo.close().await;
        }
    }
}

/// What can never work is the setting's fault.
fn refused(setting: &str, fault: Fault) -> OpenError {
    if fault.code() == Code::InvalidParameter {
        return SettingError::new(setting, fault.to_string()).into();
    }
    fault.into()
}

/// One database per service.
#[derive(Debug)]
struct MongoStores(MongoServer);

impl Stores for MongoStores {
    fn open(&self, schema: &'static Schema) -> Result<Arc<dyn DocumentStore>, Fault> {
        Ok(Arc::new(self.0.store(schema)))
    }
}
