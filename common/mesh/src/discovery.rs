//! The discovery ports: announce an instance, watch the instances of a service.

#[cfg(feature = "networked")]
pub mod consul;
pub mod embedded;
pub mod fixed;
pub mod names;
pub mod peer;

use std::{collections::BTreeMap, fmt, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use common::Fault;
use tokio::sync::watch;

pub use peer::Peer;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    pub service: &'static str,
    /// Where the others reach it.
    pub address: Peer,
    pub version: &'static str,
    /// Share of the calls relative to its peers, at least 1.
    pub weight: u32,
    pub tags: Vec<String>,
    /// More that the registry should show; `version` and `protocol` are there anyway.
    pub meta: BTreeMap<String, String>,
    pub check: Check,
}

/// How a registry that looks for itself finds out whether an instance is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// `grpc.health.v1.Health/Check` at its address, for this name; empty for the whole server.
    Grpc { name: &'static str },
    /// GET of this path at its address.
    Http { path: &'static str },
}

impl Instance {
    /// An instance like any other: weight 1, no tags, gRPC health of the whole server.
    #[must_use]
    pub fn new(service: &'static str, address: impl Into<Peer>, version: &'static str) -> Self {
        Self {
            service,
            address: address.into(),
            version,
            weight: 1,
            tags: Vec::new(),
            meta: BTreeMap::new(),
            check: Check::Grpc { name: "" },
        }
    }

    /// With tags of its own.
    #[must_use]
    pub fn tagged(self, tags: Vec<String>) -> Self {
        Self { tags, ..self }
    }

    /// Checked in another way.
    #[must_use]
    pub fn checked_by(self, check: Check) -> Self {
        Self { check, ..self }
    }
}

/// Announces instances.
#[async_trait]
pub trait Registrar: Send + Sync + fmt::Debug {
    /// Makes the instance findable until it is withdrawn; keeps it so by itself, and goes on trying where the
    /// registry is away. `internal` where there is none, or for an address that it cannot hold.
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
