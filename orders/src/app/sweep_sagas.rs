//! The sweep over pending orders whose driver is gone or waits for its next attempt.

use std::sync::Arc;

use common::Fault;
use futures::StreamExt as _;

use super::App;
use crate::{
    domain::Order,
    ports::{DueFor, Stored},
};

/// Sagas of one round.
const ROUND_MAX: usize = 200;
/// Sagas at a time.
const AT_A_TIME: usize = 64;

/// Drives what nobody drives.
#[derive(Clone, Debug)]
pub struct SweepSagas(pub Arc<App>);

impl SweepSagas {
    /// One round; how many were due. Faults: `unavailable` of the store.
    pub async fn round(&self) -> Result<usize, Fault> {
        let app = &self.0;
        let due = app.parts.orders.due(DueFor::Driver, app.now(), ROUND_MAX).await?;
        let found = due.len();
        futures::stream::iter(due).for_each_concurrent(AT_A_TIME, |stored| self.drive(stored)).await;
        Ok(found)
    }

    async fn drive(&self, stored: Stored<Order>) {
        let app = &self.0;
        match app.take_over(&stored).await {
            Ok(Some((seat, saga))) => {
                app.drive(seat, Arc::new(saga), None).await;
            }
            Ok(None) => {}
            Err(fault) => tracing::warn!(order = %stored.body.id, %fault, "could not take the saga over"),
        }
    }
}
