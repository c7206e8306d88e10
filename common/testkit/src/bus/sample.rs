//! Events that the cases publish, and short ways to publish, take and wait.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bus::{Bus, Delivery, Event, QueueDepth, Subscription};
use common::{Clock as _, Code, EventId, Fault, Ids, SystemClock, SystemRandom};

/// How long a case waits for what must happen.
pub const SOON: Duration = Duration::from_secs(10);
/// How long a case watches that something does not happen.
const NEVER: Duration = Duration::from_millis(80);

/// An event of this type about this subject.
#[must_use]
pub fn event(event_type: &str, subject: &str) -> Event {
    let id = Ids::new(Arc::new(SystemClock), Arc::new(SystemRandom)).mint::<EventId>();
    Event {
        id,
        event_type: event_type.to_owned(),
        source: "/suite".to_owned(),
        subject: subject.to_owned(),
        time: SystemClock.now(),
        sequence: 7,
        traceparent: None,
        data: serde_json::value::to_raw_value(&serde_json::json!({"about": subject, "text": "ä"}))
            .unwrap()
            .into(),
    }
}

/// Events about the subjects `0`, `1`, ….
#[must_use]
pub fn events(event_type: &str, count: usize) -> Vec<Event> {
    (0..count).map(|number| event(event_type, &number.to_string())).collect()
}

/// Publishes, and fails the test when any is refused.
pub async fn publish(bus: &dyn Bus, events: &[Event]) {
    for result in bus.publish(events).await {
        result.unwrap();
    }
}

/// The next delivery, soon.
pub async fn take(subscription: &mut Box<dyn Subscription>) -> Box<dyn Delivery> {
    tokio::time::timeout(SOON, subscription.next()).await.expect("a delivery comes").unwrap()
}

/// Nothing is delivered for a while.
pub async fn nothing(subscription: &mut Box<dyn Subscription>) {
    if let Ok(delivery) = tokio::time::timeout(NEVER, subscription.next()).await {
        panic!("delivered: {delivery:?}");
    }
}

/// Takes and acks this many; their subjects.
pub async fn drain(subscription: &mut Box<dyn Subscription>, count: usize) -> HashSet<String> {
    let mut subjects = HashSet::new();
    for _ in 0..count {
        let delivery = take(subscription).await;
        assert!(subjects.insert(delivery.event().subject.clone()), "delivered twice");
        delivery.ack().await.unwrap();
    }
    subjects
}

/// How full a queue is.
pub async fn depth(bus: &dyn Bus, queue: &str) -> QueueDepth {
    bus.depths()
        .await
        .unwrap()
        .into_iter()
        .find(|depth| depth.queue == queue)
        .expect("a queue of the topology")
}

/// Waits until a queue is as wanted.
pub async fn until_depth(bus: &dyn Bus, queue: &str, wanted: impl Fn(&QueueDepth) -> bool) {
    let reached = async {
        while !wanted(&depth(bus, queue).await) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(SOON, reached).await.is_err() {
        panic!("the queue stays at {:?}", depth(bus, queue).await);
    }
}

/// Waits until the condition holds.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let reached = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, reached).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// An unexpected fault.
#[must_use]
pub fn unexpected() -> Fault {
    Fault::internal("the handler has a bug")
}

/// A permanent fault.
#[must_use]
pub fn permanent() -> Fault {
    Fault::new(Code::InvalidRequest, "no version of this program reads it")
}
