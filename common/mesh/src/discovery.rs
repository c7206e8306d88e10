//! The discovery ports: announce an instance, watch the instances of a service.

pub mod embedded;
pub mod fixed;

use std::{fmt, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use common::Fault;
use tokio::sync::watch;

/// One address at which a service can be called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    pub address: SocketAddr,
    /// Share of the calls relative to its peers; 1 unless told.
    pub weight: u32,
    /// The program's version, for traffic splits.
    pub version: Arc<str>,
}

/// The endpoints of a service that discovery believes in, as one value.
pub type EndpointSet = Arc<[Endpoint]>;

/// What a service says of itself when it is ready.
#[derive(Clone, Debug)]
pub struct Instance {
    pub service: &'static str,
    pub address: SocketAddr,
    pub version: &'static str,
}

/// Announces instances.
#[async_trait]
pub trait Registrar: Send + Sync + fmt::Debug {
    /// Makes the instance findable until it is withdrawn; keeps it so by itself. `unavailable` without a registry.
    async fn announce(&self, instance: Instance) -> Result<Box<dyn Registration>, Fault>;
}

/// An announced instance. Dropping it leaves the registry to notice by itself.
#[async_trait]
pub trait Registration: Send + Sync + fmt::Debug {
    /// Makes the instance unfindable: the first step of a graceful stop.
    async fn withdraw(self: Box<Self>);
}

/// Finds instances.
pub trait Resolver: Send + Sync + fmt::Debug {
    /// The endpoints of a service, now and on each change. Starts empty when nothing is known yet; keeps the last
    /// good set when the registry is lost.
    fn watch(&self, service: &'static str) -> watch::Receiver<EndpointSet>;
}
