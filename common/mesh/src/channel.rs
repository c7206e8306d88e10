//! The channel to a service: what a generated client is built on.

use std::{
    collections::HashMap,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use common::Random;
use futures::future::BoxFuture;
use tonic::{Status, body::Body};

use crate::discovery::Resolver;

/// What the data plane is told.
#[derive(Clone, Debug)]
pub struct MeshSettings {
    /// Deadline of a call whose task has none.
    pub default_timeout: Duration,
    /// `/package.Service/Method` → whether repeating it is safe.
    pub repeatable: Arc<HashMap<String, bool>>,
}

/// The data plane of one process: one channel per target service, shared by all clients.
#[derive(Clone, Debug)]
pub struct Mesh {
    _resolver: Arc<dyn Resolver>,
    _random: Arc<dyn Random>,
    _settings: MeshSettings,
}

impl Mesh {
    #[must_use]
    pub fn new(resolver: Arc<dyn Resolver>, random: Arc<dyn Random>, settings: MeshSettings) -> Self {
        Self { _resolver: resolver, _random: random, _settings: settings }
    }

    /// The channel to a service; cheap to clone, connects ahead of need.
    #[must_use]
    pub fn channel(&self, service: &'static str) -> MeshChannel {
        let _ = service;
        MeshChannel {}
    }
}

/// Calls one service: picks an endpoint, sends the remaining deadline, retries what is safe.
#[derive(Clone, Debug)]
pub struct MeshChannel {}

impl tower::Service<http::Request<Body>> for MeshChannel {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<Body>) -> Self::Future {
        Box::pin(async { Err(Status::unavailable("no endpoint")) })
    }
}
