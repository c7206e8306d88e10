//! The sweeps under the chassis' runner.

use async_trait::async_trait;
use common::Fault;
use runtime::sweep::Sweep;

use crate::app::{SweepClaims, SweepDue, SweepSagas};

#[async_trait]
impl Sweep for SweepDue {
    async fn round(&self) -> Result<usize, Fault> {
        self.round().await
    }
}

#[async_trait]
impl Sweep for SweepSagas {
    async fn round(&self) -> Result<usize, Fault> {
        self.round().await
    }
}

#[async_trait]
impl Sweep for SweepClaims {
    async fn round(&self) -> Result<usize, Fault> {
        self.round().await
    }
}
