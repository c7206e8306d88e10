//! Who gets what, how often, and what a restart keeps.

use std::{collections::HashSet, sync::Arc};

use bus::Nack;
use common::{Code, Random as _, SystemRandom, TraceContext};

use super::{
    Harness, ORDERS, SOME,
    sample::{depth, drain, event, events, nothing, publish, take, until_depth},
};

pub(super) async fn an_event_reaches_the_queues_bound_to_its_type_and_no_other(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    publish(&*bus, &[event("order.paid", "both"), event("order.ready", "one"), event("stock.low", "other")])
        .await;
    let mut orders = bus.subscribe(ORDERS, 8).await.unwrap();
    let mut some = bus.subscribe(SOME, 8).await.unwrap();
    assert_eq!(drain(&mut orders, 2).await, HashSet::from(["both".to_owned(), "one".to_owned()]));
    assert_eq!(drain(&mut some, 2).await, HashSet::from(["both".to_owned(), "other".to_owned()]));
    nothing(&mut orders).await;
    nothing(&mut some).await;
}

pub(super) async fn an_event_arrives_as_it_was_published(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    let mut sent = event("order.paid", "ord");
    sent.sequence = SystemRandom.below(1 << 40);
    sent.traceparent = Some(TraceContext::root(&SystemRandom));
    publish(&*bus, std::slice::from_ref(&sent)).await;
    let mut orders = bus.subscribe(ORDERS, 1).await.unwrap();
    let delivery = take(&mut orders).await;
    assert_eq!(delivery.attempts(), 0);
    let got = delivery.event();
    assert_eq!(serde_json::to_value(got).unwrap(), serde_json::to_value(&sent).unwrap());
    assert_eq!(got.data.get(), sent.data.get(), "the data's own bytes");
    delivery.ack().await.unwrap();
}

pub(super) async fn an_event_without_a_queue_is_refused_and_its_neighbours_are_not(
    harness: Arc<dyn Harness>,
) {
    let bus = harness.open().await;
    let batch = [event("order.paid", "a"), event("payment.failed", "nobody's"), event("order.paid", "b")];
    let results = bus.publish(&batch).await;
    assert!(results[0].is_ok() && results[2].is_ok(), "{results:?}");
    assert_eq!(results[1].as_ref().unwrap_err().code(), Code::Unavailable);
    let mut orders = bus.subscribe(ORDERS, 8).await.unwrap();
    assert_eq!(drain(&mut orders, 2).await, HashSet::from(["a".to_owned(), "b".to_owned()]));
}

pub(super) async fn competing_consumers_get_each_event_once(harness: Arc<dyn Harness>) {
    const EVENTS: usize = 200;
    let bus = harness.open().await;
    let mut first = bus.subscribe(ORDERS, 4).await.unwrap();
    let mut second = bus.subscribe(ORDERS, 4).await.unwrap();
    publish(&*bus, &events("order.ready", EVENTS)).await;
    let mut subjects = HashSet::new();
    let mut shares = [0, 0];
    while subjects.len() < EVENTS {
        let (delivery, who) = tokio::select! {
            delivery = first.next() => (delivery.unwrap(), 0),
            delivery = second.next() => (delivery.unwrap(), 1),
        };
        shares[who] += 1;
        assert!(subjects.insert(delivery.event().subject.clone()), "delivered twice");
        delivery.ack().await.unwrap();
    }
    assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
    nothing(&mut first).await;
    nothing(&mut second).await;
}

pub(super) async fn no_more_than_the_prefetch_is_unsettled(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    publish(&*bus, &events("order.ready", 5)).await;
    let mut orders = bus.subscribe(ORDERS, 3).await.unwrap();
    let mut in_hand = Vec::new();
    for _ in 0..3 {
        in_hand.push(take(&mut orders).await);
    }
    nothing(&mut orders).await;
    in_hand.pop().unwrap().ack().await.unwrap();
    in_hand.push(take(&mut orders).await);
    nothing(&mut orders).await;
    let other = &mut bus.subscribe(ORDERS, 3).await.unwrap();
    drain(other, 1).await;
}

pub(super) async fn what_an_ended_subscription_had_comes_back_and_cannot_be_acked_any_more(
    harness: Arc<dyn Harness>,
) {
    let bus = harness.open().await;
    publish(&*bus, &events("order.ready", 3)).await;
    let mut ends = bus.subscribe(ORDERS, 3).await.unwrap();
    let kept = [take(&mut ends).await, take(&mut ends).await];
    drop(ends);
    let mut orders = bus.subscribe(ORDERS, 8).await.unwrap();
    let again = [take(&mut orders).await, take(&mut orders).await, take(&mut orders).await];
    assert!(again.iter().all(|delivery| delivery.attempts() == 0));
    for late in kept {
        assert!(late.ack().await.is_err(), "an ack after the end must not count");
    }
    for delivery in again {
        delivery.ack().await.unwrap();
    }
    nothing(&mut orders).await;
}

pub(super) async fn what_was_confirmed_is_there_after_a_restart_and_what_was_acked_is_not(
    harness: Arc<dyn Harness>,
) {
    let bus = harness.open().await;
    publish(&*bus, &events("order.paid", 40)).await;
    let mut orders = bus.subscribe(ORDERS, 8).await.unwrap();
    let acked = drain(&mut orders, 30).await;
    let _unsettled = take(&mut orders).await;
    // Acks may be lazy; what confirms a later publish confirms them too.
    publish(&*bus, &[event("stock.low", "last")]).await;
    drop((orders, _unsettled, bus));

    let bus = harness.open().await;
    let mut orders = bus.subscribe(ORDERS, 64).await.unwrap();
    let left = drain(&mut orders, 10).await;
    assert!(left.is_disjoint(&acked));
    nothing(&mut orders).await;
    let mut some = bus.subscribe(SOME, 64).await.unwrap();
    assert_eq!(drain(&mut some, 41).await.len(), 41, "the other queue has lost nothing");
}

pub(super) async fn a_requeued_event_comes_again_and_is_not_counted(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    publish(&*bus, &[event("order.ready", "a")]).await;
    let mut orders = bus.subscribe(ORDERS, 1).await.unwrap();
    for _ in 0..20 {
        let delivery = take(&mut orders).await;
        assert_eq!(delivery.attempts(), 0);
        delivery.nack(Nack::Requeue).await.unwrap();
    }
    drain(&mut orders, 1).await;
    until_depth(&*bus, ORDERS, |depth| depth.ready == 0 && depth.in_flight == 0).await;
    assert_eq!(depth(&*bus, ORDERS).await.dead_letters, 0);
}

pub(super) async fn a_queue_that_nobody_declared_is_refused(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    assert_eq!(bus.subscribe("suite.nowhere", 1).await.unwrap_err().code(), Code::InvalidParameter);
    assert_eq!(bus.list("suite.nowhere", 1).await.unwrap_err().code(), Code::InvalidParameter);
}
