//! A broker that dies under load, and comes back.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bus::{Event, Publisher as _, rabbit::RabbitBus};
use testkit::{
    bus::{
        ORDERS,
        sample::{depth, event},
    },
    servers::RabbitMq,
};
use tokio::time::Instant;

use crate::mesh::{Mesh, Notes, consume, counter, until};

/// Events in one call of a publisher.
const BATCH: usize = 20;
/// In 3.10 a quorum queue that is younger than that when its broker is killed stays broken.
const GROWN_UP: Duration = Duration::from_secs(4);

/// Publishes until it is told to stop, each event until it is acknowledged, as the relay does; notes their ids.
async fn publish_on(bus: RabbitBus, stop: Arc<AtomicBool>, acknowledged: Arc<Mutex<HashSet<String>>>) {
    let mut waiting: Vec<Event> = Vec::new();
    while !stop.load(Ordering::SeqCst) || !waiting.is_empty() {
        if waiting.is_empty() {
            waiting = (0..BATCH).map(|number| event("order.ready", &number.to_string())).collect();
        }
        let results = bus.publish(&waiting).await;
        let mut results = results.into_iter();
        waiting.retain(|event| {
            let taken = results.next().unwrap().is_ok();
            if taken {
                acknowledged.lock().unwrap().insert(event.id.to_string());
            }
            !taken
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_event_takes_effect_once_while_the_broker_is_killed_three_times() {
    let broker = RabbitMq::start().await.unwrap();
    let mesh = Mesh::on(broker.url());
    let (producer, consumer) = (mesh.process(), mesh.process());
    let notes = Notes::new(|_| Ok(()));
    let (shutdown, consuming) = consume(&consumer, notes.clone(), &mesh.metrics);
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<HashSet<String>>>::default());
    let publishing = tokio::spawn(publish_on(producer.clone(), Arc::clone(&stop), Arc::clone(&acknowledged)));
    let began = Instant::now();
    until("the queues are old enough", || began.elapsed() > GROWN_UP && notes.effects() > BATCH).await;
    for round in 0..3 {
        let before = acknowledged.lock().unwrap().len();
        match round {
            1 => broker.terminate().await,
            _ => broker.kill().await,
        }
        broker.restart().await.unwrap();
        let goes_on = || acknowledged.lock().unwrap().len() > before + 5 * BATCH;
        until("publishing goes on by itself", goes_on).await;
    }
    stop.store(true, Ordering::SeqCst);
    publishing.await.unwrap();
    let acknowledged = acknowledged.lock().unwrap().clone();
    let all = || acknowledged.iter().all(|id| notes.effects.lock().unwrap().contains_key(id));
    until("every acknowledged event took effect", all).await;
    assert_eq!(depth(&consumer, ORDERS).await.dead_letters, 0);
    assert!(counter(&mesh.metrics, "bus_reconnects_total") >= 3);
    shutdown.cancel();
    consuming.await.unwrap();
}
