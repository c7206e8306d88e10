//! What a role that owns no data has in place of a store and a bus: nothing, said clearly.

use async_trait::async_trait;
use bus::{DeadLetter, DeadLetters, Event, LiveHints, Publisher, QueueDepth, Subscriber, Subscription};
use common::Fault;
use std::sync::Arc;
use store::{DocumentStore, Schema};

use super::Stores;

/// No store, no bus.
#[derive(Clone, Copy, Debug)]
pub(super) struct Absent;

fn absent() -> Fault {
    Fault::internal("this role has neither store nor bus")
}

impl Stores for Absent {
    fn open(&self, _: &'static Schema) -> Result<Arc<dyn DocumentStore>, Fault> {
        Err(absent())
    }
}

#[async_trait]
impl Publisher for Absent {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), Fault>> {
        events.iter().map(|_| Err(absent())).collect()
    }
}

#[async_trait]
impl Subscriber for Absent {
    async fn subscribe(&self, _: &'static str, _: usize) -> Result<Box<dyn Subscription>, Fault> {
        Err(absent())
    }

    async fn hints(&self, _: &'static str) -> Result<Box<dyn LiveHints>, Fault> {
        Err(absent())
    }
}

#[async_trait]
impl DeadLetters for Absent {
    async fn depths(&self) -> Result<Vec<QueueDepth>, Fault> {
        Err(absent())
    }

    async fn list(&self, _: &str, _: usize) -> Result<Vec<DeadLetter>, Fault> {
        Err(absent())
    }

    async fn replay(&self, _: &str, _: &str) -> Result<bool, Fault> {
        Err(absent())
    }

    async fn purge(&self, _: &str, _: &str) -> Result<bool, Fault> {
        Err(absent())
    }
}
