//! The channel to a service: what a generated client is built on. Everything behind it is in this folder.

mod balancer;
mod body;
mod connection;
mod endpoint;
mod exchange;
mod flight;
mod load;
mod retry;
mod target;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use common::{Call, Deadline, Random, Spans};
use futures::future::BoxFuture;
use tonic::{Status, body::Body};

use crate::{
    discovery::Resolver,
    method::MethodTable,
    observer::{Observer, Unobserved},
    report::MeshReport,
    wire,
};
use exchange::Exchange;
use target::Target;

/// What the data plane is told.
#[derive(Clone, Debug)]
pub struct MeshSettings {
    /// Deadline of a call whose task has none.
    pub default_timeout: Duration,
    pub methods: Arc<MethodTable>,
    /// HTTP/2 connections kept open to each endpoint, besides one for streams. One is the cheapest while both ends share a machine; between
    /// machines a few spread the load of one connection's lock.
    pub connections_per_endpoint: usize,
    /// Hears of every attempt.
    pub observer: Arc<dyn Observer>,
}

impl MeshSettings {
    /// The defaults: five seconds, one connection, nobody listens.
    #[must_use]
    pub fn new(methods: MethodTable) -> Self {
        Self {
            default_timeout: Duration::from_secs(5),
            methods: Arc::new(methods),
            connections_per_endpoint: 1,
            observer: Arc::new(Unobserved),
        }
    }
}

/// The data plane of one process: one channel per target service, shared by all clients. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mesh {
    resolver: Arc<dyn Resolver>,
    random: Arc<dyn Random>,
    settings: MeshSettings,
    spans: Spans,
    targets: Arc<Mutex<BTreeMap<&'static str, Arc<Target>>>>,
}

impl Mesh {
    #[must_use]
    pub fn new(resolver: Arc<dyn Resolver>, random: Arc<dyn Random>, settings: MeshSettings) -> Self {
        let spans = Spans::off(Arc::clone(&random));
        Self { resolver, random, settings, spans, targets: Arc::default() }
    }

    /// The same data plane for a caller with spans of its own: every attempt of its channels is one of them.
    #[must_use]
    pub fn traced(&self, spans: Spans) -> Self {
        Self { spans, ..self.clone() }
    }

    /// The channel to a service; cheap to clone, connects ahead of need. Its tasks end with the last of the mesh and
    /// its channels.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn channel(&self, service: &'static str) -> MeshChannel {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        let target = targets.entry(service).or_insert_with(|| {
            Target::start(service, self.resolver.watch(service), self.random.clone(), self.settings.clone())
        });
        MeshChannel { target: target.clone(), spans: self.spans.clone() }
    }

    /// What each channel knows of its endpoints and what it did so far.
    #[must_use]
    pub fn report(&self) -> MeshReport {
        let targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        MeshReport { services: targets.values().map(|target| target.report()).collect() }
    }
}

/// Calls one service: picks an endpoint, sends the remaining deadline, retries what is safe. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MeshChannel {
    target: Arc<Target>,
    spans: Spans,
}

impl tower::Service<http::Request<Body>> for MeshChannel {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Self::Response, Status>>;

    /// Always ready: what has no endpoint waits in the call, where its deadline is known.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let settings = &self.target.settings;
        let call = Call::current();
        let mut deadline = call.map_or_else(|| Deadline::after(settings.default_timeout), |c| c.deadline);
        if let Some(asked) = wire::timeout(request.headers()) {
            deadline = deadline.min(Deadline::after(asked));
        }
        let exchange = Exchange {
            method: settings.methods.get(request.uri().path()),
            target: self.target.clone(),
            deadline,
            trace: call.map(|call| call.trace),
            spans: self.spans.clone(),
        };
        Box::pin(exchange.run(request))
    }
}
