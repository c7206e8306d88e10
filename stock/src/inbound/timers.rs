//! What time drives: the sweeps and the seeder, which says when the menu is there.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use common::Fault;
use runtime::{Check, sweep::Sweep};
use tokio_util::sync::CancellationToken;

use crate::app::Stock;

/// Between two tries of a seeder whose store is away.
const SEED_AGAIN: Duration = Duration::from_millis(500);

/// Visits reservations and restocks that are due.
#[derive(Debug)]
pub(crate) struct DueSweep(pub(crate) Stock);

#[async_trait]
impl Sweep for DueSweep {
    async fn round(&self) -> Result<usize, Fault> {
        self.0.settle_due().await
    }
}

/// Visits items with movements that are not in the ledger.
#[derive(Debug)]
pub(crate) struct LedgerSweep(pub(crate) Stock);

#[async_trait]
impl Sweep for LedgerSweep {
    async fn round(&self) -> Result<usize, Fault> {
        self.0.post_movements().await
    }
}

/// Whether the menu is there.
#[derive(Debug, Default)]
pub(crate) struct Seeded(AtomicBool);

#[async_trait]
impl Check for Seeded {
    async fn check(&self) -> Result<(), Fault> {
        if self.0.load(Ordering::Acquire) {
            Ok(())
        } else {
            Err(Fault::unavailable("the menu is not there yet"))
        }
    }
}

/// Fills in the menu, as often as it takes.
pub(crate) async fn seed(stock: Stock, seeded: std::sync::Arc<Seeded>, shutdown: CancellationToken) {
    loop {
        match stock.seed().await {
            Ok(created) => {
                tracing::info!(created, "the sample menu is there");
                seeded.0.store(true, Ordering::Release);
                return;
            }
            Err(fault) => tracing::warn!(%fault, "the sample menu could not be filled in"),
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(SEED_AGAIN) => {}
        }
    }
}
