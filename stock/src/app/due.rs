//! What is due: finish what stopped half-way, and ask about holds whose time is over.

use std::time::Duration;

use common::{Call, Code, Deadline, Fault, crash};
use futures::{StreamExt as _, stream};

use super::Stock;
use crate::{
    domain::{
        reservation::{ASK_AGAIN, Action, Reservation},
        restock::{Restock, RestockItem},
    },
    ports::{Change, Record, Versioned},
};

/// Reservations of one round of the sweep, and how many of them at a time.
pub const DUE_PER_ROUND: usize = 64;
const AT_A_TIME: usize = 16;
/// How long one of them may take, the question to orders included.
const VISIT_TIMEOUT: Duration = Duration::from_secs(1);

impl Stock {
    /// One round: answers with how many reservations and restocks were visited.
    pub async fn settle_due(&self) -> Result<usize, Fault> {
        let now = self.clock.now();
        let due = self.stockroom.due_reservations(now, DUE_PER_ROUND).await?;
        let restocks = self.stockroom.due_restocks(now, DUE_PER_ROUND).await?;
        let visited = due.len().max(restocks.len());
        stream::iter(due).for_each_concurrent(AT_A_TIME, |due| self.visit(due)).await;
        stream::iter(restocks).for_each_concurrent(AT_A_TIME, |due| self.finish_restock(due.body)).await;
        Ok(visited)
    }

    async fn visit(&self, due: Versioned<Reservation>) {
        let order = due.body.order_id;
        let mut span = self.spans.internal("stock.due", due.body.trace);
        span.about(&order.to_string());
        let call = Call::new(Deadline::after(VISIT_TIMEOUT), span.context());
        let visit = call.deadline.bound("settle a due reservation", self.settle_one(&due.body));
        let settled = call.scope(visit).await;
        span.note(&settled);
        match settled {
            Ok(true) => return,
            Ok(false) => {}
            Err(fault) => tracing::warn!(%order, %fault, "due reservation could not be settled"),
        }
        if let Err(fault) = self.postpone(due).await {
            tracing::debug!(%order, %fault, "due reservation was not postponed");
        }
    }

    /// True when the reservation has come to rest; false when its order is undecided.
    async fn settle_one(&self, due: &Reservation) -> Result<bool, Fault> {
        let action = if due.unfinished().is_some() {
            Some(Action::Finish)
        } else {
            self.orders.standing(due.order_id).await?.verdict()
        };
        let Some(action) = action else { return Ok(false) };
        match self.settle(due.order_id, action).await {
            // A half-done hold that lost its stock meanwhile was given up: that is rest, too.
            Err(fault) if fault.code() == Code::InsufficientStock => Ok(true),
            settled => settled.map(|_| true),
        }
    }

    async fn postpone(&self, due: Versioned<Reservation>) -> Result<(), Fault> {
        let later = due.body.postponed(self.clock.now() + ASK_AGAIN);
        let change = Change::new(Record::Reservation(later), Some(due.version));
        self.stockroom.save_in_order(vec![change]).await?;
        crash::point!("stock.due.postponed");
        Ok(())
    }

    async fn finish_restock(&self, due: Restock) {
        let Restock { movement_id, item_id, quantity, .. } = due;
        let finished = self.desk.restock(RestockItem { item_id, movement_id, quantity }).await;
        if let Err(fault) = finished {
            tracing::warn!(%movement_id, %fault, "half-done restock could not be finished");
        }
    }
}
