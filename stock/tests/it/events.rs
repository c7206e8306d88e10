//! What stock tells the others, and when it keeps quiet.

use std::time::Duration;

use common::{Call, Code, TraceContext};
use store::DocumentStore as _;

use crate::bench::Bench;

/// Types and subjects of everything in the outbox.
async fn told(bench: &Bench) -> Vec<(String, String)> {
    let entries = bench.store.claim_outbox(100, Duration::from_secs(1)).await.unwrap();
    bench.store.trim_outbox(&entries).await.unwrap();
    entries.into_iter().map(|entry| (entry.event.event_type, entry.event.subject)).collect()
}

#[tokio::test]
async fn each_move_is_told_once_however_often_it_is_asked_for() {
    let bench = Bench::with(&[50]).await;
    let order = bench.order();
    let event = |kind: &str| vec![(kind.to_owned(), order.to_string())];
    for _ in 0..2 {
        bench.reserve(order, &[("a", 2)]).await.unwrap();
    }
    assert_eq!(told(&bench).await, event("stock.reserved"));
    for _ in 0..2 {
        bench.stock.commit(order).await.unwrap();
    }
    assert_eq!(told(&bench).await, event("stock.committed"));
    for _ in 0..2 {
        bench.stock.release(order, false).await.unwrap();
    }
    assert_eq!(told(&bench).await, event("stock.released"));
    bench.stock.release(bench.order(), false).await.unwrap();
    assert_eq!(told(&bench).await, [], "a tombstone is no news");
}

#[tokio::test]
async fn low_stock_is_told_once_per_crossing() {
    let bench = Bench::with(&[8]).await;
    let low = |told: &[(String, String)]| told.iter().filter(|(kind, _)| kind == "stock.low").count();
    let orders = [bench.order(), bench.order(), bench.order()];
    bench.reserve(orders[0], &[("a", 2)]).await.unwrap();
    assert_eq!(low(&told(&bench).await), 0);
    bench.reserve(orders[1], &[("a", 1)]).await.unwrap();
    assert_eq!(low(&told(&bench).await), 1);
    bench.reserve(orders[2], &[("a", 1)]).await.unwrap();
    bench.stock.commit(orders[2]).await.unwrap();
    assert_eq!(low(&told(&bench).await), 0);
    bench.stock.release(orders[0], false).await.unwrap();
    bench.reserve(bench.order(), &[("a", 1)]).await.unwrap();
    assert_eq!(low(&told(&bench).await), 1);
}

#[tokio::test]
async fn an_event_carries_the_trace_of_the_call_that_caused_it() {
    let bench = Bench::with(&[8]).await;
    let trace: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
    let call = Call::new(common::Deadline::after(Duration::from_secs(5)), trace);
    call.scope(bench.reserve(bench.order(), &[("a", 1)])).await.unwrap();
    let entries = bench.store.claim_outbox(10, Duration::from_secs(1)).await.unwrap();
    assert_eq!(entries[0].event.trace, Some(trace));
    assert_eq!(bench.reserve(bench.order(), &[]).await.unwrap_err().code(), Code::InvalidRequest);
}
