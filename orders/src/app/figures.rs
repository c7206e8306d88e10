//! Figures for monitoring: what is under way and how far the sweeps are behind. Cheap: final orders are not counted.

use std::time::Duration;

use common::Fault;

use super::App;
use crate::{
    domain::Status,
    ports::{DueFor, QueueDepth},
};

/// What a scrape shows of this service.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Orders in each status that is not final.
    pub under_way: Vec<(Status, u64)>,
    /// How long the longest overdue order has been waiting for its driver and for a visit.
    pub overdue: [(DueFor, Duration); 2],
    /// `None` when the broker cannot be asked.
    pub queues: Option<Vec<QueueDepth>>,
}

impl App {
    /// Faults: `unavailable` of the store.
    pub async fn figures(&self) -> Result<Figures, Fault> {
        let mut under_way = Vec::new();
        for status in Status::ALL.into_iter().filter(|status| !status.is_final()) {
            under_way.push((status, self.parts.orders.count(status).await?));
        }
        let overdue = [
            (DueFor::Driver, self.overdue(DueFor::Driver).await?),
            (DueFor::Visit, self.overdue(DueFor::Visit).await?),
        ];
        let queues = self.parts.queues.depths().await.ok();
        Ok(Figures { under_way, overdue, queues })
    }

    async fn overdue(&self, what: DueFor) -> Result<Duration, Fault> {
        let now = self.now();
        let first = self.parts.orders.due(what, now, 1).await?;
        Ok(first.first().map_or(Duration::ZERO, |order| now.since(order.body.due_at())))
    }
}
