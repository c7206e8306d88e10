//! When a payment is looked at again although nothing happened: what the sweep's index is made of.

use std::time::Duration;

use common::Timestamp;
use serde::{Deserialize, Serialize};

/// How long the one who decided something has, undisturbed, to carry it out.
pub const GRACE: Duration = Duration::from_secs(10);
/// Longest pause between two tries of what we owe (an open intent, a close, a refund to send).
const OWED_MAX: Duration = Duration::from_secs(5 * 60);
/// How long past its expiry a session may stay silent.
pub const SILENCE: Duration = Duration::from_secs(60);
/// Longest pause between two questions about what the provider owes us.
const ASKING_MAX: Duration = Duration::from_secs(60 * 60);

/// The tries since something last went forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    pub failed: u32,
    pub last_at: Timestamp,
}

impl Tries {
    #[must_use]
    pub fn begin(now: Timestamp) -> Self {
        Self { failed: 0, last_at: now }
    }

    #[must_use]
    pub fn one_more(self, now: Timestamp) -> Self {
        Self { failed: self.failed.saturating_add(1), last_at: now }
    }

    /// When to carry on with what we owe.
    #[must_use]
    pub fn owed_at(self) -> Timestamp {
        self.last_at + doubled(GRACE, self.failed, OWED_MAX)
    }

    /// When to ask again.
    #[must_use]
    pub fn ask_at(self) -> Timestamp {
        self.last_at + doubled(SILENCE, self.failed, ASKING_MAX)
    }
}

fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(1_u32.checked_shl(times.min(16)).unwrap_or(u32::MAX)).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let mut tries = Tries::begin(Timestamp::EPOCH);
        assert_eq!(tries.owed_at(), Timestamp::EPOCH + GRACE);
        tries = tries.one_more(Timestamp::EPOCH);
        assert_eq!(tries.owed_at(), Timestamp::EPOCH + 2 * GRACE);
        for _ in 0..100 {
            tries = tries.one_more(Timestamp::EPOCH);
        }
        assert_eq!(tries.owed_at(), Timestamp::EPOCH + OWED_MAX);
        assert_eq!(tries.ask_at(), Timestamp::EPOCH + ASKING_MAX);
    }
}
