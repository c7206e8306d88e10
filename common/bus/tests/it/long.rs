//! Queues longer than what is kept of them in memory, and what stays on disk when they are empty.

use bus::{Publisher as _, Subscriber as _, Subscription, embedded::EmbeddedBus};
use store::embedded::Database;
use testkit::bus::{
    ORDERS, SOME,
    sample::{depth, events, publish, take},
};

/// Several times what a queue keeps in memory.
const EVENTS: usize = 20_000;

/// Acks this many, which come in the order in which they were published.
async fn drain_in_order(subscription: &mut Box<dyn Subscription>, range: std::ops::Range<usize>) {
    for number in range {
        let delivery = take(subscription).await;
        assert_eq!(delivery.event().subject, number.to_string());
        delivery.ack().await.unwrap();
    }
}

/// What the bus has on disk besides the names of its queues.
async fn left_on_disk(database: &Database) -> usize {
    // Acks are lazy; a durable write of anything has them behind it.
    database.commit(|_| Ok(())).await.unwrap();
    let keyspace = database.keyspace("bus").unwrap();
    keyspace.prefix(b"").keys().filter(|key| key.as_ref().unwrap() != &b"q"[..]).count()
}

async fn publish_all(bus: &EmbeddedBus) {
    for batch in events("order.paid", EVENTS).chunks(500) {
        publish(bus, batch).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_longer_than_memory_is_handed_out_whole_and_in_order_also_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let bus = super::open(folder.path()).await;
    publish_all(&bus).await;
    assert_eq!(depth(&bus, SOME).await.ready, EVENTS as u64);
    let mut orders = bus.subscribe(ORDERS, 32).await.unwrap();
    let mut some = bus.subscribe(SOME, 32).await.unwrap();
    drain_in_order(&mut orders, 0..EVENTS).await;
    drain_in_order(&mut some, 0..EVENTS / 2).await;
    publish(&bus, &events("stock.low", 1)).await;
    drop((orders, some, bus));

    let database = super::database(folder.path()).await;
    let bus = super::on(&database);
    assert_eq!(depth(&bus, ORDERS).await.ready, 0);
    assert_eq!(depth(&bus, SOME).await.ready, (EVENTS / 2 + 1) as u64);
    let mut some = bus.subscribe(SOME, 32).await.unwrap();
    drain_in_order(&mut some, EVENTS / 2..EVENTS).await;
    drain_in_order(&mut some, 0..1).await;
    assert_eq!(depth(&bus, SOME).await.ready, 0);
    assert_eq!(left_on_disk(&database).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_falls_behind_and_catches_up_misses_and_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = super::database(folder.path()).await;
    let bus = super::on(&database);
    let publisher = {
        let bus = bus.clone();
        tokio::spawn(async move { publish_all(&bus).await })
    };
    let reader = |queue| {
        let bus = bus.clone();
        tokio::spawn(async move {
            let mut subscription = bus.subscribe(queue, 32).await.unwrap();
            drain_in_order(&mut subscription, 0..EVENTS).await;
        })
    };
    // One queue is read while it is written; the other begins when memory has long been full.
    let early = reader(ORDERS);
    publisher.await.unwrap();
    let late = reader(SOME);
    early.await.unwrap();
    late.await.unwrap();
    assert_eq!(left_on_disk(&database).await, 0);
}

#[tokio::test]
async fn queues_keep_their_messages_when_the_topology_is_declared_in_another_order() {
    let folder = tempfile::tempdir().unwrap();
    let database = super::database(folder.path()).await;
    publish(&super::on(&database), &events("stock.low", 3)).await;
    let mut topology = testkit::bus::topology();
    topology.queues.reverse();
    topology.queues.push(bus::QueueSpec { name: "suite.late", bindings: &["#"] });
    let (clock, random) =
        (std::sync::Arc::new(common::SystemClock), std::sync::Arc::new(common::SystemRandom));
    let bus = EmbeddedBus::open(&database, topology, clock, random).unwrap();
    let as_bus: &dyn bus::Bus = &bus;
    assert_eq!(depth(as_bus, SOME).await.ready, 3);
    assert_eq!(depth(as_bus, ORDERS).await.ready, 0);
    assert_eq!(depth(as_bus, "suite.late").await.ready, 0);
    for result in bus.publish(&events("payment.failed", 2)).await {
        result.unwrap();
    }
    assert_eq!(depth(as_bus, "suite.late").await.ready, 2);
}
