//! How the operator commands reach the servers of a mesh of many processes.

use std::sync::Arc;

use bus::rabbit::RabbitBus;
use common::{Fault, SystemClock, SystemRandom};
use mesh::{ConsulRegistry, ConsulSettings};
use runtime::{
    SettingError, Settings,
    platform::{DATABASE_PREFIX, consul_settings, rabbit_settings, topology},
};
use store::mongo::MongoServer;
use telemetry::Metrics;

/// Consul, where its setting is there.
pub(crate) fn consul(settings: &Settings) -> Result<Option<ConsulRegistry>, SettingError> {
    let Some(consul) = consul_settings(settings)? else { return Ok(None) };
    // Who only looks keeps nothing for the next start.
    let registry = ConsulRegistry::new(ConsulSettings { keep: None, ..consul }, Arc::new(SystemRandom));
    registry.map(Some).map_err(|fault| refused("CONSUL_ADDR", &fault))
}

/// The broker, where its setting is there; call it within a runtime.
pub(crate) fn rabbit(settings: &Settings) -> Result<Option<RabbitBus>, SettingError> {
    let Some(rabbit) = rabbit_settings(settings, &Metrics::new())? else { return Ok(None) };
    let bus = RabbitBus::connect(rabbit, topology(), Arc::new(SystemClock), Arc::new(SystemRandom));
    bus.map(Some).map_err(|fault| refused("RABBITMQ_URL", &fault))
}

/// The database behind this address; it must be closed.
pub(crate) async fn mongo(uri: &str) -> Result<MongoServer, Fault> {
    MongoServer::connect(uri, DATABASE_PREFIX, Arc::new(SystemClock), Arc::new(SystemRandom)).await
}

fn refused(setting: &str, fault: &Fault) -> SettingError {
    SettingError::new(setting, fault.to_string())
}
