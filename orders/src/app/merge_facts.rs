//! Merge what payments and kitchen report into the order.

use common::{EventId, Fault, OrderId, crash};

use super::{
    App,
    change::{At, Step},
};
use crate::domain::{Fact, Order};

impl App {
    /// Learns the facts of one event in one write; knows them already: writes nothing. What follows from a move is
    /// done by the peers on the order's own event, and by the sweep.
    ///
    /// Faults: `order_not_found` (the event speaks of an order that was never made), `unavailable`.
    pub async fn merge_facts(&self, id: OrderId, facts: &[Fact], event: EventId) -> Result<(), Fault> {
        let stored = self.find(id, None).await?;
        let merge = |order: &mut Order, at: At| {
            let learnt = facts.iter().fold(false, |learnt, fact| order.merge(fact, at.now) | learnt);
            Ok(if learnt { Step::Save(true) } else { Step::Keep(false) })
        };
        let (_, learnt) = self.change(stored, Some(event), merge).await?;
        crash::point!("orders.events.merged");
        if learnt {
            self.raise_alerts(id, facts);
        }
        Ok(())
    }

    /// Money that we owe and that did not go back is someone's business now.
    pub(super) fn raise_alerts(&self, id: OrderId, facts: &[Fact]) {
        for fact in facts {
            if let Fact::RefundFailed { refund_id, attempt } = fact {
                self.parts.alerts.refund_failed(id, *refund_id, *attempt);
            }
        }
    }
}
