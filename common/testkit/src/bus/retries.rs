//! The retry ladder.

use std::{sync::Arc, time::Duration};

use bus::{Bus, Nack, Settled, Subscription};
use common::{Clock as _, SystemClock, Timestamp};
use tokio::time::Instant;

use super::{
    Harness, LADDER, ORDERS, SOME,
    sample::{drain, event, events, nothing, permanent, publish, take, unexpected, until_depth},
};

/// How much later than its step a retry may come on a busy machine.
const TOLERANCE: Duration = Duration::from_secs(2);

/// Fails the next delivery unexpectedly; its attempts before, and what became of it.
async fn fail(subscription: &mut Box<dyn Subscription>) -> (u32, Settled) {
    let delivery = take(subscription).await;
    let attempts = delivery.attempts();
    (attempts, delivery.nack(Nack::Retry(unexpected())).await.unwrap())
}

pub(super) async fn a_failing_event_climbs_the_ladder_and_becomes_a_dead_letter(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    let sent = event("order.paid", "poison");
    publish(&*bus, std::slice::from_ref(&sent)).await;
    let mut orders = bus.subscribe(ORDERS, 4).await.unwrap();
    let began = SystemClock.now();
    for (attempts, step) in (0..).zip(LADDER) {
        assert_eq!(fail(&mut orders).await, (attempts, Settled::Retried));
        let failed_at = Instant::now();
        let delivery = take(&mut orders).await;
        let waited = failed_at.elapsed();
        assert!(waited >= step.mul_f64(0.9) && waited <= step + TOLERANCE, "{waited:?} instead of {step:?}");
        delivery.nack(Nack::Requeue).await.unwrap();
    }
    assert_eq!(fail(&mut orders).await, (3, Settled::DeadLettered));
    nothing(&mut orders).await;
    letter_is_complete(&*bus, &sent.subject, began).await;
    drain(&mut bus.subscribe(SOME, 1).await.unwrap(), 1).await;
}

async fn letter_is_complete(bus: &dyn Bus, subject: &str, began: Timestamp) {
    let letters = bus.list(ORDERS, 10).await.unwrap();
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!((letter.queue.as_str(), letter.attempts), (ORDERS, 4));
    assert_eq!(letter.event.as_ref().unwrap().subject, subject);
    assert!(letter.reason.contains("the handler has a bug"), "{}", letter.reason);
    let since = letter.first_failed_at.since(began);
    assert!(letter.first_failed_at >= began && since < TOLERANCE, "the first failure's time: {since:?}");
    assert!(bus.list(SOME, 10).await.unwrap().is_empty(), "another queue's copy is its own affair");
}

pub(super) async fn a_permanent_failure_is_a_dead_letter_at_once(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    publish(&*bus, &[event("order.ready", "unreadable")]).await;
    let mut orders = bus.subscribe(ORDERS, 4).await.unwrap();
    let settled = take(&mut orders).await.nack(Nack::DeadLetter(permanent())).await.unwrap();
    assert_eq!(settled, Settled::DeadLettered);
    let letters = bus.list(ORDERS, 10).await.unwrap();
    assert_eq!((letters.len(), letters[0].attempts), (1, 1));
    assert!(letters[0].reason.contains("no version"), "{}", letters[0].reason);
    nothing(&mut orders).await;
}

pub(super) async fn attempts_and_times_survive_a_restart(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    publish(&*bus, &[event("order.ready", "poison")]).await;
    let mut orders = bus.subscribe(ORDERS, 4).await.unwrap();
    let began = SystemClock.now();
    assert_eq!(fail(&mut orders).await, (0, Settled::Retried));
    assert_eq!(fail(&mut orders).await, (1, Settled::Retried));
    drop((orders, bus));

    let bus = harness.open().await;
    until_depth(&*bus, ORDERS, |depth| depth.ready + depth.in_flight == 1).await;
    let mut orders = bus.subscribe(ORDERS, 4).await.unwrap();
    assert_eq!(fail(&mut orders).await, (2, Settled::Retried));
    assert_eq!(fail(&mut orders).await, (3, Settled::DeadLettered));
    letter_is_complete(&*bus, "poison", began).await;
}

pub(super) async fn a_failing_event_does_not_hold_up_the_others(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    publish(&*bus, &[event("order.ready", "poison")]).await;
    let mut orders = bus.subscribe(ORDERS, 1).await.unwrap();
    assert_eq!(fail(&mut orders).await, (0, Settled::Retried));
    publish(&*bus, &events("order.ready", 10)).await;
    let failed_at = Instant::now();
    drain(&mut orders, 10).await;
    // Were the others held up, they would have come only after the ladder.
    assert!(failed_at.elapsed() < TOLERANCE);
    assert_eq!(take(&mut orders).await.attempts(), 1);
}
