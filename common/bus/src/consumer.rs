//! Runs a handler over a queue: acks, retries, pauses while a dependency is down, and stops in good order.

mod attempt;
mod outage;
mod session;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{Backoff, Fault, Random, Spans};
use telemetry::Metrics;
use tokio_util::sync::CancellationToken;

use self::session::Session;
use crate::{
    metrics::QueueMetrics,
    port::{Event, Subscriber, Subscription},
};

/// What a service does with an event.
#[async_trait]
pub trait Handler: Send + Sync + fmt::Debug {
    /// Takes effect durably before it returns `Ok`; what changes nothing (an event seen before, or of the past) is
    /// `Ok` too. The fault's kind decides what follows:
    ///
    /// * transient kinds are never counted. When a dependency is away or slow (`Unavailable`, `DeadlineExceeded`,
    ///   `Exhausted`) the queue pauses and probes; a `VersionConflict` is tried again at once a few times, and like
    ///   `Aborted` it then waits without holding up the others;
    /// * `Invalid` can never succeed and is a dead letter at once;
    /// * anything else (`NotFound`, `Conflict`, `Forbidden`, `Internal`, a panic) was not foreseen by the handler:
    ///   it climbs the retry ladder.
    ///
    /// It works under [`HANDLING_LIMIT`]: past that it is dropped where it waits, and that counts as transient.
    async fn handle(&self, event: &Event) -> Result<(), Fault>;
}

/// One consumer of one queue: up to [`PREFETCH`] events in hand at once, so that their writes share fsyncs.
#[derive(Debug)]
pub struct Consumer {
    pub queue: &'static str,
    pub subscriber: Arc<dyn Subscriber>,
    pub handler: Arc<dyn Handler>,
    pub random: Arc<dyn Random>,
    pub metrics: Metrics,
    pub spans: Spans,
}

/// Unsettled deliveries per consumer.
pub const PREFETCH: usize = 32;
/// The deadline of one handling.
pub const HANDLING_LIMIT: Duration = Duration::from_secs(30);
/// How long a consumer that stops waits for what is in hand; the rest goes back to the queue.
pub const STOP_LIMIT: Duration = Duration::from_secs(5);
/// How a consumer waits for a dependency or the bus itself to come back.
const BACKOFF: Backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(30) };

impl Consumer {
    /// Runs until `shutdown`, then finishes what is in hand.
    pub async fn run(self, shutdown: CancellationToken) {
        let Some(Some(subscription)) = shutdown.run_until_cancelled(self.subscribe()).await else { return };
        let metrics = QueueMetrics::of(&self.metrics, self.queue);
        Session::new(&self, &metrics, subscription).run(shutdown).await;
    }

    /// Subscribes, however long it takes; `None` when there never will be such a queue.
    async fn subscribe(&self) -> Option<Box<dyn Subscription>> {
        for failures in 1.. {
            match self.subscriber.subscribe(self.queue, PREFETCH).await {
                Ok(subscription) => return Some(subscription),
                Err(fault) if !fault.is_transient() => {
                    tracing::error!(queue = self.queue, %fault, "cannot subscribe");
                    return None;
                }
                Err(fault) if failures == 1 => {
                    tracing::warn!(queue = self.queue, %fault, "cannot subscribe yet; trying on");
                }
                Err(_) => {}
            }
            tokio::time::sleep(BACKOFF.delay(failures, &*self.random)).await;
        }
        None
    }
}
