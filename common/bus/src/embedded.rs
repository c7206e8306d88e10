//! The embedded adapter: durable queues in the process's own database.
//!
//! A message is on disk once, with the set of queues that take it, and in memory as long as some queue will soon hand
//! it out: in the common case it is never read back. What a crash may lose are acks, which are written lazily; what
//! was confirmed to a publisher, counted as a failure or made a dead letter is on disk. Two processes never share it.

mod broker;
mod dead_letters;
mod hints;
mod layout;
mod open;
mod queue;
mod settle;
mod state;
mod subscription;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use common::{Clock, Fault, Random};
use store::embedded::Database;

use self::{broker::Broker, subscription::EmbeddedSubscription};
use crate::{
    port::{
        DeadLetter, DeadLetters, Event, LiveHints, Publisher, QueueDepth, RETRY_LADDER, Subscriber,
        Subscription,
    },
    topology::Topology,
};

/// The whole bus of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EmbeddedBus {
    broker: Arc<Broker>,
}

impl EmbeddedBus {
    /// Opens the queues of the topology, with what they held when the process ended. `unavailable` when the database
    /// cannot be read, `internal` when what it holds is not ours.
    pub fn open(
        database: &Database,
        topology: Topology,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, Fault> {
        Self::open_with_ladder(database, topology, RETRY_LADDER.to_vec(), clock, random)
    }

    /// Opens with other pauses between the attempts at a failing message.
    pub fn open_with_ladder(
        database: &Database,
        topology: Topology,
        ladder: Vec<Duration>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, Fault> {
        Ok(Self { broker: Broker::open(database, topology, ladder, clock, random)? })
    }
}

#[async_trait]
impl Publisher for EmbeddedBus {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), Fault>> {
        self.broker.publish(events).await
    }
}

#[async_trait]
impl Subscriber for EmbeddedBus {
    async fn subscribe(&self, queue: &'static str, prefetch: usize) -> Result<Box<dyn Subscription>, Fault> {
        let queue = self.broker.queue(queue)?;
        let id = self.broker.next_subscription.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(EmbeddedSubscription { broker: Arc::clone(&self.broker), queue, id, prefetch }))
    }

    async fn hints(&self, pattern: &'static str) -> Result<Box<dyn LiveHints>, Fault> {
        Ok(self.broker.hints.subscribe(pattern))
    }
}

#[async_trait]
impl DeadLetters for EmbeddedBus {
    async fn depths(&self) -> Result<Vec<QueueDepth>, Fault> {
        Ok(self.broker.depths())
    }

    async fn list(&self, queue: &str, limit: usize) -> Result<Vec<DeadLetter>, Fault> {
        self.broker.list(self.broker.queue(queue)?, limit)
    }

    async fn find(&self, queue: &str, id: &str) -> Result<Option<DeadLetter>, Fault> {
        self.broker.find(self.broker.queue(queue)?, id)
    }

    async fn replay(&self, queue: &str, id: &str) -> Result<bool, Fault> {
        self.broker.replay(self.broker.queue(queue)?, id).await
    }

    async fn purge(&self, queue: &str, id: &str) -> Result<bool, Fault> {
        self.broker.purge(self.broker.queue(queue)?, id).await
    }
}
