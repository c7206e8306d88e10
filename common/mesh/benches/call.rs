//! What the mesh costs: the same unary call over a bare tonic channel and through the mesh, in turns in one run.
//!
//! `cargo bench -p mesh` prints both and their ratio. The bare server has no layer, the mesh's opens the call's scope.
//! Machines drift from run to run: only the ratios mean anything.

#![allow(clippy::print_stdout, reason = "a bench is there to print")]

use std::{
    fs,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use common::{Call, SystemRandom};
use mesh::{
    EmbeddedRegistry, Instance, Mesh, MeshSettings, Method, MethodTable, Registrar as _, Shape,
    server::CallScope,
};
use tokio::{net::TcpListener, runtime::Runtime};
use tonic::{
    Request, Response, Status,
    body::Body,
    client::GrpcService,
    transport::{Endpoint, Server, server::TcpIncoming},
};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_client::HealthClient,
    health_server::{Health, HealthServer},
};

const ROUNDS: usize = 10;
const CALLS_PER_ROUND: usize = 4_000;
const CONCURRENCY: [usize; 2] = [1, 16];
const SERVICE: &str = "echo";

#[derive(Clone, Copy, Debug)]
struct Echo;

#[tonic::async_trait]
impl Health for Echo {
    type WatchStream = tokio_stream::Empty<Result<HealthCheckResponse, Status>>;

    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: 1 }))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}

/// What was measured of one way to call.
#[derive(Debug, Default)]
struct Measured {
    latencies: Vec<Duration>,
    cpu: Duration,
}

impl Measured {
    fn quantile_us(&mut self, quantile: f64) -> f64 {
        self.latencies.sort_unstable();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let index = ((self.latencies.len() - 1) as f64 * quantile) as usize;
        self.latencies[index].as_secs_f64() * 1e6
    }

    #[allow(clippy::cast_precision_loss)]
    fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.latencies.len() as f64
    }
}

fn main() {
    let runtime = Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let bare = HealthClient::new(
            Endpoint::from_shared(format!("http://{}", serve(None).await)).expect("a URI").connect_lazy(),
        );
        let scope = CallScope::new(Arc::new(SystemRandom), Duration::from_secs(5));
        let mesh = mesh_to(serve(Some(scope)).await).await;
        let meshed = HealthClient::new(mesh.channel(SERVICE));
        for concurrency in CONCURRENCY {
            compare(&bare, &meshed, concurrency).await;
        }
    });
}

async fn serve(scope: Option<CallScope>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let layer = tower::util::option_layer(scope);
    let server = Server::builder().layer(layer).add_service(HealthServer::new(Echo));
    tokio::spawn(server.serve_with_incoming(incoming));
    address
}

async fn mesh_to(address: SocketAddr) -> Mesh {
    let registry = EmbeddedRegistry::new();
    let instance = Instance::new(SERVICE, address, "bench");
    let _ = registry.announce(instance).await;
    let method = Method { repeatable: true, shape: Shape::Unary };
    let methods = MethodTable::from_iter([("/grpc.health.v1.Health/Check", method)]);
    Mesh::new(Arc::new(registry), Arc::new(SystemRandom), MeshSettings::new(methods))
}

async fn compare<A, B>(bare: &HealthClient<A>, meshed: &HealthClient<B>, concurrency: usize)
where
    A: GrpcService<Body> + Clone + Send + 'static,
    B: GrpcService<Body> + Clone + Send + 'static,
    A::ResponseBody: Send + 'static,
    B::ResponseBody: Send + 'static,
    <A::ResponseBody as http_body::Body>::Error: Into<tonic::codegen::StdError> + Send,
    <B::ResponseBody as http_body::Body>::Error: Into<tonic::codegen::StdError> + Send,
    A::ResponseBody: http_body::Body<Data = bytes::Bytes>,
    B::ResponseBody: http_body::Body<Data = bytes::Bytes>,
    A::Future: Send,
    B::Future: Send,
{
    let (mut without, mut with) = (Measured::default(), Measured::default());
    round(bare, concurrency).await;
    round(meshed, concurrency).await;
    for _ in 0..ROUNDS {
        without.add(round(bare, concurrency).await);
        with.add(round(meshed, concurrency).await);
    }
    println!("{concurrency} at a time, {} calls each way", without.latencies.len());
    for quantile in [0.5, 0.99] {
        let (a, b) = (without.quantile_us(quantile), with.quantile_us(quantile));
        println!("  p{:<2} µs  bare {a:7.1}  mesh {b:7.1}  ratio {:.3}", quantile * 100.0, b / a);
    }
    let (a, b) = (without.cpu_us(), with.cpu_us());
    println!("  CPU µs  bare {a:7.1}  mesh {b:7.1}  ratio {:.3}  (client and server)", b / a);
}

impl Measured {
    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.cpu += other.cpu;
    }
}

async fn round<S>(client: &HealthClient<S>, concurrency: usize) -> Measured
where
    S: GrpcService<Body> + Clone + Send + 'static,
    S::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<tonic::codegen::StdError> + Send,
    S::Future: Send,
{
    let before = cpu();
    let callers: Vec<_> = (0..concurrency)
        .map(|_| {
            let call = Call::begin(Duration::from_secs(60), &SystemRandom);
            tokio::spawn(call.scope(call_often(client.clone(), CALLS_PER_ROUND / concurrency)))
        })
        .collect();
    let mut latencies = Vec::with_capacity(CALLS_PER_ROUND);
    for caller in callers {
        latencies.extend(caller.await.expect("no call fails"));
    }
    Measured { latencies, cpu: cpu() - before }
}

async fn call_often<S>(mut client: HealthClient<S>, times: usize) -> Vec<Duration>
where
    S: GrpcService<Body>,
    S::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<tonic::codegen::StdError> + Send,
{
    let mut latencies = Vec::with_capacity(times);
    for _ in 0..times {
        let begun = Instant::now();
        client.check(HealthCheckRequest { service: "some.Service".to_owned() }).await.expect("it answers");
        latencies.push(begun.elapsed());
    }
    latencies
}

/// The CPU time that the threads of this process have used.
fn cpu() -> Duration {
    let threads = fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let used = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(used.sum())
}
