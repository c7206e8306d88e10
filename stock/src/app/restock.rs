//! Restock: staff add stock, once per movement id.

use common::Fault;

use super::{Stock, desk::Restocked};
use crate::domain::restock::RestockItem;

impl Stock {
    /// Faults: `item_not_found`, `idempotency_key_reused`, `invalid_request` when there would be too much.
    pub async fn restock(&self, request: RestockItem) -> Result<Restocked, Fault> {
        self.desk.restock(request).await
    }
}
