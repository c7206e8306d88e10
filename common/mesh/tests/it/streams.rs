//! Streams: bounded until they begin, then for as long as both ends want them.

use std::time::Duration;

use tokio::sync::watch;
use tokio_stream::{StreamExt as _, wrappers::WatchStream};
use tonic::{Code, Status};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::peer::{Net, PATIENCE, Peer, SERVICE, STREAMS, eventually, within};

#[tokio::test]
async fn a_stream_outlives_the_deadline_of_its_call() {
    let net = Net::new(true);
    let (sender, receiver) = watch::channel(0);
    let peer = Peer::streaming(
        |_| async { Ok(()) },
        move || Box::pin(WatchStream::new(receiver.clone()).map(|status| Ok(HealthCheckResponse { status }))),
    )
    .await;
    net.announce(peer.address).await;

    let deadline = Duration::from_millis(150);
    let mut client = net.client();
    let answer = within(deadline, client.watch(HealthCheckRequest::default())).await.unwrap();
    let mut messages = answer.into_inner();
    assert_eq!(messages.message().await.unwrap().unwrap().status, 0);
    // The time itself is what is tested: nothing may happen when it passes.
    tokio::time::sleep(2 * deadline).await;
    sender.send(2).unwrap();
    assert_eq!(messages.message().await.unwrap().unwrap().status, 2);
    drop(sender);
    assert!(messages.message().await.unwrap().is_none());
    assert_eq!(net.mesh.report().services[0].endpoints[0].pending, 0, "streams are outside of the load");
}

#[tokio::test]
async fn a_stream_that_does_not_begin_ends_at_the_deadline_and_a_refused_one_is_tried_again() {
    let net = Net::new(true);
    let peer = Peer::start(|seen| async move {
        match seen.number {
            0 => Err(Status::unavailable("starting")),
            1 => Ok(()),
            _ => std::future::pending().await,
        }
    })
    .await;
    net.announce(peer.address).await;
    let mut client = net.client();
    within(Duration::from_secs(2), client.watch(HealthCheckRequest::default())).await.unwrap();
    assert_eq!(peer.calls(), 2);
    let late = within(Duration::from_millis(100), client.watch(HealthCheckRequest::default())).await;
    assert_eq!(late.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn streams_do_not_take_the_places_of_calls_and_calls_beyond_the_limit_wait_for_theirs() {
    let net = Net::new(true);
    let peer = Peer::streaming(|_| async { Ok(()) }, || Box::pin(futures::stream::pending())).await;
    net.announce(peer.address).await;
    let _ = net.mesh.channel(SERVICE);
    eventually(|| net.mesh.report().services[0].endpoints[0].connections == 2).await;
    let mut open = Vec::new();
    for _ in 0..STREAMS {
        let mut client = net.client();
        open.push(within(PATIENCE, client.watch(HealthCheckRequest::default())).await.unwrap());
    }
    let calls = (0..4 * STREAMS).map(|_| within(PATIENCE, net.check()));
    for answer in futures::future::join_all(calls).await {
        answer.unwrap();
    }
}
