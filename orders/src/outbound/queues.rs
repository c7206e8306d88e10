//! The bus's queues and their dead letters, for figures and operators.

use std::sync::Arc;

use async_trait::async_trait;
use bus::DeadLetters;
use common::{Fault, Limit};

use crate::ports::{DeadLetter, QueueDepth, Queues};

/// Asks the bus.
#[derive(Clone, Debug)]
pub struct BusQueues(pub Arc<dyn DeadLetters>);

#[async_trait]
impl Queues for BusQueues {
    async fn depths(&self) -> Result<Vec<QueueDepth>, Fault> {
        let depth = |depth: bus::QueueDepth| QueueDepth {
            queue: depth.queue,
            ready: depth.ready,
            in_flight: depth.in_flight,
            dead_letters: depth.dead_letters,
        };
        Ok(self.0.depths().await?.into_iter().map(depth).collect())
    }

    async fn dead_letters(&self, queue: &str, limit: Limit) -> Result<Vec<DeadLetter>, Fault> {
        Ok(self.0.list(queue, limit.get()).await?.into_iter().map(letter).collect())
    }

    async fn dead_letter(&self, queue: &str, id: &str) -> Result<Option<DeadLetter>, Fault> {
        Ok(self.0.find(queue, id).await?.map(letter))
    }

    async fn replay(&self, queue: &str, id: &str) -> Result<bool, Fault> {
        self.0.replay(queue, id).await
    }

    async fn purge(&self, queue: &str, id: &str) -> Result<bool, Fault> {
        self.0.purge(queue, id).await
    }
}

fn letter(letter: bus::DeadLetter) -> DeadLetter {
    let json = |event| serde_json::to_string(&event).expect("an event of strings and JSON encodes");
    DeadLetter {
        id: letter.id,
        queue: letter.queue,
        event_json: letter.event.map(json),
        raw: letter.raw,
        reason: letter.reason,
        attempts: letter.attempts,
        first_failed_at: letter.first_failed_at,
    }
}
