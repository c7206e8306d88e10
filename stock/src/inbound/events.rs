//! Events of orders: paid commits the reservation; cancelled, expired and refunding release or return it.

use async_trait::async_trait;
use bus::{Event, Handler};
use common::{Code, Fault};
use contracts::{events::OrderEvent, topics::EventType};

use crate::app::Stock;

#[async_trait]
impl Handler for Stock {
    async fn handle(&self, event: &Event) -> Result<(), Fault> {
        let order: OrderEvent = event.decode()?;
        let id = order.order_id;
        let settled = match EventType::parse(&event.event_type) {
            Some(EventType::OrderPaid) => self.commit(id).await,
            Some(EventType::OrderCancelled | EventType::OrderExpired) => self.release(id, false).await,
            Some(EventType::OrderRefunding) => self.release(id, order.ticket_started).await,
            _ => return Ok(()),
        };
        match settled {
            // Released already: the news of the payment came after the news of the refund.
            Err(fault) if fault.code() == Code::InvalidTransition => {
                tracing::info!(order = %id, event = event.event_type, %fault, "nothing left to commit");
                Ok(())
            }
            settled => settled.map(drop),
        }
    }
}
