//! Traces over OTLP, by gRPC or HTTP: each service of the process has its own resource, queue and sender. Exporting
//! never holds anybody up: what does not fit the queue, or cannot be delivered, is counted and gone.
//!
//! The ids and parents are the kernel's; of the SDK this uses the span's data, the resource and the sampler. Its own
//! batch processor is not used because it tells nobody what it dropped, and tracing-opentelemetry is not because a
//! parent that is set too late splits a trace silently there.

mod recorder;
mod sender;
mod settings;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use common::{Random, Spans};
use opentelemetry::KeyValue;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::{Resource, trace::SpanExporter as _};
use prometheus_client::metrics::counter::Counter;

use self::{recorder::ServiceRecorder, sender::Queue};
use super::Traces;
use crate::Metrics;

pub use settings::{OtlpSettings, Protocol, Sampler, pairs};

/// How long the end of a process waits for the collector to take what is queued.
const FLUSH_LIMIT: Duration = Duration::from_secs(3);
/// How long one export may take.
const EXPORT_LIMIT: Duration = Duration::from_secs(5);
/// The mesh, as the services' names are spelled within it.
const NAMESPACE: &str = "ordermesh";

/// The exporter of one process.
#[derive(Debug)]
pub struct OtlpTraces {
    settings: OtlpSettings,
    random: Arc<dyn Random>,
    /// Tells the processes of one service apart.
    instance: String,
    counts: Counts,
    services: Mutex<HashMap<&'static str, Service>>,
}

#[derive(Debug)]
struct Service {
    spans: Spans,
    queue: Queue,
}

/// What became of spans.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    pub(super) exported: Counter,
    pub(super) dropped: Counter,
    pub(super) failed_exports: Counter,
}

impl Counts {
    fn new(metrics: &Metrics) -> Self {
        Self {
            exported: metrics.counter("trace_spans_exported", "Spans that the collector took"),
            dropped: metrics.counter(
                "trace_spans_dropped",
                "Spans that were lost: the queue was full or an export failed",
            ),
            failed_exports: metrics.counter("trace_exports_failed", "Batches of spans that were not taken"),
        }
    }
}

impl OtlpTraces {
    /// Checks that an exporter can be made; nothing is connected to yet. The text says what is wrong.
    ///
    /// # Errors
    /// When the endpoint or the headers cannot be used.
    pub fn new(settings: OtlpSettings, random: Arc<dyn Random>, metrics: &Metrics) -> Result<Self, String> {
        exporter(&settings)?;
        let instance = format!("{:016x}", random.next_u64());
        let counts = metrics.shared(Counts::new);
        Ok(Self { settings, random, instance, counts, services: Mutex::default() })
    }

    fn start(&self, service: &'static str) -> Service {
        let mut exporter = exporter(&self.settings).expect("one was made with the same settings before");
        exporter.set_resource(&self.resource(service));
        let queue = Queue::start(exporter, self.counts.clone());
        let recorder = ServiceRecorder::new(queue.clone(), self.settings.sampler.clone());
        Service { spans: Spans::to(Arc::new(recorder), Arc::clone(&self.random)), queue }
    }

    /// OpenTelemetry's names for who made a span; the settings' own attributes win, but for the service's name.
    fn resource(&self, service: &'static str) -> Resource {
        let own = [
            ("service.namespace", NAMESPACE),
            ("service.version", env!("CARGO_PKG_VERSION")),
            ("service.instance.id", &self.instance),
        ];
        let mut attributes: HashMap<_, _> =
            own.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        attributes.extend(self.settings.resource.iter().cloned());
        attributes.remove("service.name");
        let name = self.settings.service_name.clone().unwrap_or_else(|| service.to_owned());
        let pairs = attributes.into_iter().map(|(key, value)| KeyValue::new(key, value));
        Resource::builder_empty().with_attributes(pairs).with_service_name(name).build()
    }
}

#[async_trait]
impl Traces for OtlpTraces {
    /// # Panics
    /// Outside of a tokio runtime.
    fn of(&self, service: &'static str) -> Spans {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        services.entry(service).or_insert_with(|| self.start(service)).spans.clone()
    }

    async fn flush(&self) {
        let queues: Vec<_> = {
            let services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
            services.values().map(|service| service.queue.clone()).collect()
        };
        let all = async {
            for queue in &queues {
                queue.flush().await;
            }
        };
        if tokio::time::timeout(FLUSH_LIMIT, all).await.is_err() {
            tracing::warn!("some spans were not sent: the collector did not take them in time");
        }
    }
}

fn exporter(settings: &OtlpSettings) -> Result<SpanExporter, String> {
    let told = |problem: &dyn fmt::Display| problem.to_string();
    let headers = settings.headers.iter().cloned().collect();
    match settings.protocol {
        Protocol::Grpc => {
            let headers: HashMap<String, String> = headers;
            let headers = http::HeaderMap::try_from(&headers).map_err(|e| told(&e))?;
            SpanExporter::builder()
                .with_tonic()
                .with_endpoint(&settings.endpoint)
                .with_timeout(EXPORT_LIMIT)
                .with_metadata(tonic::metadata::MetadataMap::from_headers(headers))
                .build()
                .map_err(|e| told(&e))
        }
        Protocol::HttpProtobuf => SpanExporter::builder()
            .with_http()
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", settings.endpoint.trim_end_matches('/')))
            .with_timeout(EXPORT_LIMIT)
            .with_headers(headers)
            .build()
            .map_err(|e| told(&e)),
    }
}
