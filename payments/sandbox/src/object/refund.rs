//! `refund`.

use common::Currency;
use serde::Serialize;

use crate::domain::{self, Metadata, refund::RefundStatus, token};

#[derive(Debug, Serialize)]
pub struct Refund<'a> {
    id: String,
    object: &'static str,
    amount: i64,
    charge: String,
    created: u64,
    currency: Currency,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'static str>,
    metadata: &'a Metadata,
    payment_intent: String,
    reason: Option<&'a str>,
    status: &'static str,
}

impl<'a> Refund<'a> {
    #[must_use]
    pub fn new(refund: &'a domain::Refund) -> Self {
        let failed = refund.status == RefundStatus::Failed;
        Self {
            id: refund.token.with(token::REFUND),
            object: "refund",
            amount: refund.amount_minor,
            charge: refund.payment.with(token::CHARGE),
            created: refund.token.created(),
            currency: refund.currency,
            failure_reason: failed.then_some("expired_or_canceled_card"),
            metadata: &refund.metadata,
            payment_intent: refund.payment.with(token::INTENT),
            reason: refund.reason.as_deref(),
            status: match refund.status {
                RefundStatus::Pending { .. } => "pending",
                RefundStatus::Succeeded => "succeeded",
                RefundStatus::Failed => "failed",
            },
        }
    }
}
