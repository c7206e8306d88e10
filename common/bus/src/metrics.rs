//! What the bus counts: how deliveries ended, how long handling took, and how far the relays are behind.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};
use telemetry::Metrics;

type Seconds = Gauge<f64, AtomicU64>;

/// Every metric of the bus in this process.
#[derive(Clone, Debug)]
struct BusMetrics {
    deliveries: Family<DeliveryLabels, Counter>,
    handling: Family<QueueLabels, Histogram, fn() -> Histogram>,
    paused: Family<QueueLabels, Gauge>,
    relayed: Family<RelayLabels, Counter>,
    lag: Family<SourceLabels, Seconds>,
    claimed: Family<SourceLabels, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    queue: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    queue: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RelayLabels {
    source: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabels {
    source: &'static str,
}

impl BusMetrics {
    fn register(metrics: &Metrics) -> Self {
        Self {
            deliveries: metrics.register("bus_deliveries", "Deliveries by how they ended", Family::default()),
            handling: metrics.latencies("bus_handling_seconds", "How long a handler took for an event"),
            paused: metrics.register(
                "bus_consumer_paused",
                "1 while a consumer waits for a dependency to come back",
                Family::default(),
            ),
            relayed: metrics.register(
                "bus_relayed_events",
                "Events of an outbox by how publishing ended",
                Family::default(),
            ),
            lag: metrics.register(
                "bus_relay_lag_seconds",
                "Age of the oldest event that a relay is publishing",
                Family::default(),
            ),
            claimed: metrics.register(
                "bus_relay_claimed_events",
                "Events that a relay is publishing; a full batch means that more wait in the outbox",
                Family::default(),
            ),
        }
    }
}

/// The metrics of one queue's consumer.
#[derive(Debug)]
pub(crate) struct QueueMetrics {
    pub(crate) handled: Counter,
    /// Failed unexpectedly and will be retried.
    pub(crate) retried: Counter,
    pub(crate) dead_lettered: Counter,
    /// Failed transiently: not counted against the message.
    pub(crate) deferred: Counter,
    pub(crate) handling: Histogram,
    pub(crate) paused: Gauge,
}

impl QueueMetrics {
    pub(crate) fn of(metrics: &Metrics, queue: &'static str) -> Self {
        let bus = metrics.shared(BusMetrics::register);
        let outcome = |outcome| bus.deliveries.get_or_create_owned(&DeliveryLabels { queue, outcome });
        Self {
            handled: outcome("handled"),
            retried: outcome("retried"),
            dead_lettered: outcome("dead_lettered"),
            deferred: outcome("deferred"),
            handling: bus.handling.get_or_create_owned(&QueueLabels { queue }),
            paused: bus.paused.get_or_create_owned(&QueueLabels { queue }),
        }
    }
}

/// The metrics of one relay.
#[derive(Debug)]
pub(crate) struct RelayMetrics {
    pub(crate) published: Counter,
    pub(crate) failed: Counter,
    pub(crate) lag: Seconds,
    pub(crate) claimed: Gauge,
}

impl RelayMetrics {
    pub(crate) fn of(metrics: &Metrics, source: &'static str) -> Self {
        let bus = metrics.shared(BusMetrics::register);
        let outcome = |outcome| bus.relayed.get_or_create_owned(&RelayLabels { source, outcome });
        Self {
            published: outcome("published"),
            failed: outcome("failed"),
            lag: bus.lag.get_or_create_owned(&SourceLabels { source }),
            claimed: bus.claimed.get_or_create_owned(&SourceLabels { source }),
        }
    }

    /// The outbox is empty as far as this relay knows.
    pub(crate) fn is_level(&self) {
        self.lag.set(0.0);
        self.claimed.set(0);
    }
}
