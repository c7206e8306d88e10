//! Over real sockets: sizes and times are bounded, and the client sees the answer.

use std::{net::SocketAddr, time::Duration};

use runtime::http::{HttpLimits, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::world::{PATIENCE, World};

async fn listen(world: &World, limits: HttpLimits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, world.router.clone(), limits, world.platform.tasks.shutdown()));
    address
}

/// Sends bytes and reads until the server closes or `enough` is there.
async fn talk(address: SocketAddr, bytes: &[u8], enough: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut answer = Vec::new();
    let talking = async {
        // A server that has heard enough may close while we still write.
        let _ = stream.write_all(bytes).await;
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..read]);
            if String::from_utf8_lossy(&answer).contains(enough) {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, talking).await.expect("the server answers or closes in time");
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").as_bytes(), body].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_large_is_refused_and_its_sender_sees_why() {
    let world = World::start().await;
    let address = listen(&world, HttpLimits::default()).await;
    let two_megabytes = vec![b' '; 2 << 20];
    let announced = format!("Content-Length: {}\r\n", two_megabytes.len());
    let answer =
        talk(address, &post("/api/customers/2/orders", &announced, &two_megabytes), "request_id").await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("body_too_large"), "{answer}");
    let mut chunked = b"10000\r\n".to_vec();
    chunked.extend_from_slice(&vec![b' '; 0x10000]);
    chunked.extend_from_slice(b"\r\n");
    let body = [chunked.repeat(5), b"0\r\n\r\n".to_vec()].concat();
    let sent = post("/api/customers/2/orders", "Transfer-Encoding: chunked\r\n", &body);
    let answer = talk(address, &sent, "request_id").await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("body_too_large"), "{answer}");
    let expecting = format!("Content-Length: {}\r\nExpect: 100-continue\r\n", 1 << 30);
    let answer = talk(address, &post("/api/customers/2/orders", &expecting, b""), "request_id").await;
    assert!(answer.starts_with("HTTP/1.1 413"), "nothing is read of a client that waits: {answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_are_bounded_in_fields_bytes_and_time() {
    let world = World::start().await;
    let limits = HttpLimits { header_read: Duration::from_millis(300), ..HttpLimits::default() };
    let address = listen(&world, limits).await;
    let fields = "X-A: b\r\n".repeat(101);
    let answer = talk(address, &post("/webhook", &fields, b""), "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let long = format!("X-A: {}\r\n", "b".repeat(70_000));
    let answer = talk(address, &post("/webhook", &long, b""), "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let silent = talk(address, b"", "never").await;
    assert!(!silent.contains("200 OK"), "{silent}");
    let slow = talk(address, b"GET /health HTTP/1.1\r\nHost: localh", "never").await;
    assert!(!slow.contains("200 OK"), "{slow}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_kept_after_a_problem_and_a_stream_ends_at_drain() {
    let world = World::start().await;
    let address = listen(&world, HttpLimits::default()).await;
    let bad = post("/api/customers/2/orders", "Content-Length: 1\r\n", b"{");
    let two = [bad, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()].concat();
    let answer = talk(address, &two, r#"{"status":"ok"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("HTTP/1.1 200"), "{answer}");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /api/kitchen/events HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut first = [0; 1024];
    assert!(stream.read(&mut first).await.unwrap() > 0);
    world.platform.tasks.shutdown().cancel();
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the stream ends").unwrap();
}
