//! Live hints: lossy, but never silently so.

use std::sync::Arc;

use super::{
    Harness,
    sample::{SOON, event, events, publish},
};

pub(super) async fn hints_tell_of_their_pattern_from_now_on(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    publish(&*bus, &[event("order.ready", "before")]).await;
    let mut hints = bus.hints("order.*").await.unwrap();
    publish(&*bus, &[event("stock.low", "foreign"), event("order.paid", "mine")]).await;
    let hint = tokio::time::timeout(SOON, hints.next()).await.unwrap().expect("nothing was lost");
    assert_eq!((hint.event_type.as_str(), hint.subject.as_str()), ("order.paid", "mine"));
}

pub(super) async fn a_slow_reader_of_hints_loses_the_oldest_and_is_told(harness: Arc<dyn Harness>) {
    /// More than any adapter may keep, also one that rounds its bound up.
    const EVENTS: usize = 20_000;
    let bus = harness.open().await;
    let mut hints = bus.hints("stock.*").await.unwrap();
    for batch in events("stock.low", EVENTS).chunks(1000) {
        publish(&*bus, batch).await;
    }
    let first = tokio::time::timeout(SOON, hints.next()).await.unwrap();
    assert!(first.is_none(), "the reader is told that some were lost");
    let next = tokio::time::timeout(SOON, hints.next()).await.unwrap().unwrap();
    assert!(next.subject.parse::<usize>().unwrap() > 0, "the oldest was dropped");
}
