//! `bus::Consumer` over the bus under test.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bus::{Bus, Consumer, Event, Handler, consumer::HANDLING_LIMIT};
use common::{Call, Fault, SystemRandom, TraceContext};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    Harness, LADDER, ORDERS,
    sample::{depth, event, events, permanent, publish, unexpected, until, until_depth},
};

type Verdict = dyn Fn(&Event, usize) -> Result<(), Fault> + Send + Sync;

/// A handler whose answer the case decides from the event and how often it came before, and which keeps count.
struct Recorder {
    verdict: Box<Verdict>,
    tries: Mutex<HashMap<String, usize>>,
    handled: Mutex<HashSet<String>>,
    calls: Mutex<Vec<Call>>,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

impl Recorder {
    fn new(verdict: impl Fn(&Event, usize) -> Result<(), Fault> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            verdict: Box::new(verdict),
            tries: Mutex::default(),
            handled: Mutex::default(),
            calls: Mutex::default(),
        })
    }

    fn handled(&self) -> usize {
        self.handled.lock().unwrap().len()
    }

    fn tries(&self, subject: &str) -> usize {
        self.tries.lock().unwrap().get(subject).copied().unwrap_or(0)
    }
}

#[async_trait]
impl Handler for Recorder {
    async fn handle(&self, event: &Event) -> Result<(), Fault> {
        let before = {
            let mut tries = self.tries.lock().unwrap();
            let tries = tries.entry(event.subject.clone()).or_default();
            *tries += 1;
            *tries - 1
        };
        self.calls.lock().unwrap().push(Call::current().expect("a handler runs in a call"));
        tokio::task::yield_now().await;
        (self.verdict)(event, before)?;
        self.handled.lock().unwrap().insert(event.subject.clone());
        Ok(())
    }
}

/// A consumer that runs until it is told to stop.
struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(bus: &Arc<dyn Bus>, handler: Arc<dyn Handler>) -> Self {
        let consumer = Consumer {
            queue: ORDERS,
            subscriber: Arc::<dyn Bus>::clone(bus),
            handler,
            random: Arc::new(SystemRandom),
            metrics: telemetry::Metrics::new(),
            spans: common::Spans::off(Arc::new(SystemRandom)),
        };
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(consumer.run(shutdown.clone()));
        Self { shutdown, task }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }
}

pub(super) async fn handled_events_leave_the_queue(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    let handler = Recorder::new(|_, _| Ok(()));
    let running = Running::start(&bus, handler.clone());
    publish(&*bus, &events("order.ready", 500)).await;
    until("all are handled", || handler.handled() == 500).await;
    until_depth(&*bus, ORDERS, |depth| depth.ready == 0 && depth.in_flight == 0).await;
    running.stop().await;
    assert_eq!(handler.tries.lock().unwrap().values().max(), Some(&1));
}

pub(super) async fn a_poison_event_becomes_a_dead_letter_and_its_neighbours_are_handled(
    harness: Arc<dyn Harness>,
) {
    let bus = harness.open().await;
    let handler = Recorder::new(|event, _| match event.subject.as_str() {
        "bug" => Err(unexpected()),
        "unreadable" => Err(permanent()),
        _ => Ok(()),
    });
    publish(&*bus, &[event("order.ready", "bug"), event("order.ready", "unreadable")]).await;
    publish(&*bus, &events("order.ready", 100)).await;
    let running = Running::start(&bus, handler.clone());
    until("the neighbours are handled", || handler.handled() == 100).await;
    assert!(handler.tries("bug") <= 1 + LADDER.len());
    until_depth(&*bus, ORDERS, |depth| depth.dead_letters == 2).await;
    assert_eq!((handler.tries("bug"), handler.tries("unreadable")), (1 + LADDER.len(), 1));
    running.stop().await;
}

pub(super) async fn a_panic_in_a_handler_is_one_failed_event(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    let handler = Recorder::new(|event, before| match event.subject.as_str() {
        "0" if before == 0 => panic!("a bug that shows once"),
        _ => Ok(()),
    });
    let running = Running::start(&bus, handler.clone());
    publish(&*bus, &events("order.ready", 10)).await;
    until("all are handled", || handler.handled() == 10).await;
    assert_eq!(handler.tries("0"), 2);
    assert_eq!(depth(&*bus, ORDERS).await.dead_letters, 0);
    running.stop().await;
}

