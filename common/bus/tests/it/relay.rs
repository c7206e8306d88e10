//! The outbox relay over the embedded store and bus: nothing is lost, whatever fails in between.

use std::{
    collections::HashMap,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bus::{Event, OutboxRelay, Publisher, Subscriber as _, embedded::EmbeddedBus};
use common::{Clock as _, EventId, Fault, Ids, Random as _, Spans, SystemClock, SystemRandom, TraceContext};
use store::{
    Collection, DocumentStore, Expected, OutboxEvent, Write,
    embedded::{Database, EmbeddedStore},
};
use telemetry::Metrics;
use testkit::bus::{
    ORDERS,
    sample::{depth, take, until, until_depth},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const DOCUMENTS: usize = 50;
/// Tells the test program that it is the process that dies, and where it writes.
const FOLDER: &str = "BUS_RELAY_FOLDER";

fn store_on(database: &Database) -> Arc<dyn DocumentStore> {
    Arc::new(EmbeddedStore::open(database, &testkit::store::SCHEMA, Arc::new(SystemClock)).unwrap())
}

/// Saves documents with one event each; the events.
async fn save(store: &Arc<dyn DocumentStore>, count: usize) -> Vec<OutboxEvent> {
    let mut events = Vec::new();
    for _ in 0..count {
        let event = OutboxEvent {
            id: Ids::new(Arc::new(SystemClock), Arc::new(SystemRandom)).mint::<EventId>(),
            event_type: "order.ready".to_owned(),
            subject: format!("ord-{}", events.len()),
            sequence: 1 + SystemRandom.below(1 << 40),
            at: SystemClock.now(),
            trace: Some(TraceContext::root(&SystemRandom)),
            data: serde_json::value::to_raw_value("data").unwrap(),
        };
        let write = Write {
            collection: Collection("things"),
            id: event.id.to_string(),
            expected: Expected::Absent,
            body: Some("{}".into()),
            index_keys: Vec::new(),
            events: vec![event.clone()],
            handled: None,
        };
        store.save(write).await.unwrap();
        events.push(event);
    }
    events
}

fn start(
    store: &Arc<dyn DocumentStore>,
    publisher: Arc<dyn Publisher>,
    metrics: &Metrics,
) -> (CancellationToken, JoinHandle<()>) {
    let relay = OutboxRelay {
        source: "/things",
        store: Arc::clone(store),
        publisher,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        metrics: metrics.clone(),
        spans: Spans::off(Arc::new(SystemRandom)),
    };
    let shutdown = CancellationToken::new();
    (shutdown.clone(), tokio::spawn(relay.run(shutdown)))
}

/// Takes all that is ready; how often each event came.
async fn taken(bus: &EmbeddedBus) -> HashMap<EventId, usize> {
    let mut counts = HashMap::new();
    let mut orders = bus.subscribe(ORDERS, 32).await.unwrap();
    for _ in 0..depth(bus, ORDERS).await.ready {
        let delivery = take(&mut orders).await;
        *counts.entry(delivery.event().id).or_default() += 1;
        delivery.ack().await.unwrap();
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_event_reaches_the_bus_whole_and_leaves_the_outbox() {
    let folder = tempfile::tempdir().unwrap();
    let database = super::database(folder.path()).await;
    let (store, bus) = (store_on(&database), super::on(&database));
    let (shutdown, relay) = start(&store, Arc::new(bus.clone()), &Metrics::new());
    let sent = save(&store, 1).await.remove(0);
    let mut orders = bus.subscribe(ORDERS, 1).await.unwrap();
    let delivery = take(&mut orders).await;
    let got = delivery.event();
    assert_eq!((got.id, got.source.as_str(), &got.event_type), (sent.id, "/things", &sent.event_type));
    assert_eq!((&got.subject, got.time, got.sequence), (&sent.subject, sent.at, sent.sequence));
    assert_eq!(got.data.get(), sent.data.get());
    let (made, published) = (sent.trace.unwrap(), got.traceparent.unwrap());
    assert!(published.is_same_trace(made) && published != made, "publishing is a span of its own");
    shutdown.cancel();
    relay.await.unwrap();
    assert_eq!(store.outbox_depth().await.unwrap(), 0);
}

/// Refuses every other event while it is on, and everything at times.
#[derive(Debug)]
struct Flaky {
    bus: EmbeddedBus,
    refuses: AtomicBool,
    calls: AtomicUsize,
}

#[async_trait]
impl Publisher for Flaky {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), Fault>> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if !self.refuses.load(Ordering::SeqCst) {
            return self.bus.publish(events).await;
        }
        let mut results = Vec::new();
        for (place, event) in events.iter().enumerate() {
            let refused = call < 2 || place % 2 == 1;
            results.push(match refused {
                true => Err(Fault::unavailable("the broker is away")),
                false => self.bus.publish(std::slice::from_ref(event)).await.remove(0),
            });
        }
        results
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_fails_for_a_while_loses_nothing_and_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let database = super::database(folder.path()).await;
    let (store, bus) = (store_on(&database), super::on(&database));
    let flaky =
        Arc::new(Flaky { bus: bus.clone(), refuses: AtomicBool::new(true), calls: AtomicUsize::new(0) });
    let sent = save(&store, DOCUMENTS).await;
    let metrics = Metrics::new();
    let (shutdown, relay) = start(&store, flaky.clone(), &metrics);
    until("some got through and some did not", || flaky.calls.load(Ordering::SeqCst) > 3).await;
    assert!(metrics.render().contains(r#"bus_relayed_events_total{source="/things",outcome="failed"}"#));
    flaky.refuses.store(false, Ordering::SeqCst);
    until_depth(&bus, ORDERS, |depth| depth.ready == DOCUMENTS as u64).await;
    shutdown.cancel();
    relay.await.unwrap();
    let counts = taken(&bus).await;
    assert!(sent.iter().all(|event| counts[&event.id] == 1), "{counts:?}");
    assert_eq!(store.outbox_depth().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_publish_and_trim_publishes_twice_and_never_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let died = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "relay::process_that_dies", "--ignored"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(!died.status.success(), "the crash point was passed");
    let database = super::database(folder.path()).await;
    let (store, bus) = (store_on(&database), super::on(&database));
    assert_eq!(depth(&bus, ORDERS).await.ready, DOCUMENTS as u64, "published before the crash");
    assert_eq!(store.outbox_depth().await.unwrap(), DOCUMENTS as u64, "not trimmed");
    let (shutdown, relay) = start(&store, Arc::new(bus.clone()), &Metrics::new());
    until_depth(&bus, ORDERS, |depth| depth.ready == 2 * DOCUMENTS as u64).await;
    shutdown.cancel();
    relay.await.unwrap();
    let counts = taken(&bus).await;
    assert_eq!(counts.len(), DOCUMENTS);
    assert!(counts.values().all(|count| *count == 2), "{counts:?}");
}

/// Not a test: the process that dies in the test above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "dies at a crash point; the test above starts it"]
async fn process_that_dies() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let database = super::database(Path::new(&folder)).await;
    let (store, bus) = (store_on(&database), super::on(&database));
    save(&store, DOCUMENTS).await;
    common::crash::arm("bus.relay.published");
    let (_shutdown, relay) = start(&store, Arc::new(bus), &Metrics::new());
    relay.await.unwrap();
}
