//! Faults over a real connection: what a client sees when a reply is dropped.

use http::StatusCode;
use runtime::http::{HttpLimits, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::support::Bench;

async fn exchange(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_dropped_reply_closes_the_connection_without_a_byte() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let server =
        tokio::spawn(serve(listener, bench.sandbox.router(), HttpLimits::default(), shutdown.clone()));

    let rule = r#"{"operation":"create_session","fault":"drop_reply_after_commit"}"#;
    let armed = exchange(
        address,
        &format!(
            "POST /sandbox/faults HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{rule}",
            rule.len()
        ),
    )
    .await;
    assert!(armed.starts_with("HTTP/1.1 200"), "{armed}");
    let form = bench.order("ord_1");
    let create = format!(
        "POST /v1/checkout/sessions HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer sk_test_1\r\n\
         idempotency-key: k1\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    assert_eq!(exchange(address, &create).await, "");
    let again = exchange(address, &create).await;
    assert!(again.starts_with("HTTP/1.1 200") && again.contains("idempotent-replayed: true"), "{again}");
    shutdown.cancel();
    server.await.unwrap();
}

#[tokio::test]
async fn faults_can_be_seen_and_switched_off_and_need_json() {
    let bench = Bench::new();
    let form = bench.post("/sandbox/faults", "operation=refund").await;
    assert_eq!(form.status, StatusCode::BAD_REQUEST);
    let rule =
        sandbox::Rule { times: 3, ..sandbox::Rule::once(sandbox::Operation::Refund, sandbox::Strike::Fail) };
    bench.sandbox.faults().arm(rule);
    let shown = bench.get("/sandbox/faults").await.json();
    assert_eq!(shown["faults"][0], serde_json::json!({"operation": "refund", "fault": "fail", "times": 3}));
    bench.sandbox.faults().clear();
    assert_eq!(bench.get("/sandbox/faults").await.json()["faults"], serde_json::json!([]));
}
