//! A collector for tests: takes spans over gRPC and HTTP as Jaeger does, keeps them, and shows them by trace.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{Span, status::StatusCode as SpanStatus},
};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

pub use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

/// Between two looks of [`OtlpReceiver::eventually`].
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A span as it was received; ids are lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub service: String,
    pub name: String,
    pub kind: SpanKind,
    pub trace_id: String,
    pub span_id: String,
    /// Empty without one.
    pub parent_id: String,
    /// Trace and span ids.
    pub links: Vec<(String, String)>,
    pub attributes: BTreeMap<String, String>,
    pub failed: bool,
}

/// The collector; it stops when it is dropped.
#[derive(Debug)]
pub struct OtlpReceiver {
    pub grpc: SocketAddr,
    pub http: SocketAddr,
    received: Store,
    _stop: DropGuard,
}

#[derive(Clone, Debug, Default)]
struct Store(Arc<Mutex<Vec<Received>>>);

impl OtlpReceiver {
    /// Listens on free ports of loopback.
    pub async fn start() -> Self {
        let stop = CancellationToken::new();
        let received = Store::default();
        let listeners = [listen().await, listen().await];
        let [grpc, http] = [0, 1].map(|i| listeners[i].local_addr().unwrap());
        let [for_grpc, for_http] = listeners;
        let service = TraceServiceServer::new(received.clone());
        let incoming = TcpIncoming::from(for_grpc);
        let end = stop.clone().cancelled_owned();
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming_shutdown(incoming, end));
        let router = Router::new().route("/v1/traces", post(take)).with_state(received.clone());
        let serving = axum::serve(for_http, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::spawn(async move { serving.await });
        Self { grpc, http, received, _stop: stop.drop_guard() }
    }

    /// Everything so far.
    #[must_use]
    pub fn spans(&self) -> Vec<Received> {
        self.received.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The spans of one trace.
    #[must_use]
    pub fn trace(&self, trace_id: &str) -> Vec<Received> {
        self.spans().into_iter().filter(|span| span.trace_id == trace_id).collect()
    }

    /// Waits until some spans are as they should be; panics, saying what was expected, when they are not in time.
    pub async fn eventually(&self, limit: Duration, expected: &str, is_so: impl Fn(&[Received]) -> bool) {
        let until = tokio::time::Instant::now() + limit;
        while !is_so(&self.spans()) {
            assert!(tokio::time::Instant::now() < until, "in {limit:?} it never came to this: {expected}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// The spans whose parent is not among them; the ends of a trace's threads.
#[must_use]
pub fn orphans(spans: &[Received]) -> Vec<&Received> {
    let ids: BTreeSet<_> = spans.iter().map(|span| span.span_id.as_str()).collect();
    spans.iter().filter(|span| !ids.contains(span.parent_id.as_str())).collect()
}

/// The services that made the spans.
#[must_use]
pub fn services(spans: &[Received]) -> BTreeSet<&str> {
    spans.iter().map(|span| span.service.as_str()).collect()
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

#[tonic::async_trait]
impl TraceService for Store {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.add(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse { partial_success: None }))
    }
}

async fn take(State(store): State<Store>, body: Bytes) -> StatusCode {
    match ExportTraceServiceRequest::decode(body) {
        Ok(request) => {
            store.add(request);
            StatusCode::OK
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

impl Store {
    fn add(&self, request: ExportTraceServiceRequest) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for from in request.resource_spans {
            let service = service_name(from.resource);
            let spans = from.scope_spans.into_iter().flat_map(|scope| scope.spans);
            all.extend(spans.map(|span| received(&service, span)));
        }
    }
}

fn service_name(resource: Option<Resource>) -> String {
    let attributes = resource.map(|resource| texts(resource.attributes)).unwrap_or_default();
    attributes.get("service.name").cloned().unwrap_or_default()
}

fn received(service: &str, span: Span) -> Received {
    Received {
        service: service.to_owned(),
        kind: span.kind(),
        name: span.name,
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_id: hex(&span.parent_span_id),
        links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
        attributes: texts(span.attributes),
        failed: span.status.is_some_and(|status| status.code() == SpanStatus::Error),
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    attributes.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
