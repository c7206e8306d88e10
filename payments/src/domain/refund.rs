//! A refund: what it was asked for, and what the provider says of it.

use std::fmt;

use common::{Money, RefundId, Timestamp};
use serde::{Deserialize, Serialize};

/// Where one attempt stands. The order of the variants is their rank: a provider may take back a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    Pending,
    Succeeded,
    Failed,
}

/// Who wanted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundOrigin {
    /// An entry of the order.
    Order,
    /// Somebody at the provider's dashboard.
    Provider,
    /// Us: what was charged is not what the order cost.
    WrongAmount,
    /// Us: the money arrived on a session whose link never left us.
    Stray,
}

/// A refund entry of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Absent for one made at the provider's dashboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RefundId>,
    pub origin: RefundOrigin,
    pub amount: Money,
    /// The attempt that the state speaks of; the first is 1.
    pub attempt: u32,
    pub state: RefundState,
    /// The provider's id of this attempt, once it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// The charge that it takes from, when that is not the payment's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_intent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub at: Timestamp,
}

impl Refund {
    /// A refund that we decided on by ourselves.
    #[must_use]
    pub fn of_our_own(
        id: RefundId,
        origin: RefundOrigin,
        amount: Money,
        payment_intent: Option<String>,
        at: Timestamp,
    ) -> Self {
        Self {
            id: Some(id),
            origin,
            amount,
            attempt: 1,
            state: RefundState::Pending,
            provider_id: None,
            payment_intent,
            reason: None,
            at,
        }
    }

    /// Whether it takes from what this payment captured.
    #[must_use]
    pub fn is_of_this_charge(&self) -> bool {
        self.origin != RefundOrigin::Stray
    }

    /// Whether the provider has not answered yet.
    #[must_use]
    pub fn is_to_be_sent(&self) -> bool {
        self.state == RefundState::Pending && self.provider_id.is_none() && self.id.is_some()
    }

    /// What names this attempt at the provider.
    #[must_use]
    pub fn reference(&self) -> Option<RefundReference> {
        self.id.map(|id| RefundReference { id, attempt: self.attempt })
    }

    /// How the mesh hears of it; nobody hears of money that no order ever knew of.
    #[must_use]
    pub fn report(&self) -> Option<Reported> {
        matches!(self.origin, RefundOrigin::Order | RefundOrigin::Provider).then(|| Reported {
            id: self.id,
            provider_id: self.provider_id.clone().unwrap_or_default(),
            amount: self.amount,
            attempt: self.attempt,
        })
    }
}

/// A refund as the mesh hears of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    pub id: Option<RefundId>,
    pub provider_id: String,
    pub amount: Money,
    pub attempt: u32,
}

/// One attempt of one refund: the idempotency key, and what the provider keeps with the refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundReference {
    pub id: RefundId,
    pub attempt: u32,
}

impl fmt::Display for RefundReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.id, self.attempt)
    }
}

impl std::str::FromStr for RefundReference {
    type Err = common::Fault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_ours = || common::Fault::new(common::Code::InvalidRequest, "this is not a refund reference");
        let (id, attempt) = text.rsplit_once(':').ok_or_else(not_ours)?;
        Ok(Self { id: id.parse()?, attempt: attempt.parse().map_err(|_| not_ours())? })
    }
}

/// What an order asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    pub id: RefundId,
    /// Absent: everything that was captured and is not refunded yet.
    pub amount: Option<Money>,
    pub attempt: u32,
    pub reason: Option<String>,
}

/// What the provider is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundParams {
    pub reference: RefundReference,
    pub payment_intent: String,
    pub amount: Money,
}

/// A refund as the provider shows it, in an answer or in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundView {
    pub provider_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<RefundReference>,
    pub amount: Money,
    pub state: RefundState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_intent: Option<String>,
}
