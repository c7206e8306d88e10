//! Makes the ticket of a paid order, once.

use common::{Call, Code, EventId, Fault, OrderId, crash};

use super::Kitchen;
use crate::{
    domain::{Line, State, Ticket, promise},
    ports::Versioned,
};

/// What a paid order asks for.
#[derive(Clone, Debug)]
pub struct EnsureTicket {
    pub order_id: OrderId,
    pub lines: Vec<Line>,
    pub note: Option<String>,
}

impl Kitchen {
    /// The order's ticket, made if it is not there. `already_closed` when a cancellation came first.
    pub async fn ensure_ticket(
        &self,
        wanted: EnsureTicket,
        cause: Option<EventId>,
    ) -> Result<Versioned, Fault> {
        let order = wanted.order_id;
        if let Some(found) = self.tickets.load(order).await? {
            return open_or_closed(found);
        }
        let now = self.clock.now();
        let promised_at = promise::promised_at(now, self.queue.get());
        let trace = Call::current_trace();
        let ticket = Ticket { trace, ..Ticket::queue(order, wanted.lines, wanted.note, now, promised_at) };
        match self.tickets.insert(&ticket, cause).await {
            Ok(version) => {
                crash::point!("kitchen.ticket.queued");
                self.queue.moved(None, State::Queued);
                Ok(Versioned { ticket, version })
            }
            Err(fault) if fault.is_version_conflict() => match self.tickets.load(order).await? {
                Some(found) => open_or_closed(found),
                None => Err(fault),
            },
            Err(fault) => Err(fault),
        }
    }
}

fn open_or_closed(found: Versioned) -> Result<Versioned, Fault> {
    if found.ticket.state == State::Cancelled {
        return Err(Fault::new(Code::AlreadyClosed, "the order was cancelled before its ticket was made"));
    }
    Ok(found)
}
