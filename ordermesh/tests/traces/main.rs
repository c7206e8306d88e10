//! Traces of a whole mesh in one process, as a collector sees them. Needs the feature `networked`, and no server.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod journey;

use std::time::Duration;

use ordermesh::all_in_one::{AllInOne, Options};
use reqwest::{Client, Method};
use runtime::Settings;
use serde_json::{Value, json};
use testkit::otlp::OtlpReceiver;

use journey::{Journey, TRACE};

/// How long anything may take that should happen by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mesh on free ports that sends its traces to this address.
async fn mesh(folder: &std::path::Path, endpoint: String, protocol: &str) -> AllInOne {
    let free = [
        "HTTP_ADDR",
        "ORDERS_GRPC_ADDR",
        "PAYMENTS_GRPC_ADDR",
        "STOCK_GRPC_ADDR",
        "KITCHEN_GRPC_ADDR",
        "SANDBOX_ADDR",
    ];
    let settings = free
        .into_iter()
        .fold(Settings::defaults(), |settings, name| settings.with(name, "127.0.0.1:0"))
        .with("DATA_DIR", folder.display().to_string())
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .with("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
    AllInOne::start(Options::new(settings)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_order_is_one_unbroken_trace_from_the_curl_to_the_collected_meal() {
    let (folder, collector) = (tempfile::tempdir().unwrap(), OtlpReceiver::start().await);
    let mesh = mesh(folder.path(), format!("http://{}", collector.grpc), "grpc").await;
    let order = Journey::walk(&mesh).await;
    assert_eq!(order.seen["trace_id"], TRACE, "whoever looks at the order learns its trace");
    let last = |spans: &[testkit::otlp::Received]| {
        spans.iter().any(|span| {
            span.trace_id == TRACE
                && span.name == "process orders.audit"
                && span.attributes.get("ordermesh.event.type").is_some_and(|kind| kind == "order.completed")
        })
    };
    collector.eventually(PATIENCE, "the order's last event is in its trace", last).await;
    mesh.stop().await;
    journey::assert_is_unbroken(&collector, &order);
    journey::assert_hops_are_right(&collector);
    journey::assert_requests_are_linked(&collector);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_collector_orders_flow_and_the_lost_spans_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mesh = mesh(folder.path(), format!("http://{nobody}"), "grpc").await;
    let order = Journey::walk(&mesh).await;
    assert_eq!(order.seen["status"], "completed");
    let until = tokio::time::Instant::now() + PATIENCE;
    while count(&mesh, "ordermesh_trace_spans_dropped_total") == 0 {
        assert!(tokio::time::Instant::now() < until, "no lost span is counted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(count(&mesh, "ordermesh_trace_spans_exported_total"), 0);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_go_over_http_too() {
    let (folder, collector) = (tempfile::tempdir().unwrap(), OtlpReceiver::start().await);
    let mesh = mesh(folder.path(), format!("http://{}", collector.http), "http/protobuf").await;
    let url = format!("http://{}/api/items", mesh.addresses.gateway);
    assert!(Client::new().get(url).send().await.unwrap().status().is_success());
    mesh.stop().await;
    let spans = collector.spans();
    let asked = spans.iter().find(|span| span.name == "GET /api/items").expect("the gateway's span");
    let listed = "ordermesh.stock.v1.StockService/ListItems";
    let served = spans.iter().find(|span| span.service == "stock" && span.name == listed);
    assert_eq!(served.expect("stock's span").trace_id, asked.trace_id);
}

fn count(mesh: &AllInOne, name: &str) -> u64 {
    let text = mesh.platform().metrics.render();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("it is shown");
    line.trim().parse().unwrap()
}

/// A request with JSON both ways.
async fn send(http: &Client, (method, url): (Method, String), body: Option<Value>) -> Value {
    let request = http.request(method, &url).header("traceparent", journey::parent_of(&url));
    let answer = request.json(&body.unwrap_or_else(|| json!({}))).send().await.unwrap();
    assert!(answer.status().is_success(), "{url}: {}", answer.status());
    answer.json().await.unwrap()
}
