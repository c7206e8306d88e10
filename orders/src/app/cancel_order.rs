//! Cancel an order: at once while it is unpaid; once it is paid the kitchen decides.

use std::sync::Arc;

use common::{Call, Code, CustomerId, Fault, OrderId, crash};

use super::{
    App,
    change::{At, Step},
    visit::Occasion,
};
use crate::{
    domain::{Actor, Cancel, Order},
    ports::Stored,
};

impl App {
    /// Cancels, and refunds what was paid. A repeat on an order that was cancelled succeeds.
    ///
    /// Faults: `order_not_found`, `order_not_cancellable`, `unavailable` (also: the kitchen cannot be asked).
    pub async fn cancel_order(
        self: &Arc<Self>,
        id: OrderId,
        customer: Option<&CustomerId>,
        reason: Option<&str>,
    ) -> Result<Stored<Order>, Fault> {
        let by = if customer.is_some() { Actor::Customer } else { Actor::Staff };
        let stored = self.find(id, customer).await?;
        let decide = |order: &mut Order, at: At| {
            let outcome = order.cancel(by, reason, at.now);
            Ok(if outcome == Cancel::Decided { Step::Save(outcome) } else { Step::Keep(outcome) })
        };
        let (stored, outcome) = self.change(stored, None, decide).await?;
        match outcome {
            Cancel::Already => Ok(stored),
            Cancel::TooLate => {
                let text = "the order can no longer be cancelled";
                Err(Fault::new(Code::OrderNotCancellable, text))
            }
            Cancel::Decided => {
                crash::point!("orders.cancel.decided");
                Ok(self.carry_out(stored))
            }
            Cancel::AskKitchen => self.ask_kitchen(stored, by, reason).await,
        }
    }

    async fn ask_kitchen(
        self: &Arc<Self>,
        stored: Stored<Order>,
        by: Actor,
        reason: Option<&str>,
    ) -> Result<Stored<Order>, Fault> {
        let answer = self.parts.kitchen.cancel_ticket(stored.body.id, reason).await;
        answer.map_err(|fault| match fault.code() {
            Code::OrderNotCancellable => fault,
            _ => Fault::unavailable(format!("ask the kitchen to cancel: {fault}")),
        })?;
        crash::point!("orders.cancel.ticket_cancelled");
        let agree = |order: &mut Order, at: At| {
            Ok(if order.cancel_agreed(by, reason, at.now) { Step::Save(()) } else { Step::Keep(()) })
        };
        let (stored, ()) = self.change(stored, None, agree).await?;
        crash::point!("orders.cancel.refunding");
        Ok(self.carry_out(stored))
    }

    /// Starts what follows from the decision; the caller is not kept waiting for it.
    pub(super) fn carry_out(self: &Arc<Self>, stored: Stored<Order>) -> Stored<Order> {
        let (app, cause, decided) = (Arc::clone(self), Call::current_trace(), stored.clone());
        self.parts
            .background
            .spawn("orders.undo", Box::pin(async move { app.act(decided, Occasion::Decision, cause).await }));
        stored
    }
}
