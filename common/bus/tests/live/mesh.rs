//! A bus of its own on a broker that the tests share: names with a prefix that no other test has.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bus::{
    Consumer, Event, Handler, Subscriber,
    rabbit::{RabbitBus, RabbitSettings},
};
use common::{Fault, SystemClock, SystemRandom};
use telemetry::Metrics;
use testkit::{
    bus::{LADDER, ORDERS, topology},
    servers::RabbitMq,
};
use tokio::{sync::OnceCell, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// The names of one test on one broker.
#[derive(Clone, Debug)]
pub(crate) struct Mesh {
    pub(crate) uri: String,
    prefix: String,
    pub(crate) ladder: Vec<Duration>,
    pub(crate) metrics: Metrics,
}

impl Mesh {
    /// On the broker that most tests share; nobody ends it.
    pub(crate) async fn shared() -> Self {
        static BROKER: OnceCell<RabbitMq> = OnceCell::const_new();
        let broker = BROKER.get_or_try_init(RabbitMq::start).await.unwrap();
        Self::on(broker.url())
    }

    pub(crate) fn on(uri: String) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("t{}.", NUMBER.fetch_add(1, Ordering::Relaxed));
        Self { uri, prefix, ladder: LADDER.to_vec(), metrics: Metrics::new() }
    }

    /// A process of the mesh.
    pub(crate) fn process(&self) -> RabbitBus {
        let settings = RabbitSettings {
            prefix: self.prefix.clone(),
            ladder: self.ladder.clone(),
            ..RabbitSettings::new(&self.uri, "live tests", self.metrics.clone())
        };
        RabbitBus::connect(settings, topology(), Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap()
    }

    /// What a queue or exchange of the topology is called on the broker.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

type Verdict = dyn Fn(&Event) -> Result<(), Fault> + Send + Sync;

/// A handler that notes how often each event came, and fails as the test says.
pub(crate) struct Notes {
    verdict: Box<Verdict>,
    pub(crate) tries: Mutex<HashMap<String, u32>>,
    pub(crate) effects: Mutex<HashMap<String, u32>>,
}

impl Notes {
    pub(crate) fn new(verdict: impl Fn(&Event) -> Result<(), Fault> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { verdict: Box::new(verdict), tries: Mutex::default(), effects: Mutex::default() })
    }

    pub(crate) fn effects(&self) -> usize {
        self.effects.lock().unwrap().len()
    }
}

impl std::fmt::Debug for Notes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notes")
    }
}

#[async_trait]
impl Handler for Notes {
    /// Takes effect once, like a service that remembers the ids of events.
    async fn handle(&self, event: &Event) -> Result<(), Fault> {
        let id = event.id.to_string();
        *self.tries.lock().unwrap().entry(id.clone()).or_default() += 1;
        (self.verdict)(event)?;
        self.effects.lock().unwrap().entry(id).or_insert(1);
        Ok(())
    }
}

/// Consumes until it is told to stop.
pub(crate) fn consume(
    bus: &RabbitBus,
    handler: Arc<dyn Handler>,
    metrics: &Metrics,
) -> (CancellationToken, JoinHandle<()>) {
    let consumer = Consumer {
        queue: ORDERS,
        subscriber: Arc::new(bus.clone()) as Arc<dyn Subscriber>,
        handler,
        random: Arc::new(SystemRandom),
        metrics: metrics.clone(),
        spans: common::Spans::off(Arc::new(SystemRandom)),
    };
    let shutdown = CancellationToken::new();
    (shutdown.clone(), tokio::spawn(consumer.run(shutdown)))
}

/// Waits until the condition holds, longer than a broker takes to come back on a busy machine.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let reached = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), reached).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// A counter as the metrics show it, labels and all; 0 when it was never counted.
pub(crate) fn counter(metrics: &Metrics, name: &str) -> u64 {
    let text = metrics.render();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("ordermesh_{name} ")));
    line.map_or(0, |value| value.parse().unwrap())
}
