//! The states of an order, their rank for events, and the way from one to another.

use serde::{Deserialize, Serialize};

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Pending,
    WaitingPayment,
    Cancelled,
    Expired,
    Paid,
    Preparing,
    Ready,
    Completed,
    Refunding,
    Refunded,
}

impl Status {
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::WaitingPayment,
        Self::Cancelled,
        Self::Expired,
        Self::Paid,
        Self::Preparing,
        Self::Ready,
        Self::Completed,
        Self::Refunding,
        Self::Refunded,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::WaitingPayment => "waiting_payment",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Paid => "paid",
            Self::Preparing => "preparing",
            Self::Ready => "ready",
            Self::Completed => "completed",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
        }
    }

    /// Events only move an order to a higher rank; cancelled and expired share one, so neither replaces the other.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::WaitingPayment => 1,
            Self::Cancelled | Self::Expired => 2,
            Self::Paid => 3,
            Self::Preparing => 4,
            Self::Ready => 5,
            Self::Completed => 6,
            Self::Refunding => 7,
            Self::Refunded => 8,
        }
    }

    /// Whether the order was paid for, now or earlier.
    #[must_use]
    pub const fn is_paid_or_later(self) -> bool {
        self.rank() >= Self::Paid.rank()
    }

    /// Ended before it was paid.
    #[must_use]
    pub const fn is_closed_unpaid(self) -> bool {
        matches!(self, Self::Cancelled | Self::Expired)
    }

    /// Nothing more happens, as far as a watcher is concerned (a late payment or refund aside).
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Refunded | Self::Cancelled | Self::Expired)
    }

    /// The next state on the way to `target`, which has a higher rank: what an event skipped is entered in between.
    #[must_use]
    pub const fn towards(self, target: Self) -> Self {
        match (self, target) {
            (Self::Pending, Self::Cancelled) => Self::Cancelled,
            (Self::Pending, _) => Self::WaitingPayment,
            (Self::WaitingPayment, Self::Cancelled | Self::Expired) => target,
            (Self::WaitingPayment, _) => Self::Paid,
            (Self::Refunding | Self::Refunded, _) => Self::Refunded,
            (Self::Cancelled | Self::Expired, _) | (_, Self::Refunding | Self::Refunded) => Self::Refunding,
            (Self::Paid, _) => Self::Preparing,
            (Self::Preparing, _) => Self::Ready,
            (Self::Ready | Self::Completed, _) => Self::Completed,
        }
    }

    /// Whether the table of domain.md has this step.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        next.rank() > self.rank() && self.towards(next) == next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_reaches_every_higher_one_by_allowed_steps() {
        for from in Status::ALL {
            for to in Status::ALL.into_iter().filter(|to| to.rank() > from.rank()) {
                if from.is_closed_unpaid() && to.rank() < Status::Refunding.rank() {
                    continue;
                }
                let mut at = from;
                for _ in 0..Status::ALL.len() {
                    at = if at == to { at } else { at.towards(to) };
                }
                assert_eq!(at, to, "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn nothing_leads_from_an_unpaid_end_but_a_refund() {
        for from in [Status::Cancelled, Status::Expired] {
            let next: Vec<_> = Status::ALL.into_iter().filter(|to| from.may_become(*to)).collect();
            assert_eq!(next, [Status::Refunding]);
        }
    }
}
