//! Who drives the saga of a pending order, and when someone else may.

use std::time::Duration;

use common::Timestamp;
use serde::{Deserialize, Serialize};

/// The driver lease. It only saves work: safety is the compare-and-swap of every save.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Driver {
    /// The process that drives; `None` while nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    pub until: Timestamp,
    pub next_attempt_at: Timestamp,
    /// Attempts that failed.
    pub attempts: u32,
}

/// First wait between two attempts.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(200);
/// Longest wait between two attempts.
pub const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// After this long a saga gives up.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(600);

impl Driver {
    /// A lease that starts now.
    #[must_use]
    pub fn taken(owner: &str, until: Timestamp) -> Self {
        Self { owner: Some(owner.to_owned()), until, next_attempt_at: until, attempts: 0 }
    }

    /// When another driver may take over.
    #[must_use]
    pub fn due_at(&self) -> Timestamp {
        if self.owner.is_some() { self.until } else { self.next_attempt_at }
    }

    /// The same saga under a new driver.
    #[must_use]
    pub fn taken_over(&self, owner: &str, until: Timestamp) -> Self {
        Self { attempts: self.attempts, ..Self::taken(owner, until) }
    }

    /// Left alone until the next attempt is due.
    #[must_use]
    pub fn parked(&self, attempts: u32, next_attempt_at: Timestamp) -> Self {
        Self { owner: None, until: next_attempt_at, next_attempt_at, attempts }
    }
}

/// The wait after this many failed attempts: 0.2 s doubling to 10 s.
#[must_use]
pub fn backoff(attempts: u32) -> Duration {
    let factor = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    BACKOFF_FIRST.saturating_mul(factor).min(BACKOFF_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_a_fifth_of_a_second_to_ten() {
        let waits: Vec<_> = (1..=8).map(|n| backoff(n).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(backoff(u32::MAX), BACKOFF_MAX);
    }
}
