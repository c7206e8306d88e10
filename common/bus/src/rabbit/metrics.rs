//! What the adapter counts: connections that were lost, and publishes that the broker did not take.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};
use telemetry::Metrics;

#[derive(Clone, Debug)]
pub(super) struct RabbitMetrics {
    /// Connections to the broker that were made after one was lost.
    pub(super) reconnects: Counter,
    refused: Family<Reason, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

impl RabbitMetrics {
    pub(super) fn of(metrics: &Metrics) -> Self {
        metrics.shared(|metrics| Self {
            reconnects: metrics
                .counter("bus_reconnects", "Connections to the broker made after one was lost"),
            refused: metrics.register(
                "bus_publishes_refused",
                "Messages that the broker returned as unroutable, refused or did not answer",
                Family::default(),
            ),
        })
    }

    pub(super) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create_owned(&Reason { reason }).inc();
    }
}
