//! Events of orders: a cancelled one closes its checkout, a refunding one has money paid back.

use async_trait::async_trait;
use bus::{Event, Handler};
use common::{Fault, OrderId};
use contracts::{
    events::{OrderEvent, RefundOrder},
    topics::EventType,
};

use super::supervised::Supervisor;
use crate::{app::Cashier, domain::RefundRequest};

/// Handles the queue `payments.orders`. What an event asks for is stored before it is acked; when the provider does
/// not answer, the sweep carries it out, and the queue does not wait for it.
#[derive(Clone, Debug)]
pub(crate) struct OrderEvents {
    pub(crate) cashier: Cashier,
    pub(crate) supervisor: Supervisor,
}

#[async_trait]
impl Handler for OrderEvents {
    async fn handle(&self, event: &Event) -> Result<(), Fault> {
        let order: OrderEvent = event.decode()?;
        let kind = EventType::parse(&event.event_type);
        if !matches!(kind, Some(EventType::OrderCancelled | EventType::OrderRefunding)) {
            return Ok(());
        }
        if kind == Some(EventType::OrderCancelled) {
            self.close(order.order_id).await?;
        }
        for refund in order.refunds {
            self.refund(order.order_id, refund).await?;
        }
        Ok(())
    }
}

impl OrderEvents {
    async fn close(&self, order: OrderId) -> Result<(), Fault> {
        let kept = self.cashier.request_close(order).await?;
        let closed = self.supervisor.scope("payments.close", None, self.cashier.close(kept)).await;
        left_to_the_sweep(order, closed.map(drop))
    }

    async fn refund(&self, order: OrderId, refund: RefundOrder) -> Result<(), Fault> {
        let request = request(refund);
        self.cashier.record_refund(order, &request).await?;
        let refunded =
            self.supervisor.scope("payments.refund", None, self.cashier.refund(order, &request)).await;
        left_to_the_sweep(order, refunded.map(drop))
    }
}

fn request(refund: RefundOrder) -> RefundRequest {
    RefundRequest {
        id: refund.refund_id,
        amount: refund.amount,
        attempt: refund.attempt,
        reason: refund.reason,
    }
}

fn left_to_the_sweep(order: OrderId, outcome: Result<(), Fault>) -> Result<(), Fault> {
    match outcome {
        Err(fault) if fault.is_transient() => {
            tracing::warn!(%order, %fault, "left to the sweep");
            Ok(())
        }
        outcome => outcome,
    }
}
