//! Keeps the gauges of this service up to date: every process does, so that none shows what it knew long ago.

use std::time::Duration;

use telemetry::{Gauges, Metrics};
use tokio_util::sync::CancellationToken;

use crate::app::{Stock, figures::Figures};

/// Between two looks; about one per scrape.
const EVERY: Duration = Duration::from_secs(15);

/// The gauges.
#[derive(Debug)]
pub(crate) struct StockGauges {
    units: Gauges,
    items: Gauges,
    overdue: Gauges,
}

impl StockGauges {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            units: metrics.gauges(
                "stock_units",
                "Units of all items, on hand (held ones too) and held",
                "state",
            ),
            items: metrics.gauges("stock_items", "Items that nobody can order right now", "state"),
            overdue: metrics.gauges(
                "stock_overdue_seconds",
                "How long the longest overdue hold has waited for a sweep",
                "sweep",
            ),
        }
    }

    /// Looks every [`EVERY`] until `shutdown`.
    pub(crate) async fn keep(self, stock: Stock, shutdown: CancellationToken) {
        loop {
            match stock.figures().await {
                Ok(figures) => self.show(figures),
                Err(fault) => {
                    tracing::debug!(%fault, "no figures");
                    self.clear();
                }
            }
            if shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                return;
            }
        }
    }

    fn show(&self, figures: Figures) {
        self.units.count("on_hand", figures.on_hand);
        self.units.count("held", figures.held);
        self.items.count("sold_out", figures.sold_out);
        self.overdue.set("stock.due", figures.overdue.as_secs_f64());
    }

    fn clear(&self) {
        for gauges in [&self.units, &self.items, &self.overdue] {
            gauges.clear();
        }
    }
}
