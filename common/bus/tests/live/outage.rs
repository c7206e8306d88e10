//! A store that is away for longer than the ladder would last in tests: nothing is counted, nothing is a dead letter.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use common::Fault;
use testkit::bus::{
    ORDERS,
    sample::{depth, events, publish, until_depth},
};

use crate::mesh::{Mesh, Notes, consume, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_a_store_is_never_counted_against_an_event() {
    const EVENTS: usize = 200;
    const OUTAGE: Duration = Duration::from_secs(40);
    let mesh = Mesh::shared().await;
    let bus = mesh.process();
    let away = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&away);
    let notes = Notes::new(move |_| match switch.load(Ordering::SeqCst) {
        true => Err(Fault::unavailable("the store is away")),
        false => Ok(()),
    });
    publish(&bus, &events("order.ready", EVENTS)).await;
    let (shutdown, task) = consume(&bus, notes.clone(), &mesh.metrics);
    tokio::time::sleep(OUTAGE).await;
    assert_eq!(notes.effects(), 0);
    // A consumer that ends and begins again in the midst of it gives back what it had.
    shutdown.cancel();
    task.await.unwrap();
    let (shutdown, task) = consume(&bus, notes.clone(), &mesh.metrics);
    away.store(false, Ordering::SeqCst);
    until("all took effect", || notes.effects() == EVENTS).await;
    assert_eq!(depth(&bus, ORDERS).await.dead_letters, 0);
    shutdown.cancel();
    task.await.unwrap();
    until_depth(&bus, ORDERS, |depth| depth.ready + depth.in_flight == 0).await;
}
