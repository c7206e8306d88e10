//! A movement: one change of one item's counters and its cause. The ledger is made of movements.

use common::{ItemId, MovementId, OrderId, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What a new item starts with.
    Initial,
    /// Staff added stock.
    Restock,
    /// Staff counted anew.
    Correction,
    /// Promised to an order.
    Hold,
    /// The order is paid: what was held is gone.
    Commit,
    /// The promise is taken back.
    Release,
    /// What was gone came back: the ticket never started.
    Return,
}

/// Why an item moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The item was put as it should be.
    Staff,
    Restock(MovementId),
    Order(OrderId),
}

/// One change of an item's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// 1 for the item's first movement, then without gaps.
    pub seq: u64,
    pub kind: Kind,
    /// Negative only in a correction.
    pub quantity: i64,
    pub cause: Cause,
    pub at: Timestamp,
}

/// A movement in the ledger, which is never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub item_id: ItemId,
    pub movement: Movement,
}

impl Entry {
    /// Sorts by item, then by number.
    #[must_use]
    pub fn id(item_id: &ItemId, seq: u64) -> String {
        format!("{item_id}/{seq:016}")
    }
}
