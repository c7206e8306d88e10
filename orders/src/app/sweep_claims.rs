//! The sweep that forgets idempotency keys after a day.

use std::sync::Arc;

use common::Fault;

use super::App;

/// Claims of one round.
const ROUND_MAX: usize = 500;

/// Removes claims whose time is over.
#[derive(Clone, Debug)]
pub struct SweepClaims(pub Arc<App>);

impl SweepClaims {
    /// One round; how many were over. Faults: `unavailable` of the store.
    pub async fn round(&self) -> Result<usize, Fault> {
        let orders = &self.0.parts.orders;
        let expired = orders.expired_claims(self.0.now(), ROUND_MAX).await?;
        for claim in &expired {
            match orders.remove_claim(claim).await {
                Err(fault) if !fault.is_version_conflict() => return Err(fault),
                _ => {}
            }
        }
        Ok(expired.len())
    }
}
