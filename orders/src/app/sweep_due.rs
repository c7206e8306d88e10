//! The sweep over orders that no event moved in time.

use std::sync::Arc;

use common::Fault;
use futures::StreamExt as _;

use super::{App, visit::Occasion};
use crate::ports::DueFor;

/// Visits of one round.
const ROUND_MAX: usize = 200;
/// Visits at a time.
const AT_A_TIME: usize = 32;

/// Visits what is overdue.
#[derive(Clone, Debug)]
pub struct SweepDue(pub Arc<App>);

impl SweepDue {
    /// One round; how many were due. Faults: `unavailable` of the store.
    pub async fn round(&self) -> Result<usize, Fault> {
        let app = &self.0;
        let due = app.parts.orders.due(DueFor::Visit, app.now(), ROUND_MAX).await?;
        let found = due.len();
        futures::stream::iter(due)
            .for_each_concurrent(AT_A_TIME, |stored| app.act(stored, Occasion::Sweep, None))
            .await;
        Ok(found)
    }
}
