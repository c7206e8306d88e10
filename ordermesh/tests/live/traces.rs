//! Traces of a whole mesh, in one process and in ten, as a collector sees them.

mod journey;

use std::time::Duration;

use ordermesh::all_in_one::{AllInOne, Options};
use reqwest::Client;
use runtime::Settings;
use testkit::otlp::OtlpReceiver;

use crate::support::{Cluster, Servers};
use journey::{Journey, PATIENCE, TRACE};

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
    let order = Journey::walk(&base(&mesh)).await;
    assert_eq!(order.seen["trace_id"], TRACE, "whoever looks at the order learns its trace");
    journey::is_complete(&collector).await;
    mesh.stop().await;
    journey::assert_is_right(&collector, &order);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_order_is_one_unbroken_trace_over_ten_processes_and_a_broker() {
    let (servers, collector) = (Servers::start().await, OtlpReceiver::start().await);
    let endpoint = format!("http://{}", collector.grpc);
    let mut cluster = Cluster::start(&servers, 2, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
    let order = Journey::walk(&cluster.gateway(1)).await;
    journey::is_complete(&collector).await;
    // Each sends what it still has when it is told to stop.
    cluster.terminate().await;
    journey::assert_is_right(&collector, &order);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_collector_orders_flow_and_the_lost_spans_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mesh = mesh(folder.path(), format!("http://{nobody}"), "grpc").await;
    let order = Journey::walk(&base(&mesh)).await;
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

fn base(mesh: &AllInOne) -> String {
    format!("http://{}", mesh.addresses.gateway)
}
