//! The adapter of RabbitMQ (3.10 or newer): a topic exchange, quorum queues, a retry ladder of queues with a time to
//! live, and two connections that come back by themselves.
//!
//! One connection publishes and one consumes, because a broker that is short of memory stops reading from those that
//! publish, and acks must get through then. ADR 0009 has the topology and what was measured.

mod dead_letters;
mod fault;
mod hints;
mod in_flight;
mod link;
mod message;
mod metrics;
mod plan;
mod sender;
mod settings;
mod settle;
mod subscription;
mod version;

use std::sync::Arc;

use async_trait::async_trait;
use common::{Clock, EventId, Fault, Ids, Random};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::settings::RabbitSettings;
use self::{
    in_flight::InFlight,
    link::{Dialler, Link},
    metrics::RabbitMetrics,
    plan::Plan,
    sender::{Outgoing, PIPELINE, Sender},
    settings::Address,
    subscription::RabbitSubscription,
};
use crate::{
    port::{DeadLetter, DeadLetters, Event, LiveHints, Publisher, QueueDepth, Subscriber, Subscription},
    topology::Topology,
};

/// What spans call it.
const SYSTEM: &str = "rabbitmq";

/// The bus of a process, on a broker that others use too. Cheap to clone; the connections end with the last clone and
/// the last subscription.
#[derive(Clone, Debug)]
pub struct RabbitBus {
    core: Arc<Core>,
}

/// What everything here shares.
struct Core {
    address: Address,
    plan: Arc<Plan>,
    sender: Sender,
    publishing: Link,
    consuming: Link,
    in_flight: InFlight,
    /// One operator of this process at a time is at the dead letters.
    desk: tokio::sync::Mutex<()>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    closed: CancellationToken,
    _close_on_drop: DropGuard,
}

impl RabbitBus {
    /// Checks the settings and begins to connect; never waits for the broker. `invalid_parameter` for settings that
    /// can never work.
    pub fn connect(
        settings: RabbitSettings,
        topology: Topology,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, Fault> {
        let address = Address::of(&settings)?;
        let RabbitSettings { name, prefix, ladder, metrics, .. } = settings;
        let plan = Arc::new(Plan::new(topology, &prefix, &ladder));
        let metrics = RabbitMetrics::of(&metrics);
        let closed = CancellationToken::new();
        let link = |purpose: &str| {
            let dialler = Dialler {
                address: address.clone(),
                name: format!("{name} {purpose}"),
                plan: Arc::clone(&plan),
                random: Arc::clone(&random),
                metrics: metrics.clone(),
            };
            Link::start(dialler, closed.clone())
        };
        let (publishing, consuming) = (link("publishes"), link("consumes"));
        let core = Core {
            sender: Sender::new(publishing.clone(), Arc::clone(&plan), metrics),
            in_flight: InFlight::of(plan.queues.len()),
            desk: tokio::sync::Mutex::default(),
            _close_on_drop: closed.clone().drop_guard(),
            address,
            plan,
            publishing,
            consuming,
            clock,
            random,
            closed,
        };
        Ok(Self { core: Arc::new(core) })
    }

    /// Waits for outstanding confirms, then closes the connections. Nothing works afterwards.
    pub async fn close(&self) {
        self.core.sender.drained().await;
        self.core.closed.cancel();
        self.core.publishing.clone().ended().await;
        self.core.consuming.clone().ended().await;
    }

    /// What the broker is, such as `RabbitMQ 3.10.8`; over a connection of its own.
    pub async fn server_version(&self) -> Result<String, Fault> {
        version::server_version(&self.core.address).await
    }
}

impl Core {
    /// A name for a dead letter.
    fn letter_id(&self) -> String {
        let minted =
            Ids::new(Arc::clone(&self.clock), Arc::clone(&self.random)).mint::<EventId>().to_string();
        // Of an event's id only what is unique: it is no event's.
        minted.rsplit('_').next().unwrap_or_default().to_owned()
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { plan, publishing, consuming, .. } = self;
        f.debug_struct("Core")
            .field("exchange", &plan.exchange)
            .field("publishing", publishing)
            .field("consuming", consuming)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Publisher for RabbitBus {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), Fault>> {
        let mut results = Vec::with_capacity(events.len());
        for events in events.chunks(PIPELINE) {
            let messages: Vec<_> = events.iter().map(|event| self.outgoing(event)).collect();
            results.extend(self.core.sender.send(&messages).await);
        }
        results
    }

    fn system(&self) -> &'static str {
        SYSTEM
    }
}

impl RabbitBus {
    fn outgoing(&self, event: &Event) -> Outgoing {
        Outgoing {
            exchange: self.core.plan.exchange.clone(),
            routing_key: event.event_type.clone(),
            properties: message::properties(event),
            body: event.data.get().as_bytes().to_vec(),
        }
    }
}

#[async_trait]
impl Subscriber for RabbitBus {
    async fn subscribe(&self, queue: &'static str, prefetch: usize) -> Result<Box<dyn Subscription>, Fault> {
        let place = self.core.plan.place(queue)?;
        Ok(Box::new(RabbitSubscription::open(Arc::clone(&self.core), place, prefetch).await?))
    }

    async fn hints(&self, pattern: &'static str) -> Result<Box<dyn LiveHints>, Fault> {
        hints::hints(Arc::clone(&self.core), pattern).await
    }

    fn system(&self) -> &'static str {
        SYSTEM
    }
}

#[async_trait]
impl DeadLetters for RabbitBus {
    async fn depths(&self) -> Result<Vec<QueueDepth>, Fault> {
        self.core.depths().await
    }

    async fn list(&self, queue: &str, limit: usize) -> Result<Vec<DeadLetter>, Fault> {
        self.core.list(self.core.plan.place(queue)?, limit).await
    }

    async fn replay(&self, queue: &str, id: &str) -> Result<bool, Fault> {
        self.core.replay(self.core.plan.place(queue)?, id).await
    }

    async fn purge(&self, queue: &str, id: &str) -> Result<bool, Fault> {
        self.core.purge(self.core.plan.place(queue)?, id).await
    }
}
