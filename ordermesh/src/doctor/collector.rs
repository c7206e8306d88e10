//! Where traces go: an export of nothing, over gRPC or HTTP, as the settings say.

use std::error::Error;

use bytes::Bytes;
use common::Fault;
use http::{Request, header::CONTENT_TYPE, uri::PathAndQuery};
use runtime::Settings;
use tonic::{client::Grpc, transport::Endpoint};
use tonic_prost::ProstCodec;

use super::{
    http::send,
    probe::{Finding, Probe},
    tcp::{authority, connect},
};

const EXPORT: PathAndQuery =
    PathAndQuery::from_static("/opentelemetry.proto.collector.trace.v1.TraceService/Export");
const GRPC_PORT: u16 = 4317;
const FIX: &str =
    "start the collector (Jaeger takes gRPC at 4317, HTTP at 4318), or unset OTEL_EXPORTER_OTLP_ENDPOINT";

pub(super) fn probe(settings: &Settings) -> Option<Probe> {
    let endpoint = settings.text("OTEL_EXPORTER_OTLP_ENDPOINT")?.trim_end_matches('/').to_owned();
    let over = settings.text("OTEL_EXPORTER_OTLP_PROTOCOL").unwrap_or("grpc").to_owned();
    Some(Probe::new("trace collector", endpoint.clone(), FIX, async move {
        let exported = if over == "grpc" { over_grpc(&endpoint).await } else { over_http(&endpoint).await };
        match exported {
            Ok(()) => Finding::ok("takes an export"),
            // Traces that go nowhere cost a counter: the mesh works without them.
            Err(fault) => Finding::warn(fault.detail().unwrap_or(fault.public()), FIX),
        }
    }))
}

async fn over_http(endpoint: &str) -> Result<(), Fault> {
    let request =
        Request::post(format!("{endpoint}/v1/traces")).header(CONTENT_TYPE, "application/x-protobuf");
    let request = request.body(Bytes::new()).map_err(|error| lost(&error))?;
    match send(request).await?.status() {
        status if status.is_success() => Ok(()),
        status => Err(Fault::unavailable(format!("an export is answered with {status}"))),
    }
}

/// Over TLS only the connection is tried.
async fn over_grpc(endpoint: &str) -> Result<(), Fault> {
    if endpoint.starts_with("https:") {
        return connect(&authority(endpoint, GRPC_PORT).unwrap_or_default()).await.map(drop);
    }
    let endpoint = Endpoint::from_shared(endpoint.to_owned()).map_err(|error| lost(&error))?;
    let mut client = Grpc::new(endpoint.connect().await.map_err(|error| lost(&error))?);
    client.ready().await.map_err(|error| lost(&error))?;
    // A request without fields is an export without spans; of the answer nothing is needed.
    let codec: ProstCodec<(), ()> = ProstCodec::default();
    let answer = client.unary(tonic::Request::new(()), EXPORT, codec).await;
    answer
        .map(drop)
        .map_err(|status| Fault::unavailable(format!("an export is answered with {}", status.code())))
}

/// The innermost cause says what happened; those around it only where.
fn lost(error: &dyn Error) -> Fault {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    Fault::unavailable(cause.to_string())
}
