//! The sweeps: payments that are due, inbox entries that nobody took, and the provider's list of events.

use std::time::Duration;

use async_trait::async_trait;
use common::{Fault, OrderId, TraceContext};
use futures::{StreamExt as _, stream};
use runtime::sweep::Sweep;

use super::{
    inbox_worker::{self, CONCURRENCY, Waker},
    supervised::Supervisor,
};
use crate::{
    app::{Cashier, Reconciler},
    domain::InboxEntry,
    ports::Kept,
};

/// Documents per round.
pub(crate) const ROUND: usize = 64;
/// Payments visited at once: each may call the provider.
const VISITS: usize = 8;
/// Settled entries forgotten per round.
const FORGET_MAX: usize = 512;
/// Pages of the provider's events per round.
pub(crate) const PAGES: usize = 40;
/// What a page is called in traces.
const RECONCILE: &str = "payments.reconcile";
/// Pause between two pages: at most five requests per second.
const PACE: Duration = Duration::from_millis(200);

/// Visits payments that are due.
#[derive(Debug)]
pub(crate) struct DuePayments {
    pub(crate) cashier: Cashier,
    pub(crate) supervisor: Supervisor,
}

impl DuePayments {
    async fn visit(&self, (order, trace): (OrderId, Option<TraceContext>)) {
        let visited = self.supervisor.scope("payments.due", trace, self.cashier.revisit(order));
        if let Err(fault) = visited.await {
            tracing::warn!(%order, %fault, "payment does not go forward yet");
        }
    }
}

#[async_trait]
impl Sweep for DuePayments {
    async fn round(&self) -> Result<usize, Fault> {
        let due = self.cashier.due_payments(ROUND).await?;
        let visited = due.len();
        stream::iter(due).for_each_concurrent(VISITS, |due| self.visit(due)).await;
        Ok(visited)
    }
}

/// Processes inbox entries that the worker missed, and forgets old ones.
#[derive(Debug)]
pub(crate) struct DueEntries {
    pub(crate) cashier: Cashier,
    pub(crate) supervisor: Supervisor,
}

#[async_trait]
impl Sweep for DueEntries {
    async fn round(&self) -> Result<usize, Fault> {
        let due = self.cashier.due_entries(ROUND).await?;
        let visited = due.len();
        let process = |entry| inbox_worker::process(&self.cashier, &self.supervisor, entry);
        stream::iter(due).for_each_concurrent(CONCURRENCY, process).await;
        self.cashier.forget_entries(FORGET_MAX).await?;
        Ok(visited)
    }
}

/// Reads what the provider's webhooks may have failed to bring.
#[derive(Debug)]
pub(crate) struct Reconcile {
    pub(crate) reconciler: Reconciler,
    pub(crate) waker: Waker,
    pub(crate) supervisor: Supervisor,
}

impl Reconcile {
    fn wake(&self, fresh: Vec<Kept<InboxEntry>>) {
        if !fresh.is_empty() {
            tracing::info!(events = fresh.len(), "events that no webhook had brought");
        }
        fresh.into_iter().for_each(|entry| self.waker.wake(entry));
    }
}

#[async_trait]
impl Sweep for Reconcile {
    async fn round(&self) -> Result<usize, Fault> {
        self.wake(self.supervisor.scope(RECONCILE, None, self.reconciler.read_newest()).await?);
        for page in 1..=PAGES {
            let read = self.supervisor.scope(RECONCILE, None, self.reconciler.read_page()).await?;
            self.wake(read.fresh);
            if !read.more {
                return Ok(page - 1);
            }
            tokio::time::sleep(PACE).await;
        }
        Ok(PAGES)
    }
}
