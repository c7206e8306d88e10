//! What a service hands to the chassis: its gRPC routes, its workers and what must answer before it is ready.

use std::{fmt, future::Future, sync::Arc};

use async_trait::async_trait;
use common::Fault;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

/// Something that must answer before a service says that it is ready.
#[async_trait]
pub trait Check: Send + Sync + fmt::Debug {
    async fn check(&self) -> Result<(), Fault>;
}

type Worker = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// A wired service, not yet running.
pub struct Service {
    /// Its name in the registry.
    pub name: &'static str,
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
            proto_services: Vec::new(),
            routes: Routes::default(),
            checks: Vec::new(),
            workers: Vec::new(),
        }
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
