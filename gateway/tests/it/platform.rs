//! A platform without bus and store: the gateway needs neither, and asking for one fails the test.

use std::sync::Arc;

use async_trait::async_trait;
use bus::{
    Event,
    port::{DeadLetter, DeadLetters, LiveHints, Publisher, QueueDepth, Subscriber, Subscription},
};
use common::{Fault, SystemClock, SystemRandom};
use contracts::descriptors;
use mesh::{EmbeddedRegistry, Mesh, MeshSettings, Method, MethodTable, Shape};
use runtime::{
    Platform, Tasks,
    platform::{Parts, Stores},
};
use store::{DocumentStore, Schema};
use telemetry::Metrics;

pub(crate) fn platform() -> Platform {
    let registry = Arc::new(EmbeddedRegistry::new());
    let random = Arc::new(SystemRandom);
    Platform::new(Parts {
        clock: Arc::new(SystemClock),
        random: random.clone(),
        metrics: Metrics::new(),
        mesh: Mesh::new(registry.clone(), random, MeshSettings::new(methods())),
        registrar: registry,
        bus: Arc::new(Nothing),
        tasks: Tasks::default(),
        stores: Arc::new(Nothing),
    })
}

fn methods() -> MethodTable {
    let method = |method: descriptors::MethodInfo| {
        let shape = Shape::of(method.client_streaming, method.server_streaming);
        (method.path, Method { repeatable: method.repeatable, shape })
    };
    descriptors::methods().into_iter().map(method).collect()
}

#[derive(Debug)]
struct Nothing;

impl Stores for Nothing {
    fn open(&self, schema: &'static Schema) -> Result<Arc<dyn DocumentStore>, Fault> {
        panic!("{} opened a store", schema.service)
    }
}

#[async_trait]
impl Publisher for Nothing {
    async fn publish(&self, _: &[Event]) -> Vec<Result<(), Fault>> {
        panic!("the gateway publishes nothing")
    }
}

#[async_trait]
impl Subscriber for Nothing {
    async fn subscribe(&self, _: &'static str, _: usize) -> Result<Box<dyn Subscription>, Fault> {
        panic!("the gateway has no queue")
    }

    async fn hints(&self, _: &'static str) -> Result<Box<dyn LiveHints>, Fault> {
        panic!("the gateway has no queue")
    }
}

#[async_trait]
impl DeadLetters for Nothing {
    async fn depths(&self) -> Result<Vec<QueueDepth>, Fault> {
        panic!("orders reports the queues")
    }

    async fn list(&self, _: &str, _: usize) -> Result<Vec<DeadLetter>, Fault> {
        panic!("orders reports the queues")
    }

    async fn replay(&self, _: &str, _: &str) -> Result<bool, Fault> {
        panic!("orders reports the queues")
    }

    async fn purge(&self, _: &str, _: &str) -> Result<bool, Fault> {
        panic!("orders reports the queues")
    }
}
