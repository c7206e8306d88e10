//! What an order could not get, and how its caller is told.

use common::{Code, Fault, ItemId};
use serde::{Deserialize, Serialize};

/// A line that lacks stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    pub item_id: ItemId,
    pub wanted: u32,
    pub available: u64,
}

/// `insufficient_stock` with the metadata `lines`: `[{"id","wanted","available"}]`.
#[must_use]
pub fn insufficient(lines: &[Shortage]) -> Fault {
    // Item ids are plain characters that JSON takes as they are.
    let lines: Vec<String> = lines
        .iter()
        .map(|s| format!(r#"{{"id":"{}","wanted":{},"available":{}}}"#, s.item_id, s.wanted, s.available))
        .collect();
    Fault::new(Code::InsufficientStock, "there is not enough stock")
        .with_metadata("lines", format!("[{}]", lines.join(",")))
}

/// `item_not_found` with the metadata `items`: the ids as a JSON array.
#[must_use]
pub fn unknown_items(ids: &[&ItemId]) -> Fault {
    let ids: Vec<String> = ids.iter().map(|id| format!(r#""{id}""#)).collect();
    Fault::new(Code::ItemNotFound, "there is no such item")
        .with_metadata("items", format!("[{}]", ids.join(",")))
}
