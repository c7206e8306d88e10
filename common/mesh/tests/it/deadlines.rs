//! Deadlines and traces: they travel, shrink and end things on both sides.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mesh::server::CallScope;
use tokio::{sync::mpsc, time::Instant};
use tonic::{Code, Status, body::Body};
use tower::{Layer as _, ServiceExt as _};

use crate::peer::{Net, Peer, eventually, trace, within};

fn micros(header: &str) -> u64 {
    header.strip_suffix('u').unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_deadline_shrinks_and_the_trace_stays_over_two_hops() {
    let (first, second) = (Net::new(true), Net::new(true));
    let last = Peer::good().await;
    second.announce(last.address).await;
    let onward = second.mesh.clone();
    let middle = Peer::start(move |_| {
        let mut client =
            tonic_health::pb::health_client::HealthClient::new(onward.channel(crate::peer::SERVICE));
        async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            client.check(tonic_health::pb::HealthCheckRequest::default()).await.map(|_| ())
        }
    })
    .await;
    first.announce(middle.address).await;

    within(Duration::from_secs(2), first.check()).await.unwrap();

    let [at_middle, at_last] = [middle.seen().remove(0), last.seen().remove(0)];
    let timeouts = [&at_middle, &at_last].map(|seen| micros(&seen.header("grpc-timeout").unwrap()));
    assert!(timeouts[0] <= 2_000_000, "{timeouts:?}");
    assert!(timeouts[1] <= timeouts[0] - 50_000, "{timeouts:?}");
    for seen in [&at_middle, &at_last] {
        assert_eq!(seen.call.unwrap().trace.trace_id(), trace().trace_id());
    }
    let spans = [&at_middle, &at_last].map(|seen| seen.header("traceparent").unwrap());
    assert!(spans[0] != spans[1] && spans[0] != trace().to_string(), "each attempt is a span of its own");
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_on_both_sides() {
    let net = Net::new(true);
    let (started, mut handlers) = mpsc::unbounded_channel();
    // The handler holds its end of a channel for as long as it lives.
    let peer = Peer::start(move |_| {
        let (alive, dropped) = mpsc::channel::<()>(1);
        started.send(dropped).unwrap();
        async move {
            let _alive = alive;
            std::future::pending().await
        }
    })
    .await;
    net.announce(peer.address).await;
    net.connected(1).await;

    let begun = Instant::now();
    let status = within(Duration::from_millis(200), net.check()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(begun.elapsed() >= Duration::from_millis(200) && begun.elapsed() < Duration::from_secs(2));
    let mut handler = handlers.recv().await.unwrap();
    let gone = tokio::time::timeout(Duration::from_secs(2), handler.recv()).await;
    assert_eq!(gone.expect("the handler still runs"), None);
    let report = net.mesh.report();
    assert_eq!((report.services[0].endpoints[0].pending, report.services[0].errors), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_server_refuses_late_work_and_drops_what_becomes_late() {
    let handled = Arc::new(AtomicUsize::new(0));
    let count = handled.clone();
    let handler = tower::service_fn(move |_: http::Request<()>| {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<Result<http::Response<Body>, Infallible>>()
    });
    let server = CallScope::new(Arc::new(common::SystemRandom), Duration::from_secs(5)).layer(handler);
    for (timeout, waited_ms, handlers) in
        [(Some("0u"), 0, 0), (Some("50m"), 50, 1), (Some("9H"), 60_000, 2), (None, 5_000, 3)]
    {
        let mut request = http::Request::new(());
        if let Some(timeout) = timeout {
            request.headers_mut().insert("grpc-timeout", timeout.parse().unwrap());
        }
        let begun = Instant::now();
        let answer = server.clone().oneshot(request).await.unwrap();
        assert_eq!(Status::from_header_map(answer.headers()).unwrap().code(), Code::DeadlineExceeded);
        let waited = begun.elapsed().as_millis();
        assert!((waited_ms..waited_ms + 2).contains(&waited), "{timeout:?}: {waited} ms");
        assert_eq!(handled.load(Ordering::Relaxed), handlers, "{timeout:?}");
    }
}

#[tokio::test]
async fn what_is_late_is_not_sent() {
    let net = Net::new(true);
    let peer = Peer::good().await;
    net.announce(peer.address).await;
    net.connected(1).await;
    let status = within(Duration::ZERO, net.check()).await.unwrap_err();
    assert_eq!((status.code(), peer.calls()), (Code::DeadlineExceeded, 0));
}

#[tokio::test]
async fn a_call_without_an_endpoint_waits_a_second_at_most_and_for_the_first_that_comes() {
    let net = Net::new(true);
    let begun = Instant::now();
    let status = within(Duration::from_secs(5), net.check()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(begun.elapsed() >= Duration::from_secs(1) && begun.elapsed() < Duration::from_secs(3));

    let peer = Peer::good().await;
    let waiting = {
        let mut client = net.client();
        tokio::spawn(async move { client.check(tonic_health::pb::HealthCheckRequest::default()).await })
    };
    eventually(|| net.mesh.report().services[0].calls == 2).await;
    net.announce(peer.address).await;
    waiting.await.unwrap().unwrap();
}
