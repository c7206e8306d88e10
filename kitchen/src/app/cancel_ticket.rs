//! Decides whether an order can still be cancelled: queued is cancelled, nothing there is a tombstone.

use common::{Call, EventId, Fault, OrderId, crash};

use super::{Kitchen, TRIES};
use crate::{
    domain::{Cancellation, State, Ticket},
    ports::Versioned,
};

impl Kitchen {
    /// Makes sure that the order is never cooked, and answers with its closed ticket. `order_not_cancellable` once
    /// the kitchen has started.
    pub async fn cancel_ticket(
        &self,
        order: OrderId,
        reason: Option<String>,
        cause: Option<EventId>,
    ) -> Result<Versioned, Fault> {
        let mut lost = None;
        for _ in 0..TRIES {
            let found = self.tickets.load(order).await?;
            let from = found.as_ref().map(|found| found.ticket.state);
            match self.try_cancel(found, order, reason.clone(), cause).await {
                Ok(closed) => {
                    crash::point!("kitchen.ticket.cancelled");
                    self.queue.moved(from, State::Cancelled);
                    return Ok(closed);
                }
                Err(fault) if fault.is_version_conflict() => lost = Some(fault),
                Err(fault) => return Err(fault),
            }
        }
        Err(lost.expect("every turn of the loop that ends here lost"))
    }

    async fn try_cancel(
        &self,
        found: Option<Versioned>,
        order: OrderId,
        reason: Option<String>,
        cause: Option<EventId>,
    ) -> Result<Versioned, Fault> {
        let now = self.clock.now();
        let Some(Versioned { mut ticket, version }) = found else {
            let ticket = Ticket { trace: Call::current_trace(), ..Ticket::tombstone(order, reason, now) };
            let version = self.tickets.insert(&ticket, cause).await?;
            return Ok(Versioned { ticket, version });
        };
        match ticket.cancel(reason, now)? {
            Cancellation::AlreadyClosed => Ok(Versioned { ticket, version }),
            Cancellation::Cancelled => {
                let version = self.tickets.update(&ticket, version, cause).await?;
                Ok(Versioned { ticket, version })
            }
        }
    }
}
