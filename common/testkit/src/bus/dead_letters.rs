//! What operators see and do.

use std::sync::Arc;

use bus::{Bus, Nack, QueueDepth};

use super::{
    Harness, ORDERS, SOME,
    sample::{depth, drain, event, events, nothing, permanent, publish, take, unexpected, until_depth},
};

/// Makes dead letters of this many new events; their ids.
async fn bury(bus: &dyn Bus, count: usize) -> Vec<String> {
    publish(bus, &events("order.ready", count)).await;
    let mut orders = bus.subscribe(ORDERS, count).await.unwrap();
    for _ in 0..count {
        take(&mut orders).await.nack(Nack::DeadLetter(permanent())).await.unwrap();
    }
    bus.list(ORDERS, count).await.unwrap().into_iter().map(|letter| letter.id).collect()
}

pub(super) async fn a_replayed_dead_letter_starts_anew(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    let ids = bury(&*bus, 2).await;
    assert!(bus.replay(ORDERS, &ids[0]).await.unwrap());
    assert!(!bus.replay(ORDERS, &ids[0]).await.unwrap(), "it is no dead letter any more");
    assert!(!bus.replay(SOME, &ids[1]).await.unwrap(), "it is another queue's");
    assert!(!bus.replay(ORDERS, "nonsense").await.unwrap());
    let mut orders = bus.subscribe(ORDERS, 4).await.unwrap();
    let delivery = take(&mut orders).await;
    assert_eq!((delivery.event().subject.as_str(), delivery.attempts()), ("0", 0));
    delivery.ack().await.unwrap();
    nothing(&mut orders).await;
    assert_eq!(bus.list(ORDERS, 10).await.unwrap().len(), 1);
}

pub(super) async fn a_purged_dead_letter_is_gone(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    let ids = bury(&*bus, 2).await;
    assert_eq!(bus.find(ORDERS, &ids[0]).await.unwrap().unwrap().id, ids[0]);
    assert!(bus.purge(ORDERS, &ids[0]).await.unwrap());
    assert!(bus.find(ORDERS, &ids[0]).await.unwrap().is_none());
    assert!(!bus.purge(ORDERS, &ids[0]).await.unwrap());
    assert!(!bus.replay(ORDERS, &ids[0]).await.unwrap());
    assert_eq!(bus.list(ORDERS, 10).await.unwrap()[0].id, ids[1]);
    assert_eq!(depth(&*bus, ORDERS).await.dead_letters, 1);
}

pub(super) async fn dead_letters_survive_a_restart(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    let ids = bury(&*bus, 3).await;
    drop(bus);
    let bus = harness.open().await;
    let letters = bus.list(ORDERS, 2).await.unwrap();
    assert_eq!(
        letters.iter().map(|letter| &letter.id).collect::<Vec<_>>(),
        [&ids[0], &ids[1]],
        "oldest first"
    );
    let depth = depth(&*bus, ORDERS).await;
    assert_eq!((depth.ready, depth.in_flight, depth.dead_letters), (0, 0, 3));
    assert!(bus.replay(ORDERS, &ids[2]).await.unwrap());
    drain(&mut bus.subscribe(ORDERS, 1).await.unwrap(), 1).await;
}

pub(super) async fn depths_tell_what_is_ready_in_flight_and_dead(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    bury(&*bus, 1).await;
    publish(&*bus, &events("order.ready", 5)).await;
    publish(&*bus, &[event("stock.low", "other")]).await;
    let mut orders = bus.subscribe(ORDERS, 2).await.unwrap();
    let fails = take(&mut orders).await;
    let _in_hand = take(&mut orders).await;
    until_depth(&*bus, ORDERS, |depth| depth.ready <= 3 && depth.in_flight == 2).await;
    fails.nack(Nack::Retry(unexpected())).await.unwrap();
    drop(orders);
    // What is in hand goes back to the queue, and from the ladder sooner or later too.
    let all = |depth: &QueueDepth| depth.ready >= 4 && depth.ready + depth.in_flight == 5;
    until_depth(&*bus, ORDERS, |depth| all(depth) && depth.dead_letters == 1).await;
    let mut queues: Vec<_> = bus.depths().await.unwrap().into_iter().map(|depth| depth.queue).collect();
    queues.sort();
    assert_eq!(queues, [ORDERS, SOME]);
    assert_eq!(depth(&*bus, SOME).await.ready, 1);
}
