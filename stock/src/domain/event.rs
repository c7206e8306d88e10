//! What stock tells the others.

use common::{ItemId, OrderId, Timestamp};

use super::{item::Item, reservation::Reservation, wanted::Wanted};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Reserved(OrderLines),
    /// A hold was taken back, or what was gone came back.
    Released(OrderLines),
    Committed(OrderLines),
    /// Availability has just become low.
    Low {
        item_id: ItemId,
        name: String,
        available: u64,
        at: Timestamp,
    },
}

/// The lines of an order at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLines {
    pub order_id: OrderId,
    pub lines: Vec<Wanted>,
    pub at: Timestamp,
}

impl OrderLines {
    #[must_use]
    pub fn of(reservation: &Reservation) -> Self {
        let wanted = |line: &super::reservation::Line| line.wanted();
        Self {
            order_id: reservation.order_id,
            lines: reservation.lines.iter().map(wanted).collect(),
            at: reservation.updated_at,
        }
    }
}

impl Event {
    #[must_use]
    pub fn low(item: &Item, at: Timestamp) -> Self {
        let available = item.available();
        Self::Low { item_id: item.id.clone(), name: item.details.name.clone(), available, at }
    }
}
