//! What staff say of an item: its name, price and the like, within bounds.

use std::sync::Arc;

use common::{Code, Fault, ItemId, Money, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    item::Item,
    movement::{Cause, Kind},
};

/// Bounds, in characters for texts and in minor units for prices.
pub const NAME_MAX: usize = 200;
pub const DESCRIPTION_MAX: usize = 500;
pub const PRICE_ID_MAX: usize = 255;
pub const PRICE_MAX_MINOR: i64 = 99_999_999;
pub const ON_HAND_MAX: u64 = 1_000_000_000;
/// Items that there may be, so that the whole menu fits into one answer.
pub const ITEMS_MAX: usize = 1_000;

/// The parts of an item that do not move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    pub name: String,
    pub price: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_price_id: Option<String>,
}

impl Details {
    /// `invalid_request` naming each part that is out of bounds.
    pub fn check(self) -> Result<Self, Fault> {
        let faults = [
            (!self.name_fits()).then_some(("/name", "a name is 1 to 200 characters, not all blank")),
            (!(1..=PRICE_MAX_MINOR).contains(&self.price.amount_minor))
                .then_some(("/price/amount_minor", "a price is 1 to 99,999,999")),
            (!self.description_fits()).then_some(("/description", "a description is at most 500 characters")),
            (!self.price_id_fits())
                .then_some(("/stripe_price_id", "a price id is 1 to 255 printable ASCII characters")),
        ];
        let mut faults = faults.into_iter().flatten().peekable();
        if faults.peek().is_none() {
            return Ok(self);
        }
        let fault = Fault::new(Code::InvalidRequest, "the item is not valid");
        Err(faults.fold(fault, |fault, (pointer, detail)| fault.with_violation(pointer, detail)))
    }

    fn name_fits(&self) -> bool {
        !self.name.trim().is_empty() && fits(&self.name, NAME_MAX)
    }

    fn description_fits(&self) -> bool {
        self.description.as_ref().is_none_or(|text| fits(text, DESCRIPTION_MAX))
    }

    fn price_id_fits(&self) -> bool {
        self.stripe_price_id.as_ref().is_none_or(|id| {
            (1..=PRICE_ID_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
        })
    }
}

fn fits(text: &str, max: usize) -> bool {
    text.chars().count() <= max && !text.contains('\0')
}

/// When a `PutItem` takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Creates the item or changes it.
    Put,
    /// Creates the item; one that is there stays as it is.
    Seed,
}

/// An item as staff want it.
#[derive(Clone, Debug)]
pub struct PutItem {
    pub item_id: ItemId,
    pub details: Arc<Details>,
    /// `None`: unchanged, 0 for a new item.
    pub on_hand: Option<u64>,
    pub mode: Mode,
}

impl PutItem {
    /// `invalid_request` for values out of bounds.
    pub fn new(item_id: ItemId, details: Details, on_hand: Option<u64>, mode: Mode) -> Result<Self, Fault> {
        if on_hand.is_some_and(|on_hand| on_hand > ON_HAND_MAX) {
            return Err(Fault::new(Code::InvalidRequest, "the item is not valid")
                .with_violation("/on_hand", "on_hand is 0 to 1,000,000,000"));
        }
        Ok(Self { item_id, details: Arc::new(details.check()?), on_hand, mode })
    }

    /// The item as it should be; `None` when it is so already. `invalid_transition` when more is held than would be
    /// there.
    pub fn apply(&self, found: Option<&Item>, at: Timestamp) -> Result<Option<Item>, Fault> {
        let Some(found) = found else {
            let on_hand = self.on_hand.unwrap_or(0);
            return Item::new(self.item_id.clone(), Arc::clone(&self.details), on_hand, at).map(Some);
        };
        let on_hand = self.on_hand.unwrap_or(found.counters.on_hand);
        let same = found.details == self.details && found.counters.on_hand == on_hand;
        if same || self.mode == Mode::Seed {
            return Ok(None);
        }
        if on_hand < found.counters.held {
            let held = found.counters.held;
            let text = format!("{held} are held for orders; on_hand cannot be below that");
            return Err(Fault::new(Code::InvalidTransition, text));
        }
        let mut item = found.clone();
        item.details = Arc::clone(&self.details);
        item.count(on_hand, at)?;
        Ok(Some(item))
    }
}

impl Item {
    /// Staff counted `on_hand`: the difference is a correction.
    fn count(&mut self, on_hand: u64, at: Timestamp) -> Result<(), Fault> {
        let difference = i128::from(on_hand) - i128::from(self.counters.on_hand);
        let difference = i64::try_from(difference).expect("both are below 2^53");
        if difference == 0 {
            return Ok(());
        }
        self.apply(Kind::Correction, difference, Cause::Staff, at)
    }
}
