//! Post: bring movements to the ledger that their own round did not bring there, and let idle items forget theirs.

use std::time::Duration;

use common::Fault;
use futures::{StreamExt as _, stream};

use super::Stock;

/// Items of one round of the sweep, and how many of them at a time.
pub const POSTS_PER_ROUND: usize = 64;
const AT_A_TIME: usize = 16;
/// A busy item forgets what was posted with its next save; the sweep is for movements older than this.
const AFTER: Duration = Duration::from_secs(5);

impl Stock {
    /// One round: answers with how many items were visited.
    pub async fn post_movements(&self) -> Result<usize, Fault> {
        let items = self.stockroom.items_to_post(self.clock.now() - AFTER, POSTS_PER_ROUND).await?;
        let visited = items.len();
        stream::iter(items)
            .for_each_concurrent(AT_A_TIME, |item| async move {
                if let Err(fault) = self.desk.post(item.clone()).await {
                    tracing::warn!(%item, %fault, "movements could not be posted");
                }
            })
            .await;
        Ok(visited)
    }
}
