//! How an order stands, as far as a reservation cares, and what follows from it.

use super::reservation::Action;

/// What orders says of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no such order.
    Unknown,
    /// Not paid yet, and still may be.
    Open,
    /// Paid, or further.
    Bought,
    /// Cancelled or expired.
    Off,
    /// Its money goes back or has gone back.
    Refunded { ticket_started: bool },
}

impl Standing {
    /// What to do with the order's reservation; `None`: ask again later.
    #[must_use]
    pub fn verdict(self) -> Option<Action> {
        match self {
            Self::Open => None,
            Self::Bought => Some(Action::Commit),
            Self::Unknown | Self::Off => Some(Action::Release { ticket_started: false }),
            Self::Refunded { ticket_started } => Some(Action::Release { ticket_started }),
        }
    }
}
