//! The sweep's visit to one payment: carries on with whatever was left undone, and says when to come again.

use common::{Fault, OrderId, TraceContext, crash};

use super::{Cashier, Decision};
use crate::{
    domain::{Payment, State},
    ports::Kept,
};

impl Cashier {
    /// Payments that are due now, each with its order's trace, at most `limit`. Faults: the store's.
    pub async fn due_payments(&self, limit: usize) -> Result<Vec<(OrderId, Option<TraceContext>)>, Fault> {
        let due = self.payments.due(self.now(), limit).await?;
        Ok(due.into_iter().map(|kept| (kept.value.order_id, kept.value.trace)).collect())
    }

    /// Visits one payment: open intents are driven, sessions closed, refunds sent, silent sessions asked after. What
    /// does not go forward is put off, with a growing pause, and the fault is returned for the log.
    pub async fn revisit(&self, order: OrderId) -> Result<(), Fault> {
        let kept = self.load(order).await?;
        if kept.value.due_at() > self.now() {
            return Ok(());
        }
        let visited = self.carry_on(kept).await.map(drop);
        self.put_off(order).await?;
        crash::point!("payments.sweep.visited");
        visited
    }

    async fn carry_on(&self, kept: Kept<Payment>) -> Result<Kept<Payment>, Fault> {
        if kept.value.open_intent().is_some() {
            return self.drive_checkout(kept).await;
        }
        if kept.value.session_to_close().is_some() {
            return self.close(kept).await;
        }
        let kept = match (&kept.value.session, kept.value.state) {
            (Some(session), State::Open | State::Processing) => {
                let view = self.processor.retrieve_checkout(&session.id).await?;
                self.observe(kept, &view).await?
            }
            _ => kept,
        };
        self.push_refunds(kept).await
    }

    async fn put_off(&self, order: OrderId) -> Result<(), Fault> {
        let kept = self.load(order).await?;
        let put_off = self.change(kept, |payment, now| {
            if payment.due_at() > now {
                return Ok(Decision::Leave);
            }
            payment.tries = payment.tries.one_more(now);
            Ok(Decision::Save(Vec::new()))
        });
        put_off.await.map(drop)
    }
}
