//! An item: what staff say of it, its counters, and its newest movements until the ledger has them.

use std::sync::Arc;

use common::{Code, Fault, ItemId, OrderId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    catalogue::Details,
    counters::Counters,
    movement::{Cause, Kind, Movement},
};

/// Movements that an item keeps before it takes no new holds and no new stock until some are in the ledger.
pub const UNPOSTED_MAX: usize = 256;
/// Movements that it keeps at most: what has begun must find room to end, or a full list could never empty.
pub const UNPOSTED_CEILING: usize = 2 * UNPOSTED_MAX;
/// Availability at and below which an item is low.
pub const LOW_AT: u64 = 5;

/// One item of the menu. It is saved whole, with the version it was read at, so that no change is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub id: ItemId,
    pub details: Arc<Details>,
    pub counters: Counters,
    /// The number of the newest movement.
    pub seq: u64,
    /// Whether availability is low, so that each crossing is told once.
    pub low: bool,
    /// Movements that the ledger may not have yet, oldest first.
    pub unposted: Vec<Movement>,
}

impl Item {
    /// A new item. `invalid_request` when there is more of it than counters hold.
    pub fn new(id: ItemId, details: Arc<Details>, on_hand: u64, at: Timestamp) -> Result<Self, Fault> {
        let counters = Counters::default();
        let mut item = Self { id, details, counters, seq: 0, low: false, unposted: Vec::new() };
        let quantity = i64::try_from(on_hand).map_err(|_| too_much())?;
        item.apply(Kind::Initial, quantity, Cause::Staff, at)?;
        item.low = item.is_low();
        Ok(item)
    }

    #[must_use]
    pub fn available(&self) -> u64 {
        self.counters.available()
    }

    #[must_use]
    pub fn is_low(&self) -> bool {
        self.available() <= LOW_AT
    }

    fn has_room(&self, kind: Kind) -> bool {
        let bound = match kind {
            Kind::Initial | Kind::Restock | Kind::Correction | Kind::Hold => UNPOSTED_MAX,
            Kind::Commit | Kind::Release | Kind::Return => UNPOSTED_CEILING,
        };
        self.unposted.len() < bound
    }

    /// Whether the list shows that this was done for the order.
    #[must_use]
    pub fn shows(&self, order: OrderId, kind: Kind) -> bool {
        let cause = Cause::Order(order);
        self.unposted.iter().any(|movement| movement.kind == kind && movement.cause == cause)
    }

    /// Does it for the order unless the list shows that it was done. Faults as [`Item::apply`].
    pub fn once(&mut self, order: OrderId, kind: Kind, quantity: u32, at: Timestamp) -> Result<(), Fault> {
        if self.shows(order, kind) {
            return Ok(());
        }
        self.apply(kind, quantity.into(), Cause::Order(order), at)
    }

    /// Moves the counters and keeps the movement. `resource_exhausted` (metadata `item`) when the list is full;
    /// `invalid_request` when there would be too much; `internal` when counters do not allow it.
    pub fn apply(&mut self, kind: Kind, quantity: i64, cause: Cause, at: Timestamp) -> Result<(), Fault> {
        if !self.has_room(kind) {
            return Err(self.list_is_full());
        }
        let after = self.counters.after(kind, quantity);
        self.counters = after.ok_or_else(|| self.refusal(kind, quantity))?;
        self.seq += 1;
        self.unposted.push(Movement { seq: self.seq, kind, quantity, cause, at });
        Ok(())
    }

    /// Notes whether availability is low now; true when it has just become so.
    pub fn crosses_low(&mut self) -> bool {
        let is_low = self.is_low();
        let was_low = std::mem::replace(&mut self.low, is_low);
        is_low && !was_low
    }

    fn list_is_full(&self) -> Fault {
        Fault::new(Code::ResourceExhausted, "the item is very busy; try again")
            .with_metadata("item", self.id.as_str())
            .with_retry_after(std::time::Duration::from_secs(1))
    }

    fn refusal(&self, kind: Kind, quantity: i64) -> Fault {
        if matches!(kind, Kind::Initial | Kind::Restock | Kind::Correction) {
            return too_much();
        }
        Fault::internal(format!("item {}: {kind:?} {quantity} does not fit {:?}", self.id, self.counters))
    }
}

fn too_much() -> Fault {
    Fault::new(Code::InvalidRequest, "there would be more of the item than can be counted")
}
