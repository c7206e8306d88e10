//! When a meal is promised: a simple estimate from what is queued before it.

use std::time::Duration;

use common::Timestamp;

/// Time to cook one ticket.
pub const COOKING: Duration = Duration::from_secs(8 * 60);
/// Tickets that are cooked side by side.
pub const STATIONS: u32 = 4;
/// No promise is further away than this, however long the queue.
pub const FURTHEST: Duration = Duration::from_secs(3 * 60 * 60);

/// The promise for a ticket that finds `ahead` others open.
#[must_use]
pub fn promised_at(now: Timestamp, ahead: u64) -> Timestamp {
    let rounds = 1 + u32::try_from(ahead / u64::from(STATIONS)).unwrap_or(u32::MAX - 1);
    now + COOKING.saturating_mul(rounds).min(FURTHEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_queue_is_promised_later_up_to_a_bound() {
        let now = Timestamp::from_secs(100);
        assert_eq!(promised_at(now, 0), now + COOKING);
        assert_eq!(promised_at(now, 8), now + COOKING * 3);
        assert_eq!(promised_at(now, u64::MAX), now + FURTHEST);
    }
}
