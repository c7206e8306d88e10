//! Figures for the operator: counts by status, revenue, queues.

use common::{Fault, Money};

use super::App;
use crate::{domain::Status, ports::QueueDepth};

/// What `/stats` shows.
#[derive(Clone, Debug)]
pub struct Stats {
    pub counts: Vec<(Status, u64)>,
    pub revenue: Vec<Money>,
    /// Empty when the broker cannot be asked.
    pub queues: Vec<QueueDepth>,
}

impl App {
    /// Faults: `unavailable` of the store.
    pub async fn get_stats(&self) -> Result<Stats, Fault> {
        let mut counts = Vec::with_capacity(Status::ALL.len());
        for status in Status::ALL {
            counts.push((status, self.parts.orders.count(status).await?));
        }
        let revenue = self.books.totals(&*self.parts.orders).await?;
        let queues = self.parts.queues.depths().await.unwrap_or_else(|fault| {
            tracing::warn!(%fault, "the queues could not be counted");
            Vec::new()
        });
        Ok(Stats { counts, revenue, queues })
    }
}
