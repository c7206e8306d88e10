//! The driven ports: what an adapter of the event bus must do, and which fault it must return when.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{EventId, Fault, Timestamp, TraceContext};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// A CloudEvent (1.0) as the bus carries it; `event_type` is the routing key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    #[serde(rename = "type")]
    pub event_type: String,
    /// The service that made it, such as `/orders`.
    pub source: String,
    /// The aggregate's id.
    pub subject: String,
    pub time: Timestamp,
    /// The version of the aggregate that made it. No consumer relies on the order of delivery.
    pub sequence: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceContext>,
    pub data: Arc<RawValue>,
}

impl Event {
    /// The data as a type of the contracts; a permanent fault (`invalid_request`) when it does not fit.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_str(self.data.get()).map_err(|e| {
            Fault::new(common::Code::InvalidRequest, "the event cannot be read")
                .with_detail(format!("{} {}: {e}", self.event_type, self.id))
        })
    }
}

/// The bus inside a process, as spans call it.
const EMBEDDED: &str = "embedded";

/// Takes events for good.
#[async_trait]
pub trait Publisher: Send + Sync + fmt::Debug {
    /// Publishes each event durably to every queue that its type is bound to; one result per event, in order.
    ///
    /// `Ok` only when the broker has it safe (a publisher confirm) and at least one queue took it; `unavailable` when
    /// there is no answer or a refusal: publishing again is right then, and consumers must cope with both copies.
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), Fault>>;

    /// What spans call it (`messaging.system`).
    fn system(&self) -> &'static str {
        EMBEDDED
    }
}

/// The pauses before a delivery that failed unexpectedly is handed out again; after the last it is a dead letter.
pub const RETRY_LADDER: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// What is to become of a delivery that could not be handled.
#[derive(Clone, Debug)]
pub enum Nack {
    /// Unexpected: again after the next step of [`RETRY_LADDER`], then a dead letter.
    Retry(Fault),
    /// Permanent: a dead letter at once.
    DeadLetter(Fault),
    /// Transient: back to the queue, not counted, delivered again without delay; the consumer pauses by itself.
    Requeue,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    Requeued,
    /// It comes again after a step of the ladder.
    Retried,
    DeadLettered,
}

/// One event handed to one consumer; it stays theirs until it is settled or the subscription ends.
#[async_trait]
pub trait Delivery: Send + fmt::Debug {
    fn event(&self) -> &Event;

    /// How often a handler failed on it before (counted failures only).
    fn attempts(&self) -> u32;

    /// The event has taken effect durably. A lost ack means redelivery. `unavailable` when the connection or the
    /// subscription it came from is gone.
    async fn ack(self: Box<Self>) -> Result<(), Fault>;

    /// The event has not taken effect. `Ok` once what follows from it is durable; `unavailable` as for `ack`.
    async fn nack(self: Box<Self>, nack: Nack) -> Result<Settled, Fault>;
}

/// A running consumer of one queue. Dropping it returns what is not settled to the queue.
#[async_trait]
pub trait Subscription: Send + fmt::Debug {
    /// The next delivery; waits for one. Undecodable messages never get here: the adapter dead-letters them.
    /// `unavailable` when the connection is lost and not yet back; calling again is right. A call that is dropped
    /// while it waits has taken nothing.
    async fn next(&mut self) -> Result<Box<dyn Delivery>, Fault>;
}

/// Lets consumers compete for the messages of a queue.
#[async_trait]
pub trait Subscriber: Send + Sync + fmt::Debug {
    /// Starts to consume; at most `prefetch` deliveries are unsettled at a time. `unavailable` without a broker;
    /// here and below, `invalid_parameter` for a queue that is not in the topology.
    async fn subscribe(&self, queue: &'static str, prefetch: usize) -> Result<Box<dyn Subscription>, Fault>;

    /// Hints that something of this pattern happened, from now on: lossy, bounded, oldest dropped.
    async fn hints(&self, pattern: &'static str) -> Result<Box<dyn LiveHints>, Fault>;

    /// What spans call it (`messaging.system`).
    fn system(&self) -> &'static str {
        EMBEDDED
    }
}

/// A process's live queue: subjects of events that just happened, to look again at.
#[async_trait]
pub trait LiveHints: Send + fmt::Debug {
    /// The next hint. `None`: some were lost, look at everything that is watched.
    async fn next(&mut self) -> Option<Event>;
}

/// How full a queue is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueDepth {
    pub queue: String,
    /// Waiting for a consumer.
    pub ready: u64,
    /// With a consumer or on the retry ladder; of a broker that is shared, what this process knows of.
    pub in_flight: u64,
    pub dead_letters: u64,
}

/// A message that no handler could take.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Names it within its queue, for show, replay and purge.
    pub id: String,
    pub queue: String,
    /// The event, when it can be read.
    pub event: Option<Event>,
    /// The raw message otherwise.
    pub raw: Option<String>,
    pub reason: String,
    pub attempts: u32,
    pub first_failed_at: Timestamp,
}

/// How far [`DeadLetters::find`] looks where an adapter has no shorter way.
const FIND_AMONG: usize = 1000;

/// What operators do with dead letters.
#[async_trait]
pub trait DeadLetters: Send + Sync + fmt::Debug {
    /// Every durable queue. `unavailable` without a broker.
    async fn depths(&self) -> Result<Vec<QueueDepth>, Fault>;

    /// The oldest dead letters of a queue, at most `limit`.
    async fn list(&self, queue: &str, limit: usize) -> Result<Vec<DeadLetter>, Fault>;

    /// The dead letter of this id; `None` when there is none, or none among the oldest thousand.
    async fn find(&self, queue: &str, id: &str) -> Result<Option<DeadLetter>, Fault> {
        let letters = self.list(queue, FIND_AMONG).await?;
        Ok(letters.into_iter().find(|letter| letter.id == id))
    }

    /// Puts it back at the end of its queue with a count of zero; false when there is none of this id.
    /// `invalid_request` when the message cannot be read.
    async fn replay(&self, queue: &str, id: &str) -> Result<bool, Fault>;

    /// Removes it; false when there is none of this id.
    async fn purge(&self, queue: &str, id: &str) -> Result<bool, Fault>;
}

/// Characters of a fault that a dead letter keeps as its reason.
const REASON_MAX: usize = 1000;

/// A fault as the reason of a dead letter.
pub(crate) fn reason(fault: &dyn fmt::Display) -> String {
    let mut reason = fault.to_string();
    if let Some((end, _)) = reason.char_indices().nth(REASON_MAX) {
        reason.truncate(end);
    }
    reason
}

/// The whole bus, as the platform hands it out.
pub trait Bus: Publisher + Subscriber + DeadLetters {}

impl<T: Publisher + Subscriber + DeadLetters> Bus for T {}