pub(super) async fn an_outage_longer_than_the_ladder_makes_no_dead_letter_and_loses_nothing(
    harness: Arc<dyn Harness>,
) {
    const EVENTS: usize = 300;
    let bus = harness.open().await;
    let away = Arc::new(AtomicBool::new(true));
    let handler = {
        let away = Arc::clone(&away);
        Recorder::new(move |_, _| match away.load(Ordering::SeqCst) {
            true => Err(Fault::unavailable("the store is away")),
            false => Ok(()),
        })
    };
    let running = Running::start(&bus, handler.clone());
    publish(&*bus, &events("order.ready", EVENTS)).await;
    let longer: Duration = LADDER.iter().sum::<Duration>() * 4;
    tokio::time::sleep(longer).await;
    let tries: usize = handler.tries.lock().unwrap().values().sum();
    assert!((2..200).contains(&tries), "it probes, and hammers nobody: {tries}");
    away.store(false, Ordering::SeqCst);
    until("all are handled", || handler.handled() == EVENTS).await;
    assert_eq!(depth(&*bus, ORDERS).await.dead_letters, 0);
    running.stop().await;
}

pub(super) async fn an_event_in_trouble_of_its_own_does_not_hold_up_the_others(harness: Arc<dyn Harness>) {
    const EVENTS: usize = 500;
    let bus = harness.open().await;
    let handler = Recorder::new(|event, _| match event.subject.as_str() {
        "slow" => Err(Fault::unavailable("whatever it needs is away")),
        "contended" => Err(Fault::version_conflict("a hot document")),
        _ => Ok(()),
    });
    let running = Running::start(&bus, handler.clone());
    publish(&*bus, &[event("order.ready", "slow"), event("order.ready", "contended")]).await;
    until("both were tried", || handler.tries("slow") >= 3 && handler.tries("contended") >= 3).await;
    let began = Instant::now();
    for batch in events("order.ready", EVENTS).chunks(10) {
        publish(&*bus, batch).await;
    }
    until("the others are handled", || handler.handled() == EVENTS).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(depth(&*bus, ORDERS).await.dead_letters, 0);
    running.stop().await;
}

pub(super) async fn a_lost_compare_and_swap_is_tried_again_at_once(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    let handler = Recorder::new(|_, before| match before {
        0..3 => Err(Fault::version_conflict("a hot document")),
        _ => Ok(()),
    });
    let running = Running::start(&bus, handler.clone());
    publish(&*bus, &events("order.ready", 20)).await;
    until("all are handled", || handler.handled() == 20).await;
    assert_eq!(handler.tries.lock().unwrap().values().max(), Some(&4));
    running.stop().await;
}

pub(super) async fn a_consumer_that_stops_finishes_what_is_in_hand(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    let began = Arc::new(AtomicBool::new(false));
    let handler = Arc::new(Slow { began: Arc::clone(&began), ended: Arc::default() });
    let running = Running::start(&bus, handler.clone());
    publish(&*bus, &events("order.ready", 1)).await;
    until("it is in hand", || began.load(Ordering::SeqCst)).await;
    running.stop().await;
    assert!(handler.ended.load(Ordering::SeqCst), "it was finished");
    publish(&*bus, &events("order.ready", 1)).await;
    // The first was acked, the second is not taken.
    until_depth(&*bus, ORDERS, |depth| (depth.ready, depth.in_flight) == (1, 0)).await;
}

/// Takes its time.
#[derive(Debug)]
struct Slow {
    began: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
}

#[async_trait]
impl Handler for Slow {
    async fn handle(&self, _event: &Event) -> Result<(), Fault> {
        self.began.store(true, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(200)).await;
        self.ended.store(true, Ordering::SeqCst);
        Ok(())
    }
}

pub(super) async fn a_handler_works_under_a_deadline_and_in_the_events_trace(harness: Arc<dyn Harness>) {
    let bus = harness.open().await;
    let handler = Recorder::new(|_, _| Ok(()));
    let running = Running::start(&bus, handler.clone());
    let trace = TraceContext::root(&SystemRandom);
    let mut traced = event("order.ready", "traced");
    traced.traceparent = Some(trace);
    publish(&*bus, &[traced]).await;
    until("it is handled", || handler.handled() == 1).await;
    publish(&*bus, &[event("order.ready", "untraced")]).await;
    until("both are handled", || handler.handled() == 2).await;
    running.stop().await;
    let calls = handler.calls.lock().unwrap();
    assert_eq!(calls[0].trace.trace_id(), trace.trace_id());
    assert_ne!(calls[0].trace, trace, "the handling is a span of its own");
    assert_ne!(calls[1].trace.trace_id(), trace.trace_id());
    assert!(calls.iter().all(|call| call.deadline.remaining() <= HANDLING_LIMIT));
}
