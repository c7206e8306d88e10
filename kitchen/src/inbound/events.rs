//! Events of orders: paid makes a ticket, cancelled and refunding close one that nobody has started.

use async_trait::async_trait;
use bus::{Event, Handler};
use common::{Code, Fault};
use contracts::{
    events::{OrderEvent, OrderEventLine},
    topics::EventType,
};

use crate::{
    app::{Kitchen, ensure_ticket::EnsureTicket},
    domain::Line,
};

#[async_trait]
impl Handler for Kitchen {
    async fn handle(&self, event: &Event) -> Result<(), Fault> {
        let order: OrderEvent = event.decode()?;
        let outcome = match EventType::parse(&event.event_type) {
            Some(EventType::OrderPaid) => self.ensure_ticket(ticket_of(order), Some(event.id)).await,
            Some(EventType::OrderCancelled | EventType::OrderRefunding) => {
                self.cancel_ticket(order.order_id, order.cause, Some(event.id)).await
            }
            _ => return Ok(()),
        };
        match outcome {
            Ok(_) => Ok(()),
            // Closed before it was made, or started before it was cancelled: the event has nothing left to do.
            Err(fault) if matches!(fault.code(), Code::AlreadyClosed | Code::OrderNotCancellable) => Ok(()),
            Err(fault) => Err(fault),
        }
    }
}

fn ticket_of(order: OrderEvent) -> EnsureTicket {
    EnsureTicket {
        order_id: order.order_id,
        lines: order.lines.into_iter().map(line).collect(),
        note: order.note,
    }
}

fn line(line: OrderEventLine) -> Line {
    let name = line.name.unwrap_or_else(|| line.item_id.to_string());
    Line { name, item_id: line.item_id, quantity: line.quantity }
}
