//! Retries: what is safe is tried again, within a budget, and nothing else is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tonic::{Code, Status};

use crate::peer::{Net, Peer, within};

const CALL: Duration = Duration::from_secs(5);

#[tokio::test]
async fn only_a_repeatable_method_is_repeated_and_only_after_what_no_handler_reports() {
    let reported = Status::with_details(Code::Unavailable, "provider down", Bytes::from_static(b"\x08\x0e"));
    let cases = [
        (true, Status::unavailable("stopping"), 3),
        (false, Status::unavailable("stopping"), 1),
        (true, reported, 1),
        (true, Status::internal("bug"), 1),
        (true, Status::resource_exhausted("full"), 1),
    ];
    for (repeatable, status, attempts) in cases {
        let net = Net::new(repeatable);
        let answer = status.clone();
        let peer = Peer::start(move |_| std::future::ready(Err(answer.clone()))).await;
        net.announce(peer.address).await;
        let seen = within(CALL, net.check()).await.unwrap_err();
        assert_eq!((seen.code(), seen.message()), (status.code(), status.message()));
        assert_eq!(peer.calls(), attempts, "repeatable: {repeatable}, {status:?}");
    }
}

#[tokio::test]
async fn a_retry_goes_to_another_endpoint() {
    let net = Net::new(true);
    let bad = Peer::start(|_| async { Err(Status::unavailable("stopping")) }).await;
    let good = Peer::good().await;
    net.announce(bad.address).await;
    net.announce(good.address).await;
    net.connected(2).await;
    for _ in 0..10 {
        within(CALL, net.check()).await.unwrap();
    }
    assert_eq!(good.calls(), 10);
}

#[tokio::test]
async fn when_every_endpoint_fails_the_retries_stay_within_their_budget() {
    const CALLS: usize = 400;
    /// Ten seconds' worth of the floor of one per second.
    const FLOOR: usize = 10;
    let net = Net::new(true);
    let peers = [
        Peer::start(|_| async { Err(Status::unavailable("down")) }).await,
        Peer::start(|_| async { Err(Status::unavailable("down")) }).await,
    ];
    for peer in &peers {
        net.announce(peer.address).await;
    }
    net.connected(2).await;
    let calls = (0..CALLS).map(|_| within(CALL, net.check()));
    for result in futures::future::join_all(calls).await {
        let status = result.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unavailable, "down"),
            "every attempt reaches a peer"
        );
    }
    let attempts: usize = peers.iter().map(Peer::calls).sum();
    assert!(attempts > CALLS, "nothing was retried");
    assert!(attempts <= CALLS + CALLS / 10 + FLOOR, "{attempts} attempts for {CALLS} calls");
}

#[tokio::test]
async fn a_restart_at_the_same_address_loses_no_repeatable_call() {
    let net = Arc::new(Net::new(true));
    let mut peer = Peer::start(|_| async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(())
    })
    .await;
    net.announce(peer.address).await;
    net.connected(1).await;

    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (net, stop, done) = (net.clone(), stop.clone(), done.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    within(CALL, net.check()).await.unwrap();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..3 {
        let before = done.load(Ordering::Relaxed);
        crate::peer::eventually(|| done.load(Ordering::Relaxed) >= before + 20).await;
        peer = peer.restart().await;
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("a call was lost");
    }
}

#[tokio::test]
async fn a_call_that_dies_with_its_peer_is_answered_by_another() {
    let net = Arc::new(Net::new(true));
    let stuck = Peer::start(|_| std::future::pending()).await;
    net.announce(stuck.address).await;
    net.connected(1).await;
    let caller = {
        let net = net.clone();
        tokio::spawn(async move { within(CALL, net.check()).await })
    };
    crate::peer::eventually(|| stuck.calls() == 1).await;
    let good = Peer::good().await;
    net.announce(good.address).await;
    net.connected(2).await;
    stuck.kill();
    caller.await.unwrap().unwrap();
    assert_eq!(good.calls(), 1);
    assert_eq!(net.mesh.report().services[0].retries, 1);
}
