//! Keeps the gauges of this service up to date: every process does, so that none shows what it knew long ago.

use std::{sync::Arc, time::Duration};

use telemetry::{Gauges, Metrics};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, Figures},
    ports::DueFor,
};

/// Between two looks; about one per scrape.
const EVERY: Duration = Duration::from_secs(15);

/// The gauges.
#[derive(Debug)]
pub struct OrderGauges {
    under_way: Gauges,
    overdue: Gauges,
    ready: Gauges,
    in_flight: Gauges,
    dead_letters: Gauges,
}

impl OrderGauges {
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let queue = "queue";
        Self {
            under_way: metrics.gauges("orders_under_way", "Orders by status, final ones aside", "status"),
            overdue: metrics.gauges(
                "orders_overdue_seconds",
                "How long the longest overdue order has waited for a sweep",
                "sweep",
            ),
            ready: metrics.gauges("queue_ready_events", "Events that wait in a queue", queue),
            in_flight: metrics.gauges("queue_in_flight_events", "Events that consumers have in hand", queue),
            dead_letters: metrics.gauges("queue_dead_letters", "Dead letters of a queue", queue),
        }
    }

    /// Looks every [`EVERY`] until `shutdown`.
    pub async fn keep(self, app: Arc<App>, shutdown: CancellationToken) {
        loop {
            match app.figures().await {
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
        for (status, count) in figures.under_way {
            self.under_way.count(status.as_str(), count);
        }
        for (what, time) in figures.overdue {
            let sweep = match what {
                DueFor::Driver => "orders.sagas",
                DueFor::Visit => "orders.due",
            };
            self.overdue.set(sweep, time.as_secs_f64());
        }
        let Some(queues) = figures.queues else { return self.clear_queues() };
        for depth in queues {
            self.ready.count(&depth.queue, depth.ready);
            self.in_flight.count(&depth.queue, depth.in_flight);
            self.dead_letters.count(&depth.queue, depth.dead_letters);
        }
    }

    fn clear(&self) {
        self.under_way.clear();
        self.overdue.clear();
        self.clear_queues();
    }

    fn clear_queues(&self) {
        for gauges in [&self.ready, &self.in_flight, &self.dead_letters] {
            gauges.clear();
        }
    }
}
