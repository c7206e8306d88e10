//! The topology under the names it has on the broker, and its declaration. Declaring what is there changes nothing.

use std::time::Duration;

use common::{Code, Fault};
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, LongString, ShortString},
};

use crate::topology::{QueueSpec, Topology};

/// Deliveries without an answer after which the broker makes a dead letter of a message by itself. A guard against a
/// message that kills its consumer, and no more: a crash counts against all that were in hand.
pub(super) const DELIVERY_LIMIT: u32 = 100;
/// The same for dead letters, which are delivered whenever an operator looks at them: never reached. Without any limit
/// a quorum queue would put what was looked at to its end.
const LOOKS_LIMIT: u32 = 1_000_000_000;
/// Messages in a live queue; the oldest are dropped then.
const LIVE_MAX: u32 = 10_000;

/// What there is on the broker.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) exchange: String,
    pub(super) queues: Vec<QueuePlan>,
    pub(super) ladder: Vec<Step>,
}

#[derive(Debug)]
pub(super) struct QueuePlan {
    pub(super) spec: QueueSpec,
    pub(super) name: String,
    /// The queue of its dead letters.
    pub(super) dead: String,
}

/// A pause: a queue of this name behind a fanout exchange of the same name, so that the routing key stays free to say
/// which queue the message goes back to.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) pause: Duration,
}

impl Plan {
    pub(super) fn new(topology: Topology, prefix: &str, ladder: &[Duration]) -> Self {
        let exchange = format!("{prefix}{}", topology.exchange);
        let queue = |spec: QueueSpec| {
            let name = format!("{prefix}{}", spec.name);
            QueuePlan { dead: format!("{name}.dead"), name, spec }
        };
        let step = |pause: &Duration| Step { name: format!("{exchange}.retry.{pause:?}"), pause: *pause };
        Self {
            queues: topology.queues.into_iter().map(queue).collect(),
            ladder: ladder.iter().map(step).collect(),
            exchange,
        }
    }

    /// The place of a queue; `invalid_parameter` when it is not in the topology.
    pub(super) fn place(&self, queue: &str) -> Result<usize, Fault> {
        self.queues.iter().position(|plan| plan.spec.name == queue).ok_or_else(|| {
            Fault::new(Code::InvalidParameter, "there is no such queue").with_detail(queue.to_owned())
        })
    }

    pub(super) async fn declare(&self, channel: &Channel) -> Result<(), lapin::Error> {
        declare_exchange(channel, &self.exchange, ExchangeKind::Topic).await?;
        for queue in &self.queues {
            self.declare_queue(channel, queue).await?;
        }
        for step in &self.ladder {
            declare_exchange(channel, &step.name, ExchangeKind::Fanout).await?;
            declare_durable(channel, &step.name, step.arguments()).await?;
            bind(channel, &step.name, &step.name, "").await?;
        }
        Ok(())
    }

    /// The dead-letter queue comes first: the broker drops what it cannot put there.
    async fn declare_queue(&self, channel: &Channel, queue: &QueuePlan) -> Result<(), lapin::Error> {
        declare_durable(channel, &queue.dead, quorum([("x-delivery-limit", LOOKS_LIMIT.into())])).await?;
        declare_durable(channel, &queue.name, queue.arguments()).await?;
        for pattern in queue.spec.bindings {
            bind(channel, &queue.name, &self.exchange, pattern).await?;
        }
        Ok(())
    }

    /// A queue of this connection alone that holds what happens from now on.
    pub(super) async fn declare_live(
        &self,
        channel: &Channel,
        name: &str,
        pattern: &str,
    ) -> Result<(), lapin::Error> {
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
        let arguments = table([("x-max-length", LIVE_MAX.into()), ("x-overflow", text("drop-head"))]);
        channel.queue_declare(name.into(), options, arguments).await?;
        bind(channel, name, &self.exchange, pattern).await
    }
}

impl QueuePlan {
    fn arguments(&self) -> FieldTable {
        quorum([
            ("x-delivery-limit", DELIVERY_LIMIT.into()),
            ("x-dead-letter-exchange", text("")),
            ("x-dead-letter-routing-key", text(&self.dead)),
            ("x-dead-letter-strategy", text("at-least-once")),
            ("x-overflow", text("reject-publish")),
        ])
    }
}

impl Step {
    /// Without a routing key for its dead letters: the default exchange takes the message's own, which is the name of
    /// the queue it came from.
    fn arguments(&self) -> FieldTable {
        let pause_ms = u32::try_from(self.pause.as_millis()).unwrap_or(u32::MAX);
        quorum([
            ("x-message-ttl", pause_ms.into()),
            ("x-dead-letter-exchange", text("")),
            ("x-dead-letter-strategy", text("at-least-once")),
            ("x-overflow", text("reject-publish")),
        ])
    }
}

fn quorum<const N: usize>(arguments: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = table(arguments);
    table.insert("x-queue-type".into(), text("quorum"));
    table
}

fn table<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let entries = entries.into_iter().map(|(key, value)| (ShortString::from(key), value));
    entries.collect::<std::collections::BTreeMap<_, _>>().into()
}

fn text(value: &str) -> AMQPValue {
    LongString::from(value).into()
}

async fn declare_exchange(channel: &Channel, name: &str, kind: ExchangeKind) -> Result<(), lapin::Error> {
    let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
    channel.exchange_declare(name.into(), kind, options, FieldTable::default()).await
}

async fn declare_durable(channel: &Channel, name: &str, arguments: FieldTable) -> Result<(), lapin::Error> {
    let options = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(name.into(), options, arguments).await.map(|_| ())
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, pattern: &str) -> Result<(), lapin::Error> {
    let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
    channel.queue_bind(queue.into(), exchange.into(), pattern.into(), options, arguments).await
}
