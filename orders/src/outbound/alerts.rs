//! Alerts as error lines and counters.

use std::fmt;

use common::{OrderId, RefundId};
use telemetry::Metrics;

use crate::ports::Alerts;

/// Counts something that happened.
type Count = Box<dyn Fn() + Send + Sync>;

/// Writes a line and counts.
pub struct LoggedAlerts {
    refunds: Count,
    sagas: Count,
}

impl fmt::Debug for LoggedAlerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoggedAlerts")
    }
}

impl LoggedAlerts {
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let refunds = metrics.counter("orders_refunds_failed", "Refund attempts that failed");
        let sagas = metrics.counter("orders_sagas_given_up", "Orders cancelled because placing them failed");
        Self {
            refunds: Box::new(move || {
                refunds.inc();
            }),
            sagas: Box::new(move || {
                sagas.inc();
            }),
        }
    }
}

impl Alerts for LoggedAlerts {
    fn refund_failed(&self, order: OrderId, refund: RefundId, attempt: u32) {
        (self.refunds)();
        tracing::error!(%order, %refund, attempt, "a refund failed and is tried again");
    }

    fn saga_gave_up(&self, order: OrderId, why: &str) {
        (self.sagas)();
        tracing::error!(%order, why, "an order could not be placed for ten minutes and is cancelled");
    }
}
