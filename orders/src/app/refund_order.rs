//! Refund an order, whole or in part: the entry reserves its amount in the write that decides it.

use std::sync::Arc;

use common::{Fault, OrderId, crash};

use super::{
    App,
    change::{At, Step},
};
use crate::{
    domain::{Order, RefundAsk, RefundDecision},
    ports::Stored,
};

/// The order after the refund was decided.
#[derive(Clone, Debug)]
pub struct RefundAnswer {
    pub order: Stored<Order>,
    /// The same refund was asked for before; the order is as it was then.
    pub replayed: bool,
}

impl App {
    /// Faults: `order_not_found`, `invalid_transition`, `invalid_request`, `idempotency_key_reused`, `unavailable`.
    pub async fn refund_order(self: &Arc<Self>, id: OrderId, ask: RefundAsk) -> Result<RefundAnswer, Fault> {
        let stored = self.find(id, None).await?;
        let decide = |order: &mut Order, at: At| {
            Ok(match order.refund(ask.clone(), at.next_version, at.now)? {
                made @ RefundDecision::Made => Step::Save(made),
                replayed @ RefundDecision::Replayed => Step::Keep(replayed),
            })
        };
        let (stored, decision) = self.change(stored, None, decide).await?;
        if decision == RefundDecision::Made {
            crash::point!("orders.refund.decided");
            return Ok(RefundAnswer { order: self.carry_out(stored), replayed: false });
        }
        Ok(RefundAnswer { order: as_told(stored, &ask), replayed: true })
    }
}

fn as_told(stored: Stored<Order>, ask: &RefundAsk) -> Stored<Order> {
    let told = stored.body.refunds.iter().find(|refund| refund.id == ask.id).and_then(|refund| refund.told);
    match told {
        Some(told) => Stored { body: stored.body.as_told(&told), version: told.version },
        None => stored,
    }
}
