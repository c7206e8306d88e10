//! The JSON data of each event: one struct per producer. Additive changes only; unknown fields are ignored.

use common::{CustomerId, ItemId, Money, OrderId, RefundId, Timestamp};
use serde::{Deserialize, Serialize};

/// Data of every `order.*` event: the order as it was when the event was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEvent {
    pub order_id: OrderId,
    pub customer_id: CustomerId,
    /// The status that the event reports (`paid`, `cancelled`, …).
    pub status: String,
    pub lines: Vec<OrderEventLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_link: Option<String>,
    /// Whether the kitchen ever started to cook.
    #[serde(default)]
    pub ticket_started: bool,
    /// Refund entries that the provider has not confirmed yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<RefundOrder>,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEventLine {
    pub item_id: ItemId,
    pub quantity: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
}

/// A refund that payments is asked to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundOrder {
    pub refund_id: RefundId,
    /// Absent: everything that was captured and is not refunded yet (the order never learnt what was paid).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    pub attempt: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Data of `stock.reserved`, `stock.released` and `stock.committed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockEvent {
    pub order_id: OrderId,
    pub lines: Vec<StockEventLine>,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockEventLine {
    pub item_id: ItemId,
    pub quantity: u32,
}

/// Data of `stock.low`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLow {
    pub item_id: ItemId,
    pub name: String,
    pub available: u64,
    pub at: Timestamp,
}

/// Data of every `payment.*` event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentEvent {
    pub order_id: OrderId,
    pub payment_id: String,
    /// What was charged, on `payment.succeeded` and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<Money>,
    /// The refund that `payment.refunded` and `payment.refund_failed` report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundReport>,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundReport {
    /// Absent for a refund that was made at the provider's dashboard and not by us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<RefundId>,
    /// The provider's own id, which tells foreign refunds apart.
    pub provider_id: String,
    pub amount: Money,
    pub attempt: u32,
}

/// Data of every `ticket.*` event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketEvent {
    pub order_id: OrderId,
    pub ticket_id: String,
    /// Whether the kitchen ever started to cook.
    pub started: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub at: Timestamp,
}
