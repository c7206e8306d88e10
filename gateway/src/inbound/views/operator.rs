//! What operators see: dead letters, and everything about one order in one answer.

use common::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{MoneyView, OrderView, QueueView, TicketView, TimelineEntryView};

/// Every durable queue of the bus.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueList {
    pub(crate) queues: Vec<QueueView>,
}

/// A message that no handler could take.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetterView {
    /// Names it within its queue.
    pub(crate) id: String,
    pub(crate) queue: String,
    pub(crate) reason: String,
    pub(crate) attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub(crate) first_failed_at: Option<Timestamp>,
    /// The CloudEvent, when it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub(crate) event: Option<Box<RawValue>>,
    /// The message otherwise, at most its first 64 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) raw: Option<String>,
}

/// The oldest dead letters of a queue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetterList {
    pub(crate) dead_letters: Vec<DeadLetterView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneDeadLetter {
    pub(crate) dead_letter: DeadLetterView,
}

/// A refund as payments knows it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefundView {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) amount: Option<MoneyView>,
    /// pending, succeeded or failed.
    #[schema(value_type = String, example = "succeeded")]
    pub(crate) state: &'static str,
    /// The attempt that the state speaks of.
    pub(crate) attempt: u32,
}

/// The payment of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PaymentView {
    #[schema(example = "pay_019a5c9b3f6b7d3e8a4b1c2d3e4f5a6b")]
    pub(crate) id: String,
    /// created, open, processing, succeeded, failed or expired.
    #[schema(value_type = String, example = "succeeded")]
    pub(crate) state: &'static str,
    /// The provider's checkout session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) session_id: Option<String>,
    /// How many checkouts were begun at the provider.
    pub(crate) checkout_attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub(crate) expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) amount: Option<MoneyView>,
    /// What was charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) captured: Option<MoneyView>,
    /// What of it went back for certain.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) refunded: Option<MoneyView>,
    pub(crate) refunds: Vec<RefundView>,
    pub(crate) version: u64,
}

/// A part that could not be had, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MissingPart {
    /// timeline, payment or ticket.
    #[schema(value_type = String, example = "ticket")]
    pub(crate) part: &'static str,
    #[schema(value_type = String, example = "ticket_not_found")]
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

/// Everything that the services know of one order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderFile {
    pub(crate) order: OrderView,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) timeline: Option<Vec<TimelineEntryView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) payment: Option<PaymentView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) ticket: Option<TicketView>,
    pub(crate) missing: Vec<MissingPart>,
}
