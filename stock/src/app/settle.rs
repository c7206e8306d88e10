//! Commit, release, or finish what is half-done: what becomes of an order's reservation.

use common::{Call, Fault, OrderId};

use super::{LOOKS_MAX, Stock, kept_changing};
use crate::domain::{
    reservation::{Action, Reservation},
    settle::Settlement,
};

impl Stock {
    /// The order is paid. Faults: `invalid_transition` when its reservation was released or never was.
    pub async fn commit(&self, order_id: OrderId) -> Result<Reservation, Fault> {
        self.settle(order_id, Action::Commit).await
    }

    /// The order is off: what it holds is free again, and what was gone comes back unless its ticket was started. An
    /// order without a reservation gets a tombstone.
    pub async fn release(&self, order_id: OrderId, ticket_started: bool) -> Result<Reservation, Fault> {
        self.settle(order_id, Action::Release { ticket_started }).await
    }

    pub(super) async fn settle(&self, order_id: OrderId, action: Action) -> Result<Reservation, Fault> {
        for _ in 0..LOOKS_MAX {
            let found = self.stockroom.reservations(&[order_id]).await?.pop().flatten().map(|f| f.body);
            if let Some(found) = &found
                && found.next(action)?.is_none()
            {
                return Ok(found.clone());
            }
            match self.desk.settle(self.wish(order_id, action, found)).await {
                // It was not there or had no lines a moment ago, and now it has.
                Err(fault) if fault.is_version_conflict() => {}
                settled => return settled,
            }
        }
        Err(kept_changing())
    }

    fn wish(&self, order_id: OrderId, action: Action, found: Option<Reservation>) -> Settlement {
        let lines = found.map(|found| found.lines).unwrap_or_default();
        Settlement {
            order_id,
            action,
            wanted: Vec::new(),
            expires_at: self.clock.now(),
            items: lines.into_iter().map(|line| line.item_id).collect(),
            trace: Call::current_trace(),
        }
    }
}
