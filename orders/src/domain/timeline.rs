//! The audit trail of one order: one entry per transition, never changed afterwards.

use common::Timestamp;
use serde::{Deserialize, Serialize};

use super::status::Status;

/// Who made a transition happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    Customer,
    Staff,
    /// The saga that places the order.
    Orders,
    Payments,
    Kitchen,
}

impl Actor {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Staff => "staff",
            Self::Orders => "orders",
            Self::Payments => "payments",
            Self::Kitchen => "kitchen",
        }
    }
}

/// One transition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub at: Timestamp,
    /// `None` for the first entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Status>,
    pub to: Status,
    pub cause: String,
    pub actor: Actor,
}
