//! The final answer to the call that placed an order, kept so that a replay gives the same one.

use common::{ItemId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    order::{Order, Undo},
    refund::{Returned, Told},
    status::Status,
};

/// What the caller was told, stored by the write that decided it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The link was ready; the order was at this version then.
    Placed {
        version: u64,
        at: Timestamp,
    },
    Refused(Refusal),
}

/// Why an order could not be placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    InsufficientStock {
        lines: Vec<Shortage>,
    },
    UnknownItem {
        items: Vec<ItemId>,
    },
    PaymentRejected,
    /// The lines cannot be sold together (mixed currencies, an amount that is too large).
    InvalidOrder {
        detail: String,
    },
}

impl Refusal {
    /// The `cause` of the cancelled order.
    #[must_use]
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::InsufficientStock { .. } => "insufficient_stock",
            Self::UnknownItem { .. } => "unknown_item",
            Self::PaymentRejected => "payment_rejected",
            Self::InvalidOrder { .. } => "invalid_order",
        }
    }
}

/// A line that the stock does not cover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    pub id: ItemId,
    pub wanted: u32,
    pub available: u64,
}

impl Order {
    /// The order as it was when its link was first answered.
    #[must_use]
    pub fn as_placed(&self, at: Timestamp) -> Self {
        Self {
            status: Status::WaitingPayment,
            updated_at: at,
            cause: None,
            returned: Vec::new(),
            ticket_started: false,
            undo: Undo::default(),
            ..self.clone()
        }
    }

    /// The order as it was when a refund was first answered.
    #[must_use]
    pub fn as_told(&self, told: &Told) -> Self {
        let returned = self.captured.filter(|_| told.returned_minor > 0).map(|captured| Returned {
            key: String::new(),
            amount: common::Money::new(told.returned_minor, captured.currency),
        });
        let cause = if told.status == Status::Refunding { self.cause.clone() } else { None };
        Self {
            status: told.status,
            updated_at: told.at,
            cause,
            returned: Vec::from_iter(returned),
            ..self.clone()
        }
    }
}
