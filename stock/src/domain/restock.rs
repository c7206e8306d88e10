//! A restock: stock that staff added under an id of theirs, which makes a repeat harmless.

use std::time::Duration;

use common::{Code, Fault, ItemId, MovementId, Timestamp};
use serde::{Deserialize, Serialize};

use super::item::Item;

/// Quantity of one restock at most.
pub const QUANTITY_MAX: u64 = 1_000_000_000;
/// A restock that stopped half-way is finished after this long.
pub const HALF_DONE: Duration = Duration::from_secs(10);

/// The record of one restock: written before the item and again after it, with the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restock {
    pub movement_id: MovementId,
    pub item_id: ItemId,
    pub quantity: u64,
    /// The item as it was answered; `None` until the item has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answered>,
    pub due_at: Timestamp,
}

/// An item as an answer showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    pub item: Item,
    pub version: u64,
}

/// What staff ask for.
#[derive(Clone, Debug)]
pub struct RestockItem {
    pub item_id: ItemId,
    pub movement_id: MovementId,
    pub quantity: u64,
}

impl RestockItem {
    /// `invalid_request` for a quantity outside 1–1,000,000,000.
    pub fn new(item_id: ItemId, movement_id: MovementId, quantity: u64) -> Result<Self, Fault> {
        if (1..=QUANTITY_MAX).contains(&quantity) {
            return Ok(Self { item_id, movement_id, quantity });
        }
        Err(Fault::new(Code::InvalidRequest, "the restock is not valid")
            .with_violation("/quantity", "a quantity is 1 to 1,000,000,000"))
    }

    /// The record that is written first.
    #[must_use]
    pub fn record(&self, now: Timestamp) -> Restock {
        Restock {
            movement_id: self.movement_id,
            item_id: self.item_id.clone(),
            quantity: self.quantity,
            answer: None,
            due_at: now + HALF_DONE,
        }
    }
}

impl Restock {
    /// `idempotency_key_reused` when the id stands for something else.
    pub fn check_same(&self, request: &RestockItem) -> Result<(), Fault> {
        if self.item_id == request.item_id && self.quantity == request.quantity {
            return Ok(());
        }
        Err(Fault::new(Code::IdempotencyKeyReused, "this movement id was used for another restock"))
    }

    /// The record that is written last.
    #[must_use]
    pub fn answered(self, mut item: Item, version: u64) -> Self {
        item.unposted.clear();
        Self { answer: Some(Answered { item, version }), due_at: Timestamp::NEVER, ..self }
    }
}
