//! The bus's queues, for figures.

use std::sync::Arc;

use async_trait::async_trait;
use bus::DeadLetters;
use common::Fault;

use crate::ports::{QueueDepth, Queues};

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
}
