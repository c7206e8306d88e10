//! What was ordered: items and quantities, priced once the stock service said what they cost.

use common::{Code, Fault, ItemId, Money};
use serde::{Deserialize, Serialize};

/// One item of the order; lines with the same item are merged before they get here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub item_id: ItemId,
    pub quantity: u32,
    /// Absent until the stock is reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// What the item was called and cost when it was reserved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    pub name: String,
    pub unit: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_price_id: Option<String>,
}

impl Line {
    /// A line without a price.
    #[must_use]
    pub fn new(item_id: ItemId, quantity: u32) -> Self {
        Self { item_id, quantity, price: None }
    }

    /// Quantity times unit price; `None` while it has none. `invalid_request` on overflow.
    pub fn subtotal(&self) -> Result<Option<Money>, Fault> {
        self.price.as_ref().map(|price| price.unit.times(self.quantity)).transpose()
    }
}

/// The sum of priced lines. `invalid_request` for mixed currencies, an overflow, or a line without a price.
pub fn total(lines: &[Line]) -> Result<Money, Fault> {
    let mut sum: Option<Money> = None;
    for line in lines {
        let subtotal = line.subtotal()?.ok_or_else(|| unpriced(&line.item_id))?;
        sum = Some(match sum {
            Some(sum) => sum.plus(subtotal)?,
            None => subtotal,
        });
    }
    sum.ok_or_else(|| Fault::new(Code::InvalidRequest, "an order has at least one line"))
}

fn unpriced(item: &ItemId) -> Fault {
    Fault::internal(format!("no price was reserved for item {item}"))
}
