//! What a service hands to the chassis: its gRPC routes, its workers and what must answer before it is ready.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use bus::{Consumer, Handler, OutboxRelay};
use common::Fault;
use contracts::topics::Queue;
use futures::future::BoxFuture;
use mesh::Peer;
use store::DocumentStore;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::{
    platform::Platform,
    sweep::{Counted, Sweep, Sweeper},
};

/// Something that must answer before a service says that it is ready.
#[async_trait]
pub trait Check: Send + Sync + fmt::Debug {
    async fn check(&self) -> Result<(), Fault>;
}

/// The store answers.
#[derive(Debug)]
struct StoreCheck(Arc<dyn DocumentStore>);

#[async_trait]
impl Check for StoreCheck {
    async fn check(&self) -> Result<(), Fault> {
        self.0.check().await
    }
}

type Worker = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// A wired service, not yet running.
pub struct Service {
    /// Its name in the registry.
    pub name: &'static str,
    /// Where others reach it, when that is not where it listens.
    pub advertised: Option<Peer>,
    /// What the registry shows beside it.
    pub tags: Vec<String>,
    /// The full proto names it serves, for `grpc.health.v1`.
    pub proto_services: Vec<&'static str>,
    pub routes: Routes,
    pub checks: Vec<(&'static str, Arc<dyn Check>)>,
    pub workers: Vec<(&'static str, Worker)>,
}

impl Service {
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            advertised: None,
            tags: Vec::new(),
            proto_services: Vec::new(),
            routes: Routes::default(),
            checks: Vec::new(),
            workers: Vec::new(),
        }
    }

    /// Announces it at this address, with these tags.
    #[must_use]
    pub fn advertised(self, address: Option<Peer>, tags: Vec<String>) -> Self {
        Self { advertised: address, tags, ..self }
    }

    /// Adds a generated server.
    #[must_use]
    pub fn grpc<S>(mut self, server: S) -> Self
    where
        S: tower::Service<
                ::http::Request<tonic::body::Body>,
                Response = ::http::Response<tonic::body::Body>,
                Error = std::convert::Infallible,
            > + tonic::server::NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.proto_services.push(S::NAME);
        self.routes = self.routes.add_service(server);
        self
    }

    /// Adds a background worker, started once the service serves and stopped by the token.
    #[must_use]
    pub fn worker<F, W>(mut self, name: &'static str, worker: W) -> Self
    where
        W: FnOnce(CancellationToken) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.workers.push((name, Box::new(move |shutdown| Box::pin(worker(shutdown)))));
        self
    }

    /// Relays the store's outbox to the bus, and makes readiness depend on the store.
    #[must_use]
    pub fn on_store(self, store: &Arc<dyn DocumentStore>, source: &'static str, platform: &Platform) -> Self {
        let relay = OutboxRelay {
            source,
            store: Arc::clone(store),
            publisher: platform.bus.clone(),
            clock: Arc::clone(&platform.clock),
            random: Arc::clone(&platform.random),
            metrics: platform.metrics.clone(),
            spans: platform.spans.clone(),
        };
        self.ready_when("store", Arc::new(StoreCheck(Arc::clone(store))))
            .worker("outbox-relay", |shutdown| relay.run(shutdown))
    }

    /// Handles the events of a queue.
    #[must_use]
    pub fn consumer(self, queue: Queue, handler: Arc<dyn Handler>, platform: &Platform) -> Self {
        let consumer = Consumer {
            queue: queue.name,
            subscriber: platform.bus.clone(),
            handler,
            random: Arc::clone(&platform.random),
            metrics: platform.metrics.clone(),
            spans: platform.spans.clone(),
        };
        self.worker(queue.name, |shutdown| consumer.run(shutdown))
    }

    /// Sweeps every `every`; a round that visits `full_round` documents is followed by the next at once.
    #[must_use]
    pub fn sweep(
        self,
        name: &'static str,
        (every, full_round): (Duration, usize),
        sweep: Arc<dyn Sweep>,
        store: &Arc<dyn DocumentStore>,
        platform: &Platform,
    ) -> Self {
        let sweeper = Sweeper {
            name,
            store: Arc::clone(store),
            sweep: Arc::new(Counted::new(name, sweep, &platform.metrics)),
            ids: platform.ids.clone(),
            random: Arc::clone(&platform.random),
            every,
            full_round,
        };
        self.worker(name, |shutdown| sweeper.run(shutdown))
    }

    /// Adds something that must answer before the service is ready.
    #[must_use]
    pub fn ready_when(mut self, name: &'static str, check: Arc<dyn Check>) -> Self {
        self.checks.push((name, check));
        self
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("name", &self.name).finish_non_exhaustive()
    }
}
