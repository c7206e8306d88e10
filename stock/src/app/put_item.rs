//! PutItem: staff create or change an item.

use std::time::Duration;

use common::{Code, Fault};

use super::{Stock, desk::Placed};
use crate::domain::catalogue::{ITEMS_MAX, PutItem};

impl Stock {
    /// Faults: `invalid_transition` when more is held than would be on hand, `invalid_request`,
    /// `resource_exhausted` when the menu is full.
    pub async fn put_item(&self, put: PutItem) -> Result<Placed, Fault> {
        let known = self.stockroom.items(std::slice::from_ref(&put.item_id)).await?;
        let is_new = known.iter().all(Option::is_none);
        if is_new && self.stockroom.count_items().await? >= ITEMS_MAX as u64 {
            return Err(Fault::new(Code::ResourceExhausted, "the menu is full")
                .with_retry_after(Duration::from_secs(60)));
        }
        self.desk.put(put).await
    }
}
