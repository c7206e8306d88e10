//! An event: what happened to an object, as it was then, and how far its webhook has come.

use common::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{Collection, Document, IndexKey};

use super::{Token, token};

/// The types of events there are, as Stripe names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventType {
    #[serde(rename = "checkout.session.completed")]
    SessionCompleted,
    #[serde(rename = "checkout.session.expired")]
    SessionExpired,
    #[serde(rename = "checkout.session.async_payment_succeeded")]
    AsyncPaymentSucceeded,
    #[serde(rename = "checkout.session.async_payment_failed")]
    AsyncPaymentFailed,
    #[serde(rename = "payment_intent.succeeded")]
    IntentSucceeded,
    #[serde(rename = "payment_intent.payment_failed")]
    IntentFailed,
    #[serde(rename = "charge.refunded")]
    ChargeRefunded,
    #[serde(rename = "refund.created")]
    RefundCreated,
    #[serde(rename = "refund.updated")]
    RefundUpdated,
    #[serde(rename = "refund.failed")]
    RefundFailed,
}

impl EventType {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SessionCompleted => "checkout.session.completed",
            Self::SessionExpired => "checkout.session.expired",
            Self::AsyncPaymentSucceeded => "checkout.session.async_payment_succeeded",
            Self::AsyncPaymentFailed => "checkout.session.async_payment_failed",
            Self::IntentSucceeded => "payment_intent.succeeded",
            Self::IntentFailed => "payment_intent.payment_failed",
            Self::ChargeRefunded => "charge.refunded",
            Self::RefundCreated => "refund.created",
            Self::RefundUpdated => "refund.updated",
            Self::RefundFailed => "refund.failed",
        }
    }

    /// Whether the webhook endpoint subscribes to it. The payment intent's own events repeat what the session's say;
    /// they can be listed, but a merchant who uses checkout does not subscribe to them.
    #[must_use]
    pub fn is_subscribed(self) -> bool {
        !matches!(self, Self::IntentSucceeded | Self::IntentFailed)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventRecord {
    pub token: Token,
    pub event_type: EventType,
    /// The object as it was, as Stripe writes it.
    pub object: Box<RawValue>,
    pub cause: Cause,
    pub delivery: Delivery,
}

/// The request that led to an event; empty for what the payer or time did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cause {
    pub request_id: Option<String>,
    pub idempotency_key: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Nobody is to be told.
    None,
    Pending {
        attempts: u32,
        next_ms: u64,
    },
    Delivered,
    /// Every attempt failed.
    Abandoned,
}

impl Document for EventRecord {
    const COLLECTION: Collection = Collection("events");
    const INDEXES: &'static [&'static str] = &["pending"];

    fn document_id(&self) -> String {
        self.token.with(token::EVENT)
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        match self.delivery {
            Delivery::Pending { next_ms, .. } => {
                vec![IndexKey::new("pending", Timestamp::from_millis(next_ms).sort_key())]
            }
            Delivery::None | Delivery::Delivered | Delivery::Abandoned => Vec::new(),
        }
    }
}
