//! Alerts as error log lines and a counter that monitoring watches.

use common::OrderId;
use prometheus_client::metrics::counter::Counter;
use telemetry::Metrics;

use crate::{domain::Alert, ports::Alerts};

/// Logs and counts.
#[derive(Debug)]
pub struct LoggedAlerts {
    raised: Counter,
}

impl LoggedAlerts {
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let help = "Charges or sessions that are not what their order was for";
        Self { raised: metrics.counter("payments_alerts", help) }
    }
}

impl Alerts for LoggedAlerts {
    fn raise(&self, order: OrderId, alert: &Alert) {
        self.raised.inc();
        match alert {
            Alert::WrongAmount { session, expected, actual } => {
                tracing::error!(%order, session, %expected, %actual, "amount differs from the order's");
            }
            Alert::StrayCharge { session } => {
                tracing::error!(%order, session, "money on a session that was never handed out; sent back");
            }
        }
    }
}
