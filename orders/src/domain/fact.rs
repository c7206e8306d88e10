//! What payments and kitchen report: facts that merge into an order in any order and any number of times.

use common::{Money, RefundId};
use serde::{Deserialize, Serialize};

use super::{refund::Returned, timeline::Actor};

/// What is known of the order's payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    #[default]
    Unknown,
    /// A checkout can still be paid; for an order that is no news.
    Open,
    /// A delayed method is under way.
    Processing,
    Failed,
    Expired,
    Succeeded,
}

impl PaymentState {
    /// A success outranks every other end: a payment is never lost.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Unknown | Self::Open => 0,
            Self::Processing => 1,
            Self::Failed | Self::Expired => 2,
            Self::Succeeded => 3,
        }
    }

    /// The order can no longer be paid.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Failed | Self::Expired)
    }
}

/// What is known of the order's ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketState {
    Queued,
    Preparing,
    Ready,
    PickedUp,
    Rejected,
    Cancelled,
}

impl TicketState {
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Preparing => 1,
            Self::Ready => 2,
            Self::PickedUp | Self::Rejected | Self::Cancelled => 3,
        }
    }
}

/// One report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Payment {
        state: PaymentState,
        captured: Option<Money>,
    },
    /// Money went back for certain.
    Returned(Returned),
    RefundFailed {
        refund_id: RefundId,
        attempt: u32,
    },
    Ticket {
        state: TicketState,
        started: bool,
    },
}

impl Fact {
    /// Who a transition that follows from it is written down for.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        match self {
            Self::Ticket { .. } => Actor::Kitchen,
            _ => Actor::Payments,
        }
    }

    /// The cause of a transition that follows from it.
    #[must_use]
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::Payment { state: PaymentState::Failed, .. } => "payment_failed",
            Self::Payment { state: PaymentState::Expired, .. } => "payment_expired",
            Self::Payment { .. } => "payment_succeeded",
            Self::Returned(_) => "refund_confirmed",
            Self::RefundFailed { .. } => "refund_failed",
            Self::Ticket { state, .. } => match state {
                TicketState::Queued => "ticket_queued",
                TicketState::Preparing => "ticket_started",
                TicketState::Ready => "ticket_ready",
                TicketState::PickedUp => "ticket_picked_up",
                TicketState::Rejected => "ticket_rejected",
                TicketState::Cancelled => "ticket_cancelled",
            },
        }
    }
}
