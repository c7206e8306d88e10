//! Figures for monitoring: what is held, what has run out, and how far the sweep is behind.

use std::time::Duration;

use common::Fault;

use super::Stock;

/// What a scrape shows of this service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Units of all items on the shelves, the held ones included.
    pub on_hand: u64,
    pub held: u64,
    /// Items that nobody can order right now.
    pub sold_out: u64,
    /// How long the longest overdue hold has waited to be settled.
    pub overdue: Duration,
}

impl Stock {
    /// Faults: `unavailable` of the store.
    pub async fn figures(&self) -> Result<Figures, Fault> {
        let now = self.clock.now();
        let mut figures = Figures::default();
        for item in self.stockroom.all_items().await? {
            let counters = item.body.counters;
            figures.on_hand = figures.on_hand.saturating_add(counters.on_hand);
            figures.held = figures.held.saturating_add(counters.held);
            figures.sold_out += u64::from(counters.available() == 0);
        }
        let due = self.stockroom.due_reservations(now, 1).await?;
        figures.overdue = due.first().map_or(Duration::ZERO, |due| now.since(due.body.due_at));
        Ok(figures)
    }
}
