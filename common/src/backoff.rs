//! Waiting before trying again: exponential, with full jitter, so that many who failed together do not return together.

use std::time::Duration;

use crate::random::Random;

/// Bounds of a wait.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// Upper bound of the first wait; doubles with each failure.
    pub base: Duration,
    /// Upper bound of any wait.
    pub cap: Duration,
}

impl Backoff {
    /// How long to wait after this many failures in a row; nothing after none.
    #[must_use]
    pub fn delay(self, failures: u32, random: &dyn Random) -> Duration {
        let Some(doublings) = failures.checked_sub(1) else { return Duration::ZERO };
        let bound = self.base.saturating_mul(2_u32.saturating_pow(doublings)).min(self.cap);
        Duration::from_nanos(random.below(u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX)))
    }
}
