//! A service's gRPC server: limits, health, reflection, readiness, registration and an ordered stop.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use common::Fault;
use mesh::{Check, Instance, Peer, server::CallScope};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Server, server::TcpIncoming};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{
    announcer::Announcer,
    observer::CallObserver,
    platform::Platform,
    readiness::{Readiness, State, set_serving},
    service::Service,
};

/// Streams that one connection may have open; a mesh channel opens several connections.
const STREAMS_PER_CONNECTION: u32 = 1024;
/// Reset streams that may wait to be accepted: the answer to rapid reset.
const PENDING_RESETS: usize = 32;
/// Header bytes of one request.
const HEADER_BYTES: u32 = 16 * 1024;
/// A connection that is silent this long is pinged, and closed when the ping is not answered in [`PING_TIMEOUT`].
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// Deadline of a call that brings none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long calls under way may take once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// A service that listens.
#[derive(Debug)]
pub struct Running {
    pub name: &'static str,
    pub address: SocketAddr,
    proto_services: Vec<&'static str>,
    health: HealthReporter,
    readiness: watch::Receiver<State>,
    announcer: Announcer,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

/// Starts to serve on the listener, starts the workers, and announces the service once it is ready.
///
/// `internal` when the listener is broken.
pub async fn start(service: Service, listener: TcpListener, platform: &Platform) -> Result<Running, Fault> {
    let Service { name, advertised, tags, proto_services, routes, checks, workers } = service;
    let platform = &platform.of(name);
    let address = listener.local_addr().map_err(|e| Fault::internal(format!("{name}: listener: {e}")))?;
    let (health, health_server) = tonic_health::server::health_reporter();
    set_serving(&health, &proto_services, ServingStatus::NotServing).await;
    let stop = CancellationToken::new();
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let serving = limited_server()
        .layer(call_scope(name, platform))
        .add_routes(routes)
        .add_service(health_server)
        .add_service(reflection(&proto_services)?)
        .serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
    let server = tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(service = name, %error, "gRPC server ended");
        }
    });
    for (worker, run) in workers {
        platform.tasks.spawn(worker, run(platform.tasks.shutdown()));
    }
    let readiness = Readiness::watch(name, checks, health.clone(), proto_services.clone(), platform);
    let instance = instance(name, advertised.unwrap_or(Peer::Address(address)), &proto_services).tagged(tags);
    let announcer = Announcer::start(instance, Arc::clone(&platform.registrar), readiness.clone());
    Ok(Running { name, address, proto_services, health, readiness, announcer, stop, server })
}

impl Running {
    /// Waits until the service is ready and announced.
    pub async fn ready(&self) {
        self.announcer.announced().await;
    }

    /// What must answer, and whether it does, as it changes.
    #[must_use]
    pub fn readiness(&self) -> watch::Receiver<State> {
        self.readiness.clone()
    }

    /// Leaves the registry, refuses new calls, finishes those under way.
    pub async fn stop(self) {
        set_serving(&self.health, &self.proto_services, ServingStatus::NotServing).await;
        self.announcer.withdraw().await;
        self.stop.cancel();
        if tokio::time::timeout(DRAIN, self.server).await.is_err() {
            tracing::warn!(service = self.name, "calls were cut: they outlived the drain limit");
        }
    }
}

fn call_scope(name: &'static str, platform: &Platform) -> CallScope {
    CallScope::new(Arc::clone(&platform.random), DEFAULT_TIMEOUT)
        .traced(platform.spans.clone())
        .observed(name, Arc::new(CallObserver::answered(&platform.metrics)))
}

fn instance(name: &'static str, address: Peer, proto_services: &[&'static str]) -> Instance {
    let whole_server = "";
    let check = Check::Grpc { name: proto_services.first().copied().unwrap_or(whole_server) };
    Instance::new(name, address, env!("CARGO_PKG_VERSION")).checked_by(check)
}

fn limited_server() -> Server {
    Server::builder()
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS))
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_keepalive_interval(Some(PING_EVERY))
        .http2_keepalive_timeout(Some(PING_TIMEOUT))
}

fn reflection(
    proto_services: &[&'static str],
) -> Result<
    tonic_reflection::server::v1::ServerReflectionServer<impl tonic_reflection::server::v1::ServerReflection>,
    Fault,
> {
    let mut builder = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(contracts::descriptors::ENCODED)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    for name in proto_services {
        builder = builder.with_service_name(*name);
    }
    builder.build_v1().map_err(|e| Fault::internal(format!("reflection: {e}")))
}
