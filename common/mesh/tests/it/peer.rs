//! A scripted peer (the gRPC health service with any answer) and a mesh that calls it.

use std::{
    fmt,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{Call, Deadline, SystemRandom, TraceContext};
use futures::{Stream, future::BoxFuture};
use mesh::{
    EmbeddedRegistry, Instance, Mesh, MeshChannel, MeshSettings, Method, MethodTable, Registrar,
    Registration, Shape, server::CallScope,
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status,
    metadata::MetadataMap,
    transport::{Server, server::TcpIncoming},
};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_client::HealthClient,
    health_server::{Health, HealthServer},
};

pub(crate) const SERVICE: &str = "peer";
/// Streams that a peer allows on one connection; more than the 100 that a client opens before it is told.
pub(crate) const STREAMS: u32 = 128;
/// No test waits longer for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What reached the peer.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) metadata: MetadataMap,
    pub(crate) call: Option<Call>,
    /// 0 for the first call.
    pub(crate) number: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        Some(self.metadata.get(name)?.to_str().unwrap().to_owned())
    }
}

pub(crate) type Messages = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;
type Answer = Arc<dyn Fn(Seen) -> BoxFuture<'static, Result<(), Status>> + Send + Sync>;
type Streamed = Arc<dyn Fn() -> Messages + Send + Sync>;

#[derive(Clone)]
struct Script {
    answer: Answer,
    streamed: Streamed,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Script {
    fn see(&self, metadata: &MetadataMap) -> Seen {
        let mut all = self.seen.lock().unwrap();
        let seen = Seen { metadata: metadata.clone(), call: Call::current(), number: all.len() };
        all.push(seen.clone());
        seen
    }
}

#[tonic::async_trait]
impl Health for Script {
    type WatchStream = Messages;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let seen = self.see(request.metadata());
        (self.answer)(seen).await?;
        Ok(Response::new(HealthCheckResponse { status: 1 }))
    }

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Messages>, Status> {
        let seen = self.see(request.metadata());
        (self.answer)(seen).await?;
        Ok(Response::new((self.streamed)()))
    }
}

/// A running peer.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    script: Script,
    stop: CancellationToken,
    served: JoinHandle<()>,
    /// Its own, so that it can die with all its connections.
    runtime: Option<Runtime>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Peer {
    /// A peer whose calls end as the closure says.
    pub(crate) async fn start<F, A>(answer: A) -> Self
    where
        A: Fn(Seen) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Status>> + Send + 'static,
    {
        Self::streaming(answer, || Box::pin(futures::stream::empty())).await
    }

    /// A peer that answers every call well.
    pub(crate) async fn good() -> Self {
        Self::start(|_| async { Ok(()) }).await
    }

    pub(crate) async fn streaming<F, A, S>(answer: A, streamed: S) -> Self
    where
        A: Fn(Seen) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Status>> + Send + 'static,
        S: Fn() -> Messages + Send + Sync + 'static,
    {
        let script = Script {
            answer: Arc::new(move |seen| Box::pin(answer(seen))),
            streamed: Arc::new(streamed),
            seen: Arc::default(),
        };
        Self::serve(script, "127.0.0.1:0".parse().unwrap()).await
    }

    async fn serve(script: Script, address: SocketAddr) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let bound = runtime.spawn(TcpListener::bind(address));
        let listener = bound.await.unwrap().unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let scope = CallScope::new(Arc::new(SystemRandom), Duration::from_secs(5));
        let served = Server::builder()
            .max_concurrent_streams(STREAMS)
            .layer(scope)
            .add_service(HealthServer::new(script.clone()))
            .serve_with_incoming_shutdown(TcpIncoming::from(listener), stop.clone().cancelled_owned());
        let served = runtime.spawn(async move { served.await.unwrap() });
        Self { address, script, stop, served, runtime: Some(runtime) }
    }

    /// Stops in good order and starts again at the same address.
    pub(crate) async fn restart(self) -> Self {
        let (script, address) = (self.script.clone(), self.address);
        self.stop().await;
        Self::serve(script, address).await
    }

    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        (&mut self.served).await.unwrap();
    }

    /// Stops as a crash does: connections are cut.
    pub(crate) fn kill(self) {
        drop(self);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.script.seen.lock().unwrap().clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.script.seen.lock().unwrap().len()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A registry and a mesh over it.
pub(crate) struct Net {
    pub(crate) registry: EmbeddedRegistry,
    pub(crate) mesh: Mesh,
}

impl Net {
    /// `Check` may be repeated, or not.
    pub(crate) fn new(repeatable: bool) -> Self {
        let check = Method { repeatable, shape: Shape::Unary };
        let watch = Method { repeatable: true, shape: Shape::ServerStream };
        let methods: MethodTable =
            [("/grpc.health.v1.Health/Check", check), ("/grpc.health.v1.Health/Watch", watch)]
                .into_iter()
                .collect();
        let registry = EmbeddedRegistry::new();
        let resolver = Arc::new(registry.clone());
        Self { registry, mesh: Mesh::new(resolver, Arc::new(SystemRandom), MeshSettings::new(methods)) }
    }

    pub(crate) async fn announce(&self, address: SocketAddr) -> Box<dyn Registration> {
        self.registry.announce(Instance::new(SERVICE, address, "test")).await.unwrap()
    }

    pub(crate) fn client(&self) -> HealthClient<MeshChannel> {
        HealthClient::new(self.mesh.channel(SERVICE))
    }

    pub(crate) async fn check(&self) -> Result<(), Status> {
        self.client().check(HealthCheckRequest::default()).await.map(|_| ())
    }

    /// Waits until this many endpoints have a connection.
    pub(crate) async fn connected(&self, endpoints: usize) {
        let _ = self.mesh.channel(SERVICE);
        eventually(|| {
            self.mesh.report().services[0].endpoints.iter().filter(|e| e.connections > 0).count() == endpoints
        })
        .await;
    }
}

/// Runs the future as a call with this much time.
pub(crate) async fn within<T>(timeout: Duration, future: impl Future<Output = T>) -> T {
    Call::new(Deadline::after(timeout), trace()).scope(future).await
}

pub(crate) fn trace() -> TraceContext {
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap()
}

/// Waits for a condition, with a bound.
pub(crate) async fn eventually(condition: impl Fn() -> bool) {
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, met).await.expect("the condition was never met");
}
