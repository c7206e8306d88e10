//! Reserve: hold all lines of an order or none.

use common::{Call, Fault, OrderId, Timestamp};

use super::Stock;
use crate::domain::{
    reservation::{Action, Reservation},
    settle::Settlement,
    wanted::{self, Wanted},
};

impl Stock {
    /// Holds the lines until the order is settled; a repeat answers with the same prices.
    ///
    /// Faults: `insufficient_stock` (metadata `lines`), `item_not_found` (metadata `items`), `already_closed`,
    /// `invalid_request` (bounds, other lines, mixed currencies), `resource_exhausted`, `unavailable`.
    pub async fn reserve(
        &self,
        order_id: OrderId,
        lines: Vec<Wanted>,
        expires_at: Timestamp,
    ) -> Result<Reservation, Fault> {
        let wanted = wanted::merge(lines)?;
        let items = wanted.iter().map(|line| line.item_id.clone()).collect();
        let (action, trace) = (Action::Hold, Call::current_trace());
        self.desk.settle(Settlement { order_id, action, wanted, expires_at, items, trace }).await
    }
}
